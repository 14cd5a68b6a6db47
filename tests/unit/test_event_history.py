"""What is kept for clients that resume: how long, how much, and under which identifiers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargehand.config.web_limits import WebLimits
from chargehand.events.messages import BuildStarted
from chargehand.web.live.history import EventHistory
from chargehand.web.live.positions import Position, Positions
from chargehand.web.live.told import Told

_POSITIONS = Positions()


@given(st.integers(0, 2**45), st.integers(0, 63))
def test_an_identifier_is_read_again(number: int, place: int):
    position = Position(number, place)

    assert _POSITIONS.opened(_POSITIONS.sealed(position)) == position
    assert Positions().opened(_POSITIONS.sealed(position)) is None


def test_an_identifier_does_not_tell_whether_anything_happened():
    position = Position(7, 1)

    assert len({_POSITIONS.sealed(position) for _ in range(20)}) == 20


@given(st.text(max_size=40))
def test_any_text_may_be_said_to_be_an_identifier(text: str):
    found = _POSITIONS.opened(text)

    assert found is None or isinstance(found, Position)


class _History:
    """A history whose time the test sets."""

    def __init__(self, **limits: float) -> None:
        self.now = 0.0
        self.number = 0
        values = WebLimits(**limits)  # type: ignore[arg-type]
        self.history = EventHistory(limits=lambda: values, now=lambda: self.now)

    def happens(self, *keys: str, size: int = 10) -> int:
        self.number += 1
        split = tuple(tuple(key.split("/")) for key in keys)
        if self.history.is_wanted(split):
            self.history.keep(Told(self.number, split, resource={"x": "y" * size}))
        return self.number

    def missed(self, pattern: str, number: int) -> list[int] | None:
        found = self.history.missed(tuple(pattern.split("/")), Position.after(number))
        return None if found is None else [told.number for told in found]

    def follow(self, pattern: str) -> None:
        self.history.follow(tuple(pattern.split("/")), self.number)

    def leave(self, pattern: str) -> None:
        self.history.leave(tuple(pattern.split("/")))


def test_only_what_is_followed_is_kept():
    kept = _History()
    assert not kept.history
    kept.follow("builds/*/*")
    kept.happens("builds/1/new", "builders/1/builds/1/new")
    kept.happens("steps/1/new")
    kept.happens("builds/2/new")

    assert kept.missed("builds/*/*", 0) == [1, 3]
    assert kept.missed("builds/*/*", 1) == [3]
    assert kept.missed("steps/*/*", 0) is None
    assert kept.history.wants(BuildStarted)


def test_events_are_kept_for_a_time():
    kept = _History(history_seconds=10)
    kept.follow("a/*")
    kept.happens("a/1")
    kept.now = 9.0
    kept.happens("a/2")
    assert kept.missed("a/*", 0) == [1, 2]
    kept.now = 11.0

    assert kept.missed("a/*", 0) is None
    assert kept.missed("a/*", 1) == [2]


def test_a_pattern_is_followed_for_a_time_after_its_last_client_has_gone():
    kept = _History(history_seconds=10)
    kept.follow("a/*")
    kept.follow("a/*")
    kept.leave("a/*")
    kept.now = 100.0
    assert not kept.history.expire()
    kept.leave("a/*")
    kept.happens("a/1")
    kept.now = 109.0
    assert not kept.history.expire()
    assert kept.missed("a/*", 0) == [1]
    kept.now = 110.0

    assert kept.history.expire()
    assert not kept.history
    assert kept.missed("a/*", 1) is None
    assert not kept.history.wants(BuildStarted)


def test_a_pattern_that_is_followed_again_in_time_has_no_gap():
    kept = _History(history_seconds=10)
    kept.follow("a/*")
    kept.leave("a/*")
    kept.happens("a/1")
    kept.now = 9.0
    kept.follow("a/*")
    kept.now = 9.5

    assert not kept.history.expire()
    assert kept.missed("a/*", 0) == [1]


def test_there_are_not_more_bytes_than_allowed():
    kept = _History(history_bytes=5_000)
    kept.follow("a/*")
    for _ in range(100):
        kept.happens("a/1", size=600)

    assert kept.missed("a/*", 96) == [97, 98, 99, 100]
    assert kept.missed("a/*", 90) is None


def test_there_are_not_more_abandoned_patterns_than_subscriptions():
    kept = _History(subscriptions=3)
    for number in range(10):
        kept.follow(f"a/{number}")
        kept.leave(f"a/{number}")
    assert kept.history.expire()

    assert [kept.missed(f"a/{number}", 0) is not None for number in range(10)] == [False] * 7 + [
        True
    ] * 3
