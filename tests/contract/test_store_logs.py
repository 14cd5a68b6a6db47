"""Logs: appended durably, read while they are written, and after a kill."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_workshop import Workshop, opened, segment

from chargehand.app.recovering import recover
from chargehand.domain.build import Log, LogType, Segment, SegmentSource
from chargehand.domain.command import Origin
from chargehand.domain.identifiers import BuildId, CommandId, LogId, MasterId, StepId
from chargehand.events.messages import LogAdded, LogAppended, LogFinished
from chargehand.execution.recovery import Cause
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.errors import LogWriteFailed
from chargehand.store.logs.text import DELETED_TEXT


async def _log(workshop: Workshop, kind: LogType = LogType.STDIO, slug: str = "stdio") -> Log:
    step = await workshop.step(await workshop.build())
    return await workshop.store.logs.open(step.id, slug, slug, kind)


async def _raw(workshop: Workshop, log: Log) -> bytes:
    raw = await workshop.store.logs.raw(log.id)
    text = b"".join([piece async for piece in raw.chunks])
    assert len(text) == raw.size
    return text


def _noise(lines: int, start: int = 0) -> bytes:
    """Return lines that do not compress."""
    return b"".join(
        b"o%06d %s\n" % (number, os.urandom(40).hex().encode())
        for number in range(start, start + lines)
    )


async def test_a_short_log_is_read_back(workshop: Workshop) -> None:
    log = await _log(workshop)
    workshop.heard()

    await workshop.store.logs.append(log.id, segment(b"hmake\noone\nee1\n"))
    await workshop.store.logs.append(log.id, segment(b"o\nohello\n"))
    live = await workshop.store.logs.lines(log.id, 1, 3)
    finished = await workshop.store.logs.finish(log.id)
    await workshop.recorded()

    assert live == b"oone\nee1\no\n"
    assert finished.line_count == 5
    assert await workshop.store.logs.lines(log.id, 0, None) == b"hmake\noone\nee1\no\nohello\n"
    assert await workshop.store.logs.lines(log.id, 5, 10) == b""
    assert await _raw(workshop, log) == b"make\none\ne1\n\nhello\n"
    events = workshop.heard(LogAdded, LogAppended, LogFinished)
    assert [event.log.line_count for event in events] == [3, 5, 5]


@pytest.mark.parametrize("kind", [LogType.TEXT, LogType.HTML])
async def test_a_log_without_letters_is_left_as_it_is(workshop: Workshop, kind: LogType) -> None:
    log = await _log(workshop, kind)

    await workshop.store.logs.append(log.id, segment(b"one\nother\n\n"))

    assert await _raw(workshop, log) == b"one\nother\n\n"


async def test_a_long_log_moves_to_a_file_and_is_readable_all_the_time(
    workshop: Workshop, tmp_path: Path
) -> None:
    logs = workshop.store.logs
    log = await _log(workshop)
    text = b""
    for number in range(20):
        piece = _noise(200, number * 200)
        text += piece
        await logs.append(log.id, segment(piece))
        assert await logs.lines(log.id, number * 200 + 190, 20) == b"".join(
            piece.splitlines(keepends=True)[190:]
        )
    whole = await _raw(workshop, log)
    await logs.finish(log.id)

    assert (tmp_path / "logs").exists()
    assert whole == await _raw(workshop, log)
    assert whole == b"".join(line[1:] for line in text.splitlines(keepends=True))
    assert await logs.lines(log.id, 1990, 20) == b"".join(text.splitlines(keepends=True)[1990:2010])
    for first, count in ((0, None), (150, 1_700), (1_999, 1), (2_000, None)):
        pieces = [piece async for piece in logs.lines_in_pieces(log.id, first, count)]
        assert b"".join(pieces) == await logs.lines(log.id, first, count)
        assert all(piece.endswith(b"\n") for piece in pieces)
    (row,) = await workshop.rows("logs")
    assert (row["num_lines"], row["complete"]) == (4000, True)


async def test_the_row_of_a_growing_log_is_brought_up_to_date(workshop: Workshop) -> None:
    log = await _log(workshop)
    await workshop.store.logs.append(log.id, segment(_noise(500)))
    await workshop.store.logs.append(log.id, segment(_noise(500)))

    await workshop.store.logs.close()

    assert (await workshop.rows("logs"))[0]["num_lines"] == 1000


async def test_what_was_announced_is_what_readers_find(workshop: Workshop) -> None:
    log = await _log(workshop)
    resources, number = workshop.store.resources, 0
    kept = await resources.fetch(Query(kind="logs", sees=EVERYTHING))

    for count in (10, 3000, 1, 500, 2):
        await workshop.store.logs.append(log.id, segment(_noise(count, number)))
        number += count
        announced = workshop.heard(LogAppended)[-1].log.line_count
        last = await workshop.store.logs.lines(log.id, announced - 1, 1)

        assert announced == number
        assert last.startswith(b"o%06d" % (number - 1))
        assert not resources.is_current(kept.basis)
        kept = await resources.fetch(Query(kind="logs", sees=EVERYTHING, fields=("num_lines",)))
        assert kept.rows == [{"num_lines": number}]
        assert resources.is_current(kept.basis)


async def test_equal_slugs_are_told_apart(workshop: Workshop) -> None:
    log = await _log(workshop)

    again = await workshop.store.logs.open(log.step_id, "stdio", "stdio", LogType.STDIO)

    assert (log.slug, again.slug) == ("stdio", "stdio_2")


async def test_a_finished_or_unknown_log_takes_nothing(workshop: Workshop) -> None:
    log = await _log(workshop)
    await workshop.store.logs.finish(log.id)

    with pytest.raises(LogWriteFailed):
        await workshop.store.logs.append(log.id, segment(b"o\n"))
    with pytest.raises(LookupError):
        await workshop.store.logs.append(LogId(999), segment(b"o\n"))
    with pytest.raises(LookupError):
        await workshop.store.logs.raw(LogId(999))


@pytest.mark.parametrize("lines", [1, 1000])
async def test_of_a_deleted_text_the_row_and_a_sentence_stay(
    workshop: Workshop, tmp_path: Path, lines: int
) -> None:
    log = await _log(workshop)
    await workshop.store.logs.append(log.id, segment(_noise(lines)))
    await workshop.store.logs.finish(log.id)

    await workshop.store.logs.delete_texts([log.id])

    assert list((tmp_path / "logs").glob("*/*.log")) == []
    (row,) = await workshop.rows("logs")
    assert (row["type"], row["num_lines"]) == ("d", 1)
    assert await workshop.store.logs.lines(log.id, 0, 1) == DELETED_TEXT
    assert await workshop.store.logs.lines(log.id, 1, 5) == b""
    assert await _raw(workshop, log) == DELETED_TEXT


async def test_after_a_kill_the_log_ends_with_its_last_whole_record(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as killed:
        log = await _log(killed)
        await killed.store.logs.append(log.id, segment(_noise(300)))
        await killed.store.logs.append(log.id, segment(_noise(300, 300)))
    (file,) = (tmp_path / "logs").glob("*/*.log")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:1000])

    async with opened(database_url, tmp_path) as restarted:
        await recover(restarted.store.masters, restarted.master_id, Cause.KILLED)

        (row,) = await restarted.rows("logs")
        assert (row["num_lines"], row["complete"]) == (600, True)
        assert file.read_bytes() == whole
        assert len(await _raw(restarted, log)) > 0


async def test_a_log_that_was_open_before_a_restart_can_go_on(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as first:
        short = await _log(first)
        long = await _log(first, slug="long")
        await first.store.logs.append(short.id, segment(b"oone\n"))
        await first.store.logs.append(long.id, segment(_noise(300)))

    async with opened(database_url, tmp_path) as second:
        await second.store.logs.append(short.id, segment(b"otwo\n"))
        await second.store.logs.append(long.id, segment(b"othe end\n"))

        assert await second.store.logs.lines(short.id, 0, None) == b"oone\notwo\n"
        assert await second.store.logs.lines(long.id, 300, None) == b"othe end\n"
        assert (await second.store.logs.finish(long.id)).line_count == 301


async def test_when_the_disk_is_full_the_log_ends_and_can_still_be_read(
    workshop: Workshop,
) -> None:
    log = await _log(workshop)
    await workshop.store.logs.append(log.id, segment(_noise(300)))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(LogWriteFailed, match="the log ends here"):
            await workshop.store.logs.append(log.id, segment(_noise(1000, 300)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)

    assert (await workshop.store.logs.lines(log.id, 299, 10)).startswith(b"o000299")
    await workshop.store.logs.append(log.id, segment(b"oroom again\n"))
    assert await workshop.store.logs.lines(log.id, 300, None) == b"oroom again\n"


def _origin(step_id: StepId) -> Origin:
    return Origin(build_id=BuildId(1), step_id=step_id)


def _told(text: bytes, command: str, number: int) -> Segment:
    source = SegmentSource(command_id=CommandId(command), number=number)
    return replace(segment(text), source=source)


@pytest.mark.parametrize("lines", [1, 400], ids=["short", "long"])
async def test_a_killed_masters_log_tells_which_updates_it_has(
    database_url: str, tmp_path: Path, lines: int
) -> None:
    async with opened(database_url, tmp_path) as killed:
        log = await _log(killed)
        for number, command in ((1, "7-1"), (3, "7-1"), (2, "7-2")):
            await killed.store.logs.append(log.id, _told(_noise(lines), command, number))
        await killed.store.logs.append(log.id, segment(b"hour own\n"))

    async with opened(database_url, tmp_path) as workshop:
        logs = workshop.store.logs
        for command, number in (("7-1", 3), ("7-2", 2), ("7-3", 0)):
            assert await logs.resume(
                _origin(log.step_id), "stdio", "stdio", CommandId(command)
            ) == (
                log.id,
                number,
            )
        await logs.append(log.id, _told(b"olast\n", "7-2", 3))
        assert await logs.resume(_origin(log.step_id), "stdio", "stdio", CommandId("7-2")) == (
            log.id,
            3,
        )
        assert len(await logs.lines(log.id, 0, None)) > 50 * 3 * lines


async def test_output_of_a_log_that_is_finished_or_was_never_opened(workshop: Workshop) -> None:
    logs = workshop.store.logs
    log = await _log(workshop)
    await logs.append(log.id, _told(b"oone\n", "7-1", 1))
    await logs.finish(log.id)

    finished = await logs.resume(_origin(log.step_id), "stdio", "stdio", CommandId("7-1"))
    another = await logs.resume(_origin(log.step_id), "stdio", "stdio", CommandId("7-2"))
    unknown = await logs.resume(_origin(StepId(999)), "stdio", "stdio", CommandId("7-2"))

    assert finished is None
    assert another is not None
    assert another[0] != log.id
    assert unknown is None


@pytest.mark.parametrize("lines", [1, 400], ids=["short", "long"])
async def test_what_a_worker_brings_after_its_build_was_given_up_is_added_once(
    database_url: str, tmp_path: Path, lines: int
) -> None:
    first = _noise(lines)
    async with opened(database_url, tmp_path) as killed:
        build = await killed.build()
        step = await killed.step(build)
        log = await killed.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        await killed.store.logs.append(log.id, _told(first, "7-1", 1))
    origin = Origin(build_id=build.id, step_id=step.id)

    async with opened(database_url, tmp_path) as workshop:
        logs, command = workshop.store.logs, CommandId("7-1")
        master_id = build.master_id
        await recover(workshop.store.masters, master_id, Cause.KILLED)

        async def place(of: Origin, worker: str, master: MasterId) -> tuple[LogId, int] | None:
            return await logs.reopen(of, "stdio", command, worker_name=worker, master_id=master)

        for number in (2, 3):
            assert await place(origin, "w1", master_id) == (log.id, number - 1)
            await logs.append(log.id, _told(_noise(lines), "7-1", number))
            rows = await workshop.rows("logs")
            assert rows[0]["complete"], "a kill now must not leave it open"
            await logs.finish(log.id)

        assert await place(origin, "w2", master_id) is None
        assert await place(origin, "w1", MasterId(99)) is None
        assert await place(replace(origin, build_id=BuildId(99)), "w1", master_id) is None
        text = await logs.lines(log.id, 0, None)
        assert text.startswith(first)
        assert text.count(b"\n") == 3 * lines
        (row,) = await workshop.rows("logs")
        assert (row["complete"], row["num_lines"]) == (True, 3 * lines)


async def test_a_log_of_a_build_that_ended_by_itself_takes_nothing_more(
    workshop: Workshop,
) -> None:
    build = await workshop.build()
    step = await workshop.step(build)
    log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    await workshop.store.logs.append(log.id, _told(b"oone\n", "7-1", 1))
    await workshop.store.logs.finish(log.id)

    found = await workshop.store.logs.reopen(
        Origin(build_id=build.id, step_id=step.id),
        "stdio",
        CommandId("7-1"),
        worker_name="w1",
        master_id=build.master_id,
    )

    assert found is None


@pytest.mark.parametrize("kind", [LogType.STDIO, LogType.TEXT])
async def test_a_log_is_scanned_from_any_line_on_in_its_row_and_in_its_file(
    workshop: Workshop, kind: LogType
) -> None:
    logs = workshop.store.logs
    log = await _log(workshop, kind)
    letter = b"o" if kind is LogType.STDIO else b""
    text = b""
    for number in range(20):
        piece = _noise(200, number * 200)
        text += piece if letter else piece.replace(b"\no", b"\n")[1:]
        await logs.append(log.id, segment(piece if letter else piece.replace(b"\no", b"\n")[1:]))
        if number in (0, 1, 19):
            lines = text.splitlines(keepends=True)
            for first in (0, 1, 199, 200, 201, len(lines) - 1, len(lines), len(lines) + 5):
                expected = [line.removeprefix(letter) for line in lines[first:]]
                assert await _scanned(workshop, log, first) == expected
    await logs.finish(log.id)

    assert len(await _scanned(workshop, log, 0)) == 4000


async def _scanned(workshop: Workshop, log: Log, first: int) -> list[bytes]:
    found: list[bytes] = []

    def take(number: int, text: bytes) -> bool:
        assert number == first + len(found)
        found.extend(text.splitlines(keepends=True))
        return True

    counts = [count async for count in workshop.store.logs.scan(log.id, first, take)]
    assert sum(counts) == len(found)
    return found


async def test_a_scan_ends_when_no_more_is_wanted(workshop: Workshop) -> None:
    log = await _log(workshop)
    for number in range(3):
        await workshop.store.logs.append(log.id, segment(b"o%d\n" % number))
    taken: list[bytes] = []

    def take(_number: int, text: bytes) -> bool:
        taken.append(text)
        return len(taken) < 2

    assert [count async for count in workshop.store.logs.scan(log.id, 0, take)] == [2]
    assert taken == [b"0\n", b"1\n"]
    taken.clear()
    scan = workshop.store.logs.scan(log.id, 1, take, with_letters=True)
    assert [count async for count in scan] == [2]
    assert taken == [b"o1\n", b"o2\n"]
