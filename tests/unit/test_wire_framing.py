"""Frames come whole however they are cut, and long ones are copied as little as possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand_wire.codec import Decoder
from chargehand_wire.framing import Bytes, FrameReader, ProtocolError, frame, parcels
from chargehand_wire.messages import FromMaster, Input

_SIZES = st.sampled_from([0, 1, 1000, 128 * 1024, 300 * 1024, 3 * 1024 * 1024 + 1])
_CUTS = st.lists(st.integers(1, 400 * 1024), max_size=20)


def _messages(sizes: list[int]) -> list[Input]:
    return [Input("c", number, bytes((number,)) * size) for number, size in enumerate(sizes)]


def _reader() -> FrameReader[FromMaster]:
    return FrameReader(Decoder(FromMaster))


def _put(reader: FrameReader[FromMaster], data: bytes) -> list[FromMaster]:
    """Receive as a connection does that asks where to put what comes."""
    come: list[FromMaster] = []
    rest = memoryview(data)
    while rest:
        room = reader.room()
        count = min(len(room), len(rest))
        room[:count] = rest[:count]
        rest = rest[count:]
        come += reader.came(count)
    return come


@given(st.lists(_SIZES, max_size=6), _CUTS)
def test_messages_are_the_same_wherever_what_comes_is_put(sizes: list[int], cuts: list[int]):
    messages = _messages(sizes)
    data = b"".join(map(frame, messages))
    fed, put = _reader(), _reader()
    come: tuple[list[FromMaster], list[FromMaster]] = [], []

    for cut in [*cuts, len(data)]:
        piece, data = data[:cut], data[cut:]
        come[0].extend(fed.feed(piece))
        come[1].extend(_put(put, piece))

    assert come == (messages, messages)


def test_a_long_frame_goes_to_its_place():
    (message,) = _messages([1024 * 1024])
    data = bytes(frame(message))
    reader = _reader()
    assert _put(reader, data[:100_000]) == []

    room = reader.room()
    rest = data[100_000:]
    room[:] = rest

    assert list(reader.came(len(rest))) == [message]


def test_a_frame_that_is_too_long_is_refused_wherever_it_is_put():
    with pytest.raises(ProtocolError, match="is announced"):
        _put(_reader(), b"\xff\xff\xff\xff")


@given(st.lists(_SIZES, max_size=6))
def test_parcels_are_the_frames_in_their_order(sizes: list[int]):
    frames: list[Bytes] = [*map(frame, _messages(sizes))]

    written = parcels(frames)

    assert b"".join(written) == b"".join(frames)


def test_short_frames_are_written_together_and_long_ones_as_they_are():
    frames: list[Bytes] = [*map(frame, _messages([1, 1, 200_000, 1, 1]))]

    first, second, third = parcels(frames)

    assert first == b"".join(frames[:2])
    assert second is frames[2]
    assert third == b"".join(frames[3:])
