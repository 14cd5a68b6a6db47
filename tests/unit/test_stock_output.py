"""Output of stock workers: how they are asked to cut it, and the segments that it becomes."""

from __future__ import annotations

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.command import Output
from chargehand.domain.identifiers import CommandId
from chargehand.links.msgpack.wire import SETTINGS
from chargehand.links.stock.output import StockOutput
from chargehand.logs.segments import lines_of

DOCUMENTED = r"(\r\n|\r(?=.)|\x1b\[u|\x1b\[[0-9]+;[0-9]+[Hf]|\x1b\[2J|\x08+)"
"""Buildbot's default for the ends of lines."""
OURS = str(SETTINGS["newline_re"])


@given(st.text("\r\n\x1b[u2JHf;1\x08a", max_size=20))
def test_workers_end_lines_where_buildbot_has_them_do_it(text: str) -> None:
    assert re.sub(OURS, "\n", text) == re.sub(DOCUMENTED, "\n", text)


class Segments:
    """The segments of one command's logs."""

    def __init__(self) -> None:
        self.found: list[Output] = []

    def __call__(self, output: Output, _size: int) -> None:
        self.found.append(output)

    def text(self, log: str) -> bytes:
        return b"".join(lines_of(one.segment) for one in self.found if one.log == log)


CHUNKS = st.lists(
    st.tuples(
        st.sampled_from(["stdio", "trace"]),
        st.sampled_from([b"o", b"e"]),
        st.text("ab\n", max_size=8).map(str.encode),
    ),
    max_size=12,
)


@given(CHUNKS)
async def test_each_line_is_stored_once_with_its_channel(
    chunks: list[tuple[str, bytes, bytes]],
) -> None:
    segments = Segments()
    output = StockOutput(CommandId("c1"), segments)
    written: dict[tuple[str, bytes], bytes] = {}

    for log, letter, text in chunks:
        output.write(log, letter, text)
        written[log, letter] = written.get((log, letter), b"") + text
    output.finish()

    for (log, letter), text in written.items():
        lines = segments.text(log).split(b"\n")
        found = [line[1:] for line in lines if line.startswith(letter)]
        assert found == text.removesuffix(b"\n").split(b"\n") if text else not found


async def test_much_that_comes_at_once_becomes_segments_of_moderate_size() -> None:
    segments = Segments()
    output = StockOutput(CommandId("c1"), segments)
    text = b"".join(b"%079d\n" % number for number in range(20_000))

    output.write("stdio", b"o", text)
    await asyncio.sleep(0)
    output.finish()

    assert len(segments.found) == 4
    assert max(one.segment.size for one in segments.found) < 600_000
    assert segments.text("stdio").replace(b"\no", b"\n")[1:] == text
    numbers = [one.segment.source.number for one in segments.found if one.segment.source]
    assert numbers == [1, 2, 3, 4]


async def test_what_comes_with_the_line_that_fills_a_segment_is_no_segment_of_its_own() -> None:
    segments = Segments()
    output = StockOutput(CommandId("c1"), segments)
    text = b"x" * 79 + b"\n"

    for _ in range(20):
        output.write("stdio", b"o", text * 620)
    output.finish()

    assert [one.segment.size > 250_000 for one in segments.found] == [True] * 3 + [False]
