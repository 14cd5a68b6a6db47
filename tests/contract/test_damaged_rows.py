"""A damaged row is told of, shown as damaged, and mended; it keeps nothing else from working."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_workshop import Workshop, opened, segment

from chargehand.domain.build import LogType
from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.store.checking import checked

_URL = "sqlite:///state.sqlite"

_DAMAGE = (
    "update buildsets set properties = '{garb'",
    "update workers set info = '{garb'",
    "update builds set result = 77",
    "update buildsets set result = 77",
    "update build_properties set value = '{x'",
    "update object_state set value = '{x'",
    "update steps set urls = '{x'",
    "update build_requests set priority = 'abc'",
    "update logs set type = 'q'",
    "update logs set content = x'00112233'",
    "update changes set files = 'x'",
    "update changes set properties = '[]'",
    "update builds set worker_id = 99",
    "update builds set started_at = 'noon'",
    "update builds set complete = 7",
    "update steps set hidden = 7",
    "update schedulers set enabled = 'maybe'",
)
_KINDS = ("builds", "buildsets", "buildrequests", "steps", "logs", "workers", "changes", "builders")


async def _fill(workshop: Workshop) -> None:
    submitted = await workshop.submit("b1", properties={"p": (1, "test")})
    request = submitted.requests[0].request.id
    build = await workshop.start(request)
    workshop.store.builds.set_build_properties(build.id, {"p": (1, "test")})
    step = await workshop.step(build)
    log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    await workshop.store.logs.append(log.id, segment(b"oone\notwo\n"))
    await workshop.store.logs.finish(log.id)
    workshop.store.steps.finish_step(step, Result.SUCCESS, "done", False)
    await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", [request])
    await workshop.store.schedulers.ids(["s"])
    await workshop.store.state.set("s", "Periodic", "last_build", 1.5)
    await workshop.store.changes.add([NewChange(author="me", files=("a",))])
    await workshop.submit("b1")


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    basedir = tmp_path_factory.mktemp("filled")

    async def fill() -> None:
        async with opened(_URL, basedir) as workshop:
            await _fill(workshop)

    asyncio.run(fill())
    assert checked(_URL, basedir, is_to_be_repaired=False) == []
    return basedir


@pytest.fixture
def filled(_filled: Path, tmp_path: Path) -> Path:
    """A master's directory with a database in which nothing is damaged."""
    return shutil.copytree(_filled, tmp_path, dirs_exist_ok=True)


def _damage(basedir: Path, statement: str) -> None:
    with closing(sqlite3.connect(basedir / "state.sqlite")) as database:
        assert database.execute(statement).rowcount
        database.commit()


@pytest.mark.parametrize("statement", _DAMAGE)
async def test_everything_else_works_with_a_damaged_row(statement: str, filled: Path) -> None:
    _damage(filled, statement)

    async with opened(_URL, filled) as workshop:
        for kind in _KINDS:
            assert await workshop.rows(kind), kind
        for kind, scope in (("buildsets", "bsid"), ("builds", "buildid")):
            assert await workshop.rows("properties", scope={scope: 1}), kind
        await workshop.store.requests.pending(list(workshop.builder_ids.values()))
        await workshop.store.state.get("s", "Periodic", "last_build")
        assert await workshop.store.logs.lines(1, 0, None)
        assert len(await workshop.store.changes.changes_after(0)) == 1
        await workshop.build("b2")


@pytest.mark.parametrize("statement", _DAMAGE)
def test_damage_is_found_and_mended(statement: str, filled: Path) -> None:
    _damage(filled, statement)
    table = statement.split()[1]

    found = checked(_URL, filled, is_to_be_repaired=False)
    mended = checked(_URL, filled, is_to_be_repaired=True)

    if "'[]'" not in statement:
        assert found
    assert {damage.table for damage in found} <= {table}
    assert mended == found
    lasting = [damage for damage in found if damage.is_lasting]
    assert checked(_URL, filled, is_to_be_repaired=False) == lasting
    assert bool(lasting) == ("content" in statement)


@pytest.mark.parametrize("is_gone", [False, True], ids=["damaged", "gone"])
async def test_a_log_without_its_file_says_so(is_gone: bool, tmp_path: Path) -> None:
    noise = b"".join(b"o%d\n" % (n * n * 7919 % 1_000_003) for n in range(20_000))
    async with opened(_URL, tmp_path) as workshop:
        step = await workshop.step(await workshop.build())
        log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        lines = noise.splitlines(keepends=True)
        for start in range(0, len(lines), 4000):
            text = b"".join(lines[start : start + 4000])
            await workshop.store.logs.append(log.id, segment(text))
        await workshop.store.logs.finish(log.id)
    [path] = (tmp_path / "logs").glob("*/*.log")
    if is_gone:
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
        path.write_bytes(data)

    [damage] = checked(_URL, tmp_path, is_to_be_repaired=True)
    assert "1.log is missing: 20000 lines" in str(damage) or "lines cannot be read" in str(damage)
    assert damage.is_lasting
    async with opened(_URL, tmp_path) as workshop:
        shown = await workshop.store.logs.lines(log.id, 0, None)
        raw = await workshop.store.logs.raw(log.id)
        text = b"".join([chunk async for chunk in raw.chunks])

    assert b"cannot be read]" in shown
    assert b"cannot be read]" in text
    assert len(text) == raw.size


def test_a_file_that_belongs_to_no_log_is_found_and_deleted(filled: Path) -> None:
    stray = filled / "logs" / "07" / "7.log"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")

    [found] = checked(_URL, filled, is_to_be_repaired=False)
    assert (
        str(found) == "logs (id 7): file logs/07/7.log belongs to no log; repair: delete the file"
    )
    assert stray.exists()
    checked(_URL, filled, is_to_be_repaired=True)

    assert not stray.exists()
    assert checked(_URL, filled, is_to_be_repaired=False) == []


async def test_a_build_whose_properties_are_damaged_is_not_rebuilt_with_others(
    filled: Path,
) -> None:
    _damage(filled, "update buildsets set properties = '{garb'")

    async with opened(_URL, filled) as workshop:
        with pytest.raises(LookupError, match="buildset 1 are damaged in the database"):
            await workshop.store.buildsets.rebuild_of(1)
