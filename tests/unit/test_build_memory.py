"""Builds in memory: in whatever order they are read, each counts once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.store.history.memory import MOST_RECENT, Memory, Record, quantile


def _record(number: int, seconds: float | None = 60.0) -> Record:
    started = 1_000_000.0 + 100 * number
    ended = None if seconds is None else started + seconds
    result = None if seconds is None else 0
    return Record(number, 1, number, 1, started, ended, result, started - 5)


@given(
    count=st.integers(1, 120),
    split=st.integers(0, 120),
    open_ones=st.sets(st.integers(1, 120)),
    again=st.integers(0, 10),
)
def test_each_build_counts_once_however_it_was_read(
    count: int, split: int, open_ones: set[int], again: int
) -> None:
    memory = Memory(overlap=10)
    memory.first_id = memory.last_id = split = min(split, count)
    memory.first_id += 1
    wanted = range(1, count + 1)
    read = [_record(one, None if one in open_ones else 60.0) for one in wanted]

    memory.first_id = 1
    memory.load(reversed(read[:split]))
    memory.add(read[max(0, split - again) :])
    memory.add(_record(one) for one in wanted if one in open_ones)

    assert memory.count == count
    assert sum(map(len, memory.hours.values())) == count
    assert not memory.running
    assert memory.line(1).statistics(1_000_000.0)["builds"] == count
    newest = [one["number"] for one in memory.line(1).recent(MOST_RECENT)]
    assert newest == list(reversed(wanted))[:MOST_RECENT]


def test_a_build_that_is_gone_is_not_shown() -> None:
    memory = Memory()
    memory.add([_record(1), _record(2, None)])

    memory.forget(2)

    assert not memory.running
    assert [one["number"] for one in memory.line(1).recent(5)] == [1]


def test_a_clock_that_was_set_back_makes_no_negative_durations() -> None:
    memory = Memory()

    memory.add([_record(1, -30.0)])

    assert memory.line(1).statistics(1_000_000.0)["median_seconds"] == 0.0
    (hour,) = memory.hours.values()
    assert list(hour.seconds) == [0.0]
    assert not any(hour.work().seconds.values())


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.9, 3.0), ([1.0, 2.0], 0.5, 1.5), ([0.0, 10.0], 0.9, 9.0)],
)
def test_quantiles_lie_between_the_values_next_to_them(
    values: list[float], share: float, expected: float | None
) -> None:
    assert quantile(values, share) == expected
