"""A stock worker on a machine that is started on demand hears of its builders as others do."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from pb_worker import PbWorker
from stock_farm import Farm, Received, command, eventually

from buildbot._border.reactor import install_reactor
from buildbot.worker import AbstractLatentWorker
from buildbot.worker.machine import Machine
from chargehand.domain.session import StartsOnDemand


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
