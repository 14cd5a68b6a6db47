"""A stock worker on a machine that is started on demand hears of its builders as others do."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from pb_worker import PbWorker
from stock_farm import Farm, Received, command, eventually

from buildbot._border.bridge import RemoteFailure
from buildbot._border.reactor import install_reactor
from buildbot.worker import AbstractLatentWorker
from buildbot.worker.machine import Machine
from chargehand.domain.session import StartsOnDemand, WorkerNotStarted
from chargehand.fleet.rules import WorkerState


class Rented(AbstractLatentWorker):
    """A machine whose worker connects as soon as it is started; it is kept when it is idle."""

    def __init__(self, farm: Farm) -> None:
        super().__init__("arm-7", "right", build_wait_timeout=-1)
        self.farm = farm
        self.stock = PbWorker()

    async def start_instance(self, build: Any) -> bool:
        await self.farm.connect(self.stock)
        return True

    async def stop_instance(self, fast: bool = False) -> None:
        self.stock.disconnect()


async def test_a_running_machine_forgets_a_removed_builder_after_its_last_build() -> None:
    install_reactor(asyncio.get_running_loop())
    farm = Farm()
    rented = Rented(farm)
    farm.instance = Machine(rented)
    await farm.open()
    session = farm.session
    assert isinstance(session, StartsOnDemand)
    await session.begin(SimpleNamespace(build=None))
    assert rented.stock.lists[-1] == ["tests"]

    await farm.configure("docs")
    await eventually(lambda: "docs" in rented.stock.lists[-1])
    await session.run(command(builddir="tests"), Received())
    assert sorted(rented.stock.lists[-1]) == ["docs", "tests"]

    farm.fleet.release("arm-7")
    await eventually(lambda: rented.stock.lists[-1] == ["docs"])
    await farm.close()


class TooLate(Rented):
    """A machine whose worker does not connect in time."""

    def __init__(self, farm: Farm) -> None:
        super().__init__(farm)
        self.missing_timeout = 0.01
        self.is_stopping = asyncio.Event()
        self.may_stop = asyncio.Event()

    async def start_instance(self, build: Any) -> bool:
        return True

    async def stop_instance(self, fast: bool = False) -> None:
        self.is_stopping.set()
        await self.may_stop.wait()


async def test_a_worker_that_connects_after_it_was_given_up_is_refused_and_shown() -> None:
    install_reactor(asyncio.get_running_loop())
    farm = Farm()
    late = TooLate(farm)
    farm.instance = Machine(late)
    await farm.open()
    farm.workers.introduce(farm.fleet)
    session = farm.session
    assert isinstance(session, StartsOnDemand)
    with pytest.raises(WorkerNotStarted, match="did not connect within"):
        await session.begin(SimpleNamespace(build=None))

    await late.is_stopping.wait()
    await _is_refused(farm)
    assert farm.store.workers["arm-7"].connected_to == ()
    late.may_stop.set()
    farm.fleet.release("arm-7")
    await farm.until(WorkerState.ON_DEMAND)
    await _is_refused(farm)

    await farm.fleet.control("arm-7", "unpause", "")
    again = farm.session
    assert isinstance(again, StartsOnDemand)
    late.missing_timeout = 10
    begun = asyncio.ensure_future(again.begin(SimpleNamespace(build=None)))
    await eventually(lambda: late.state.name == "SUBSTANTIATING_STARTING")
    await farm.connect(late.stock)
    await begun
    assert late.stock.lists == [["tests"]]
    farm.fleet.release("arm-7")
    await farm.close()


async def _is_refused(farm: Farm) -> None:
    with pytest.raises(RemoteFailure, match="no machine of this worker is expected"):
        await farm.connect()
    await eventually(lambda: "given up or stopped" in (_shown(farm) or ""))


def _shown(farm: Farm) -> str | None:
    return farm.store.workers["arm-7"].pause_reason
