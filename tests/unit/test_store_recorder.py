"""The recorder: one group at a time, in order, through outages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.links.native.acknowledging import Acknowledgements
from chargehand.store.engine.jobs import Job
from chargehand.store.engine.recorder import Recorder
from chargehand.store.errors import DiskFull, StoreError


class Groups:
    """Stands for the writer: notes what it gets; the test says how it went."""

    def __init__(self) -> None:
        self.groups: list[list[Job]] = []

    def put(self, jobs: Sequence[Job]) -> None:
        self.groups.append(list(jobs))

    def names(self) -> list[int | None]:
        return [job.sequence for job in self.groups[-1]]


@pytest.mark.looptime
async def test_what_nobody_waits_for_goes_with_what_somebody_waits_for() -> None:
    writer = Groups()
    recorder = Recorder(put=writer.put)

    recorder.record(lambda _: None, sequence=1)
    recorder.record(lambda _: None, sequence=2)
    await asyncio.sleep(0)
    assert writer.groups == []
    recorder.awaited(lambda _: None, sequence=3)
    await asyncio.sleep(0)

    assert writer.names() == [1, 2, 3]


@pytest.mark.looptime
async def test_what_nobody_waits_for_goes_soon_by_itself() -> None:
    writer = Groups()
    recorder = Recorder(put=writer.put)

    recorder.record(lambda _: None, sequence=1)
    await asyncio.sleep(0.1)

    assert writer.names() == [1]


@pytest.mark.looptime
async def test_one_group_is_away_at_a_time() -> None:
    writer = Groups()
    recorder = Recorder(put=writer.put)
    recorder.record(lambda _: None, sequence=1)
    recorder.hurry()
    await asyncio.sleep(0)

    recorder.record(lambda _: None, sequence=2)
    recorder.record(lambda _: None, sequence=3)
    await asyncio.sleep(1)
    assert len(writer.groups) == 1
    recorder.settled(writer.groups[0])

    assert writer.names() == [2, 3]


@pytest.mark.looptime
async def test_an_outage_keeps_the_order() -> None:
    writer = Groups()
    recorder = Recorder(put=writer.put)
    for number in (1, 2):
        recorder.record(lambda _: None, sequence=number)
    await asyncio.sleep(0.1)
    recorder.record(lambda _: None, sequence=3)

    for job in writer.groups[0]:
        job.error = DiskFull("full")
    recorder.settled(writer.groups[0])
    await asyncio.sleep(1)

    assert writer.names() == [1, 2, 3]
    assert [job.error for job in writer.groups[-1]] == [None] * 3


@pytest.mark.looptime
async def test_after_giving_up_an_outage_is_told() -> None:
    writer = Groups()
    recorder = Recorder(put=writer.put)
    waiting = recorder.awaited(lambda _: None)
    await asyncio.sleep(0)
    writer.groups[0][0].error = DiskFull("full")
    recorder.settled(writer.groups[0])

    recorder.give_up()
    writer.groups[-1][0].error = DiskFull("still full")
    recorder.settled(writer.groups[-1])

    with pytest.raises(StoreError, match="still full"):
        await waiting
    await recorder.empty()


@given(order=st.permutations(range(8)), safe=st.sets(st.integers(0, 7)))
def test_updates_are_acknowledged_in_their_order_and_never_early(
    order: list[int], safe: set[int]
) -> None:
    loop = asyncio.new_event_loop()
    heard: list[int] = []
    receipts = [None if n in safe else loop.create_future() for n in range(8)]
    acknowledgements = Acknowledgements(heard.append)

    async def run() -> None:
        for number, receipt in enumerate(receipts, start=1):
            acknowledgements.add(number, receipt)
        for index in order:
            if (receipt := receipts[index]) is not None:
                receipt.set_result(None)
                await asyncio.sleep(0)
                open_ones = [n for n, r in enumerate(receipts, 1) if r is not None and not r.done()]
                assert (heard[-1] if heard else 0) == min(open_ones, default=9) - 1

    loop.run_until_complete(run())
    loop.close()

    assert heard == sorted(set(heard))
    assert heard[-1] == 8
