"""What is recorded of machines: the fake and the real store keep the same promises."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from store_workshop import Workshop

from chargehand.domain.identifiers import MasterId
from chargehand.domain.instance import RecordedState
from chargehand.domain.worker import Worker
from chargehand.fleet.ports import InstanceStore
from chargehand.testing.fleet import MemoryInstanceStore, MemoryWorkerStore

Given = tuple[InstanceStore, Worker, MasterId]


@pytest.fixture
async def given(real: Workshop | None) -> Given:
    if real is None:
        master_id = MasterId(1)
        worker = (await MemoryWorkerStore().sync({"Arm 7": []}, master_id))["Arm 7"]
        return MemoryInstanceStore(), worker, master_id
    worker = (await real.store.workers.sync({"Arm 7": []}, real.master_id))["Arm 7"]
    return real.store.instances, worker, real.master_id


async def test_a_machine_is_recorded_before_it_is_started(given: Given) -> None:
    store, worker, master_id = given

    record = await store.begin(worker, master_id, "a build needs it")

    assert await store.unfinished(master_id) == [record]
    assert record.state is RecordedState.STARTING
    assert record.name.startswith("chargehand-")
    assert "-arm-7-" in record.name


async def test_what_is_needed_to_stop_it_is_kept_until_it_is_stopped(given: Given) -> None:
    store, worker, master_id = given
    record = await store.begin(worker, master_id, "a build needs it")

    await store.keep(replace(record, handle={"id": ["i-1", 7]}))
    (kept,) = await store.unfinished(master_id)
    stopped = replace(kept, state=RecordedState.STOPPED)
    store.record(stopped)
    await store.keep(stopped)

    assert kept.handle == {"id": ["i-1", 7]}
    assert await store.unfinished(master_id) == []


async def test_what_could_not_be_stopped_is_not_forgotten(given: Given) -> None:
    store, worker, master_id = given
    first = await store.begin(worker, master_id, "a build needs it")
    await store.keep(replace(first, state=RecordedState.STRANDED))

    second = await store.begin(worker, master_id, "a build needs it")

    left = await store.unfinished(master_id)
    assert [one.id for one in left] == [first.id, second.id]


async def test_no_name_is_given_twice(given: Given) -> None:
    store, worker, master_id = given
    names = set()
    for _ in range(3):
        record = await store.begin(worker, master_id, "a build needs it")
        await store.keep(replace(record, state=RecordedState.STOPPED))
        names.add(record.name)

    assert len(names) == 3


async def test_a_handle_without_a_json_form_is_refused(given: Given) -> None:
    store, worker, master_id = given
    record = await store.begin(worker, master_id, "a build needs it")

    with pytest.raises(TypeError):
        await store.keep(replace(record, handle=object()))
