"""How the agent cuts what a command writes into segments of whole lines."""

from __future__ import annotations

import asyncio

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from chargehand_worker import output as output_module
from chargehand_worker.compression import compressor
from chargehand_worker.output import (
    LONGEST_LINE,
    SEGMENT_SIZE,
    STDIO,
    LineCutter,
    Output,
)
from chargehand_worker.redaction import Redactor


class Narrow:
    """An outlet with room for so many segments."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.segments: list[tuple[str, bytes, int, int]] = []

    def output(self, log: str, data: bytes, line_count: int, size: int) -> None:
        self.segments.append((log, zstandard.ZstdDecompressor().decompress(data), line_count, size))

    def value(self, key: str, value: object) -> None:
        raise AssertionError("no values here")

    def has_room(self) -> bool:
        return len(self.segments) < self.room


def cut(
    pieces: list[bytes], encoding: str | None = None, redactor: Redactor | None = None
) -> tuple[bytes, int]:
    cutter = LineCutter(b"o", encoding, redactor)
    text, count = b"", 0
    for part, lines in [*map(cutter.feed, pieces), cutter.finish()]:
        text += part
        count += lines
    return text, count


_bytes = st.lists(st.sampled_from([b"\n", b"a", b"\r", b"\xff", b"bc\n", b"\n\n"]), max_size=30)


@given(st.lists(_bytes))
def test_lines_come_whole_wherever_the_bytes_were_cut(pieces: list[list[bytes]]) -> None:
    chunks = [b"".join(piece) for piece in pieces]
    whole = b"".join(chunks)

    text, count = cut([chunk for chunk in chunks if chunk])

    lines = whole.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    assert text == b"".join(b"o" + line + b"\n" for line in lines)
    assert count == len(lines)


@given(st.integers(1, 3 * LONGEST_LINE), st.integers(1, 256 * 1024))
def test_a_line_without_end_is_split_and_nothing_of_it_is_lost(length: int, step: int) -> None:
    whole = b"x" * length
    pieces = [whole[at : at + step] for at in range(0, length, max(step, length // 40))]

    text, count = cut([*pieces, b"\nafter"])

    lines = text.splitlines()
    assert b"".join(line[1:] for line in lines[:-1]) == b"".join(pieces)
    assert lines[-1] == b"oafter"
    assert max(map(len, lines)) <= LONGEST_LINE + 1
    assert count == len(lines)


@given(st.text(max_size=50), st.integers(1, 5), st.sampled_from(["utf-16", "shift_jis", "cp1252"]))
def test_other_encodings_become_utf_8_wherever_they_were_cut(
    text: str, step: int, encoding: str
) -> None:
    encoded = text.encode(encoding, "ignore")
    expected = encoded.decode(encoding, "replace").encode("utf-8", "replace")

    result, _ = cut([encoded[at : at + step] for at in range(0, len(encoded), step)], encoding)

    assert result.replace(b"\no", b"\n")[1:].removesuffix(b"\n") == expected.removesuffix(b"\n")


async def test_a_segment_is_cut_when_it_is_large_enough() -> None:
    outlet = Narrow()
    output = Output(outlet, compressor())
    line = b"o" + b"x" * 1022 + b"\n"

    output.write(STDIO, line * 255, 255)
    early = list(outlet.segments)
    output.write(STDIO, line, 1)

    assert early == []
    assert outlet.segments == [(STDIO, line * 256, 256, SEGMENT_SIZE)]
    assert output.is_empty


@pytest.mark.looptime
async def test_a_few_lines_do_not_wait_for_others_for_long() -> None:
    outlet = Narrow()
    output = Output(outlet, compressor())

    output.write(STDIO, b"oa\n", 1)
    output.write("other", b"ob\n", 1)
    await asyncio.sleep(0.2)

    assert [(log, text) for log, text, _, _ in outlet.segments] == [
        (STDIO, b"oa\n"),
        ("other", b"ob\n"),
    ]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("every", "count", "most_seconds", "most_segments"),
    [(0.25, 20, 0.02, 20), (0.001, 3000, 0.11, 32)],
    ids=["now and then", "a flood"],
)
async def test_a_line_after_a_silence_goes_at_once_and_a_flood_in_few_segments(
    every: float, count: int, most_seconds: float, most_segments: int
) -> None:
    loop = asyncio.get_running_loop()
    waits: list[float] = []

    class Timing(Narrow):
        def output(self, log: str, data: bytes, line_count: int, size: int) -> None:
            super().output(log, data, line_count, size)
            lines = self.segments[-1][1].splitlines()
            waits.extend(loop.time() - float(line[1:]) for line in lines)

    outlet = Timing()
    output = Output(outlet, compressor())
    for _ in range(count):
        await asyncio.sleep(every)
        output.write(STDIO, b"o%f\n" % loop.time(), 1)
    await asyncio.sleep(0.2)

    assert len(waits) == count
    assert max(waits[1:]) <= most_seconds
    assert len(outlet.segments) <= most_segments


@pytest.mark.looptime
async def test_what_a_short_command_says_goes_with_its_end() -> None:
    outlet = Narrow()
    output = Output(outlet, compressor())

    output.header("make")
    await asyncio.sleep(0.05)
    output.write(STDIO, b"odone\n", 1)
    output.flush()

    assert [count for _, _, count, _ in outlet.segments] == [2]


async def test_nothing_is_cut_while_there_is_no_room() -> None:
    outlet = Narrow(room=1)
    output = Output(outlet, compressor())
    output.write(STDIO, b"oa\n", 1)
    output.flush()

    output.write(STDIO, b"o" + b"x" * SEGMENT_SIZE + b"\n", 1)
    output.flush()
    held_back = not output.is_empty and not output.has_room()
    outlet.room = 2
    output.flush()

    assert held_back
    assert [count for _, _, count, _ in outlet.segments] == [1, 1]


async def test_headers_have_their_own_letter_on_each_line() -> None:
    outlet = Narrow()
    output = Output(outlet, compressor())

    output.header("\none\ntwo")
    output.flush()

    assert outlet.segments == [(STDIO, b"h\nhone\nhtwo\n", 3, 12)]


def test_secrets_are_hidden_line_by_line_and_the_longest_first() -> None:
    redactor = Redactor([("pass", "<p>"), ("password", "<long>"), ("key1\n\nkey2", "<k>")])

    assert redactor.redacted(b"password pass\nkey1\nkey2\n") == b"<long> <p>\n<k>\n<k>\n"


def test_of_secrets_that_overlap_nothing_is_left() -> None:
    redactor = Redactor([("abcd", "<1>"), ("cdef", "<2>"), ("efgh", "<3>"), ("xx", "<x>")])

    assert redactor.redacted(b"-abcdefgh-xxxxx-cdef-") == b"-<1>-<x>-<2>-"


_SECRETS = [("aba", "<1>"), ("bab\ncc", "<2>"), ("occ", "<3>"), ("ccac", "<4>")]


@given(
    st.binary(max_size=80).map(lambda data: bytes(b"abco\n."[one % 6] for one in data)), st.data()
)
def test_secrets_are_hidden_wherever_the_bytes_were_cut(text: bytes, data: st.DataObject) -> None:
    """Also where a line is so long that it is split."""
    borders = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *borders], [*borders, len(text)], strict=True)]
    redactor = Redactor(_SECRETS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(output_module, "LONGEST_LINE", 12)

        whole, _ = cut([text], redactor=redactor)
        found, count = cut(pieces, redactor=redactor)

        assert found == whole
        lines = found.split(b"\n")[:-1]
        assert count == len(lines)
        assert all(line[:1] == b"o" for line in lines), "the letter is no part of a secret"
        for secret in (b"aba", b"bab", b"cc", b"ccac"):
            assert not any(secret in line[1:] for line in lines)


async def test_passwords_in_addresses_are_not_in_the_lines_of_our_own() -> None:
    outlet = Narrow()
    output = Output(outlet, compressor())

    output.header("clone https://user:hunter2@host/x.git\n  URL=https://:hunter2@host")
    output.header("clone https://ghp_hunter2@host/x.git\n  URL=https://host/?token=hunter2")
    output.write(STDIO, b"ohttps://user:as-written@host\n", 1)
    output.flush()

    text = outlet.segments[0][1].decode()
    assert text.splitlines() == [
        "hclone https://user:***@host/x.git",
        "h  URL=https://:***@host",
        "hclone https://***@host/x.git",
        "h  URL=https://host/?token=***",
        "ohttps://user:as-written@host",
    ]
