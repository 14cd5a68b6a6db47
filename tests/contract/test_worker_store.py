"""What the fleet needs of a store: the fake and the real one keep the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargehand.domain.identifiers import MasterId, WorkerId
from chargehand.domain.worker import WorkerInfo
from chargehand.fleet.ports import WorkerStore
from chargehand.store.store import Store
from chargehand.testing.fleet import MemoryWorkerStore

Given = tuple[WorkerStore, MasterId]


@pytest.fixture(params=["memory", "sqlite"])
async def given(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Given]:
    if request.param == "memory":
        yield MemoryWorkerStore(), MasterId(1)
        return
    store = Store(url="sqlite:///state.sqlite", basedir=tmp_path, publish=lambda _: None)
    await store.open()
    yield store.workers, await store.masters.start("m")
    await store.close()


async def test_configured_workers_are_recorded_once(given: Given) -> None:
    store, master_id = given
    first = await store.sync({"a": [], "b": []}, master_id)

    second = await store.sync({"b": [], "c": []}, master_id)

    assert set(first) == {"a", "b"}
    assert set(second) == {"b", "c"}
    assert second["b"] == first["b"]
    assert len({worker.id for worker in (*first.values(), *second.values())}) == 3


async def test_connections_come_and_go(given: Given) -> None:
    store, master_id = given
    worker = (await store.sync({"a": []}, master_id))["a"]

    there = await store.connected(worker.id, master_id, WorkerInfo(version="9", admin="me"))
    again = await store.connected(worker.id, master_id, WorkerInfo(version="9"))
    gone = await store.disconnected(worker.id, master_id)

    assert there.connected_to == again.connected_to == (master_id,)
    assert there.info["version"] == "9"
    assert there.info["admin"] == "me"
    assert gone.connected_to == ()
    assert gone.info["version"] == "9"


async def test_orders_are_kept(given: Given) -> None:
    store, master_id = given
    worker = (await store.sync({"a": []}, master_id))["a"]

    await store.set_state(worker.id, paused=True, pause_reason="dust", graceful=True)
    kept = (await store.sync({"a": []}, master_id))["a"]

    assert (kept.paused, kept.pause_reason, kept.graceful) == (True, "dust", True)


async def test_unknown_workers_are_an_error(given: Given) -> None:
    store, master_id = given

    with pytest.raises(LookupError):
        await store.disconnected(WorkerId(99), master_id)
