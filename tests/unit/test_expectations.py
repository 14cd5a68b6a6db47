"""Learning what builds take, and saying how far one is."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from chargehand.execution.expectations import Expectations, Expected, learned, progress_of
from chargehand.kit.tasks import Tasks
from chargehand.testing.intake import MemoryStateStore

_numbers = st.floats(min_value=0, max_value=1e9)
_metrics = st.dictionaries(st.sampled_from(["tests", "files"]), _numbers)
_steps = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.builds(Expected, _numbers, _metrics))


@given(_steps, _steps)
def test_what_is_learned_lies_between_what_was_known_and_what_was_seen(before, steps) -> None:
    found = learned(before, steps)

    assert list(found) == list(steps)
    for name, expected in found.items():
        known = before.get(name, steps[name])
        low, high = sorted((known.seconds, steps[name].seconds))
        assert low <= expected.seconds * (1 + 1e-9) + 1e-9
        assert expected.seconds <= high * (1 + 1e-9) + 1e-9
        assert set(expected.metrics) == set(steps[name].metrics)


@given(st.builds(Expected, _numbers, _metrics), _numbers, _metrics)
def test_progress_is_a_part_of_the_whole(expected, elapsed, metrics) -> None:
    assert 0 <= progress_of(expected, elapsed, metrics) <= 1


async def test_expectations_are_saved_and_read_and_damaged_ones_are_left_out() -> None:
    state = MemoryStateStore()
    tasks = Tasks("test")
    first = Expectations(state=state, tasks=tasks)
    first.learn("b", {"compile": Expected(10.0, {"files": 3.0})})
    await first.save()
    await state.set("builds", "chargehand.Expectations", "damaged", {"not": "a list"})

    second = Expectations(state=state, tasks=tasks)
    second.load("b")
    second.load("damaged")
    for _ in range(5):
        await asyncio.sleep(0)

    assert second.of("b") == {"compile": Expected(10.0, {"files": 3.0})}
    assert second.of("damaged") == {}
    await tasks.close()
