"""What the fleet needs of a store: the fake and the real one keep the same promises."""

from __future__ import annotations

import msgspec
import pytest
from store_workshop import Workshop

from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.worker import Standing, WorkerInfo
from chargehand.fleet.ports import WorkerStore
from chargehand.testing.fleet import MemoryWorkerStore

Given = tuple[WorkerStore, MasterId, MasterId]


@pytest.fixture
async def given(real: Workshop | None) -> Given:
    if real is None:
        return MemoryWorkerStore(), MasterId(1), MasterId(2)
    return real.store.workers, real.master_id, await real.store.masters.start("n")


async def test_configured_workers_are_recorded_once(given: Given) -> None:
    store, master_id, _ = given
    first = await store.sync({"a": [], "b": []}, master_id)

    second = await store.sync({"b": [], "c": []}, master_id)

    assert set(first) == {"a", "b"}
    assert set(second) == {"b", "c"}
    assert second["b"] == first["b"]
    assert len({worker.id for worker in (*first.values(), *second.values())}) == 3


async def test_connections_come_and_go(given: Given) -> None:
    store, master_id, _ = given
    worker = (await store.sync({"a": []}, master_id))["a"]

    there = await store.connected(worker.id, master_id, WorkerInfo(version="9", admin="me"))
    again = await store.connected(worker.id, master_id, WorkerInfo(version="9"))
    gone = await store.disconnected(worker.id, master_id, "it was killed")

    assert there.connected_to == again.connected_to == (master_id,)
    assert there.info["version"] == "9"
    assert there.info["admin"] == "me"
    assert gone.connected_to == ()
    assert worker.disconnected_at is there.disconnected_at is again.disconnected_at is None
    assert gone.disconnected_at is not None
    back = await store.connected(worker.id, master_id, WorkerInfo(protocol="pb"))
    assert back.disconnected_at is None
    assert there.connected_at is not None
    assert (there.lost_at, there.protocol, back.protocol) == (None, None, "pb")
    assert (back.lost_at, back.lost_reason) == (gone.disconnected_at, "it was killed")
    assert gone.info["version"] == "9"


async def test_a_worker_may_be_connected_to_several_masters(given: Given) -> None:
    store, first, second = given
    worker = (await store.sync({"a": []}, first))["a"]

    await store.connected(worker.id, first, WorkerInfo())
    both = await store.connected(worker.id, second, WorkerInfo())
    one = await store.disconnected(worker.id, first, "why")

    assert both.connected_to == (first, second)
    assert one.connected_to == (second,)
    assert one.disconnected_at is None
    none = await store.disconnected(worker.id, second, "why else")
    assert none.disconnected_at is not None
    assert (one.lost_reason, none.lost_reason) == (None, "why else")


async def test_each_master_says_for_which_builders_a_worker_works(given: Given) -> None:
    store, first, second = given
    one, two = BuilderId(1), BuilderId(2)
    await store.sync({"a": [one, two]}, first)

    await store.sync({"a": [two]}, second)
    changed = (await store.sync({"a": [one]}, first))["a"]

    assert set(changed.configured_on) == {(first, one), (second, two)}


async def test_orders_are_kept(given: Given) -> None:
    store, master_id, _ = given
    worker = (await store.sync({"a": []}, master_id))["a"]

    standing = Standing(
        paused=True,
        pause_reason="dust",
        paused_by="anna",
        paused_at=5.5,
        graceful=True,
        stop_reason="moves",
        stopped_by="otto",
        stopped_at=6.5,
    )

    await store.set_state(worker.id, standing)
    kept = (await store.sync({"a": []}, master_id))["a"]

    assert {name: getattr(kept, name) for name in msgspec.structs.asdict(standing)} == (
        msgspec.structs.asdict(standing)
    )


async def test_unknown_workers_are_an_error(given: Given) -> None:
    store, master_id, _ = given

    with pytest.raises(LookupError):
        await store.disconnected(WorkerId(99), master_id, "why")
