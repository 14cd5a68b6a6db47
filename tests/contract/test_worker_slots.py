"""What dispatching needs of the fleet: the fake and the real one keep the same promises."""

from __future__ import annotations

import pytest

from chargehand.config.model import WorkerConfig
from chargehand.dispatch.ports import Workers
from chargehand.domain.identifiers import MasterId
from chargehand.fleet.service import Fleet
from chargehand.testing.dispatch import MemoryWorkers
from chargehand.testing.fleet import DirectLink, MemoryInstanceStore, MemoryWorkerStore


@pytest.fixture(params=["memory", "real"])
async def workers(request: pytest.FixtureRequest) -> Workers:
    """Return the workers "one", which may run one build, and "many", which may run any number."""
    if request.param == "memory":
        return MemoryWorkers(one=1, many=None)
    fleet = Fleet(
        store=MemoryWorkerStore(),
        instances=MemoryInstanceStore(),
        master_id=MasterId(1),
        links={"local": DirectLink},
    )
    configs = [
        WorkerConfig(name="one", kind="local", max_builds=1),
        WorkerConfig(name="many", kind="local"),
    ]
    await fleet.reconfigure(configs, {})
    return fleet


def _running(workers: Workers) -> dict[str, int]:
    return {slot.name: slot.running for slot in workers.slots(["one", "many"])}


async def test_slots_come_in_the_order_of_the_names_without_unknown_ones(workers: Workers) -> None:
    slots = workers.slots(["many", "nobody", "one"])

    assert [slot.name for slot in slots] == ["many", "one"]
    assert [slot.max_builds for slot in slots] == [None, 1]
    assert all(slot.connected and not slot.paused for slot in slots)


async def test_builds_are_counted_as_they_begin_and_end(workers: Workers) -> None:
    first = workers.reserve("many")
    workers.reserve("many")
    assert first is not None
    assert first.worker_name == "many"
    assert _running(workers) == {"one": 0, "many": 2}

    workers.release("many")

    assert _running(workers) == {"one": 0, "many": 1}


async def test_a_worker_that_is_full_or_unknown_is_not_given(workers: Workers) -> None:
    assert workers.reserve("one") is not None

    assert workers.reserve("one") is None
    assert workers.reserve("nobody") is None
    assert _running(workers)["one"] == 1


async def test_more_is_not_given_back_than_was_taken(workers: Workers) -> None:
    with pytest.raises(ValueError, match="one"):
        workers.release("one")
