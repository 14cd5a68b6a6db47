"""The form in which logs are kept, for any text, any range, any torn end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from chargehand.domain.build import Segment, SegmentSource
from chargehand.domain.identifiers import CommandId
from chargehand.store.logs.records import Extent, ReadAt, encoded, extent_of, last_number
from chargehand.store.logs.text import chunks, lines, plain_size

_compressor = zstandard.ZstdCompressor()

_line = st.tuples(st.sampled_from([b"o", b"e", b"h"]), st.binary(max_size=30)).map(
    lambda pair: pair[0] + pair[1].replace(b"\n", b"") + b"\n"
)
_texts = st.lists(st.lists(_line, min_size=1, max_size=20).map(b"".join), max_size=12)


def _kept(texts: list[bytes], sources: Sequence[SegmentSource | None] = ()) -> bytes:
    return b"".join(
        encoded(
            Segment(
                data=_compressor.compress(text),
                line_count=text.count(b"\n"),
                size=len(text),
                source=source,
            )
        )
        for text, source in zip_longest(texts, sources)
    )


def _reading(content: bytes) -> ReadAt:
    return lambda offset, count: content[offset : offset + count]


@given(texts=_texts, first=st.integers(0, 300), count=st.none() | st.integers(0, 100))
def test_any_range_of_lines_is_read(texts: list[bytes], first: int, count: int | None) -> None:
    content = _kept(texts)
    extent = extent_of(_reading(content), len(content))

    found = lines(_reading(content), extent, first, count)

    end = None if count is None else first + count
    assert found == b"".join(_lines(b"".join(texts))[first:end])


@given(texts=_texts)
def test_letters_are_taken_off_and_nothing_else(texts: list[bytes]) -> None:
    content = _kept(texts)
    extent = extent_of(_reading(content), len(content))

    plain = b"".join(chunks(_reading(content), extent, has_letters=True))

    assert plain == b"".join(line[1:] for line in _lines(b"".join(texts)))
    assert len(plain) == plain_size(extent, has_letters=True)


@given(texts=_texts, cut=st.integers(1, 40))
def test_a_torn_end_is_noticed_and_the_rest_is_whole(texts: list[bytes], cut: int) -> None:
    content = _kept([*texts, b"othe last line\n"])
    torn = content[: -min(cut, len(content) - len(_kept(texts)))]

    extent = extent_of(_reading(torn), len(torn))

    assert extent.length == len(_kept(texts))
    assert extent.line_count == b"".join(texts).count(b"\n")


@given(texts=_texts)
def test_growing_and_reading_again_agree(texts: list[bytes]) -> None:
    content = _kept(texts)
    grown = Extent()
    for text in texts:
        grown.grow(text.count(b"\n"), len(text), len(_kept([text])))

    assert grown == extent_of(_reading(content), len(content))


_sources = st.builds(
    SegmentSource,
    command_id=st.integers(1, 12).map(lambda count: CommandId(f"7-{count}")),
    number=st.integers(1, 2**32 - 1),
)


@given(found=st.lists(st.tuples(_texts.map(b"".join), st.none() | _sources), max_size=8))
def test_what_came_from_a_command_is_known(found: list[tuple[bytes, SegmentSource | None]]) -> None:
    texts, sources = [text for text, _ in found], [source for _, source in found]
    content = _kept(texts, sources)
    extent = extent_of(_reading(content), len(content))

    for count in range(1, 13):
        command_id = CommandId(f"7-{count}")
        numbers = [one.number for one in sources if one and one.command_id == command_id]
        last = last_number(_reading(content), len(content), command_id)
        assert last == max(numbers, default=0)
    assert lines(_reading(content), extent, 0, None) == b"".join(texts)


def test_lines_far_into_a_long_log_are_found_by_the_index() -> None:
    texts = [b"".join(b"o%d\n" % (100 * n + k) for k in range(100)) for n in range(5000)]
    content = _kept(texts)
    extent = extent_of(_reading(content), len(content))
    read: list[int] = []

    def read_at(offset: int, count: int) -> bytes:
        read.append(count)
        return content[offset : offset + count]

    assert lines(read_at, extent, 499_990, 3) == b"o499990\no499991\no499992\n"
    assert sum(read) < 200_000


def _lines(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.split(b"\n")[:-1]]
