"""The calls that are recognised as a whole are those that are read element by element."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb import banana
from chargehand_wire.pb.connection import Connection
from chargehand_wire.pb.events import Called, Event
from chargehand_wire.pb.frequent import recognised
from chargehand_wire.pb.jelly import encoded

KEYS = st.sampled_from(["stdout", "stderr", "header", "rc", "elapsed", "log", "failure_reason", ""])
NUMBERS = st.integers(0, 2**40) | st.sampled_from([0, 127, 128, 16_383, 16_384, 2**31, 2**35])
CONTENTS = (
    st.text(max_size=300)
    | st.integers(-5, 2**33)
    | st.floats(allow_nan=False)
    | st.none()
    | st.tuples(st.text(max_size=3), st.text(max_size=3))
)
UPDATES = st.lists(
    st.tuples(st.dictionaries(KEYS, CONTENTS, max_size=2), st.just(0)).map(list), max_size=2
)
CALLS = st.tuples(st.just("update"), st.tuples(UPDATES)) | st.tuples(
    st.sampled_from(["complete", "update", "close"]), st.tuples() | st.tuples(st.none() | UPDATES)
)


def call(number: int, target: int, method: str, arguments: tuple[Any, ...]) -> bytes:
    """Return a call as a worker sends it."""
    parts = banana.opening(7), banana.text(b"message"), banana.integer(number)
    rest = banana.integer(target), banana.text(method.encode()), banana.integer(1)
    return b"".join((*parts, *rest, encoded(arguments), encoded({})))


def read(stream: bytes, *, is_short: bool, splits: list[int] | None = None) -> list[Event]:
    """Return what a connection makes of a stream; it knows the short way from the login on."""
    connection = Connection()
    connection.receive(b"\x02\x82pb")
    if is_short:
        connection.trust()
    events: list[Event] = []
    ends = sorted(end for end in splits or [] if end <= len(stream))
    for start, end in zip([0, *ends], [*ends, len(stream)], strict=True):
        events += connection.receive(stream[start:end])
    return events


@settings(max_examples=100)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, CALLS), max_size=3),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_the_short_way_reads_what_the_long_way_reads(
    calls: list[tuple[int, int, tuple[str, tuple[Any, ...]]]], splits: list[int]
) -> None:
    stream = b"".join(call(number, target, *rest) for number, target, rest in calls)

    found = read(stream, is_short=True, splits=splits)

    assert found == read(stream, is_short=False)


@pytest.mark.parametrize("value", ["a line\n", "é" * 200, 0, 70_000, 0.25])
@pytest.mark.parametrize("key", ["stdout", "stderr", "header", "rc", "elapsed"])
def test_what_commands_send_is_recognised(key: str, value: object) -> None:
    stream = call(300, 7, "update", ([[{key: value}, 0]],))

    called = Called(
        number=300,
        target=7,
        method="update",
        arguments=([[{key: value}, 0]],),
        keywords={},
        needs_answer=True,
    )
    assert recognised(stream, 0) == (called, len(stream))
    assert recognised(b"x" + stream + b"y", 1) == (called, len(stream) + 1)


def test_the_end_of_a_command_is_recognised() -> None:
    stream = call(5, 2, "complete", (None,))

    found = recognised(stream, 0)

    assert found is not None
    assert (found[0].method, found[0].arguments, found[1]) == ("complete", (None,), len(stream))


SAMPLE = call(300, 7, "update", ([[{"stdout": "x" * 200}, 0]],))


@settings(max_examples=100)
@given(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255))
@example(SAMPLE.index(b"stdout") - 2, 2)  # the length of the key
@example(SAMPLE.index(b"xxx") - 2, 0)  # the length of the text
@example(len(SAMPLE) - 1, 0x88)
def test_a_changed_byte_means_the_same_both_ways(place: int, byte: int) -> None:
    stream = SAMPLE[:place] + bytes([byte]) + SAMPLE[place + 1 :]

    assert outcome(stream, is_short=True) == outcome(stream, is_short=False)


def outcome(stream: bytes, *, is_short: bool) -> list[Event] | str:
    """Return what comes of it; what is too much before the login is only waited for after it."""
    try:
        return read(stream, is_short=is_short)
    except ProtocolError as error:
        return [] if "announced" in str(error) else str(error)
