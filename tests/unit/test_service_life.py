"""The order in which a service is configured and started is Buildbot's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from buildbot._border import bridge
from buildbot.util.service import BuildbotService, MasterService


@pytest.mark.parametrize("waits", [True, False])
async def test_a_service_is_configured_by_the_inherited_start(waits: bool) -> None:
    bridge.install(asyncio.get_running_loop())
    told: list[Any] = []

    class Watched(BuildbotService):
        name = "watched"

        def reconfigService(self, given: int) -> Any:
            told.append(("reconfigured", given, self.running, self.prepared))
            self.given = given

        def startService(self) -> Any:
            self.prepared = "by startService"
            told.append("starts")
            starting = super().startService()
            told.append(self.given)
            return starting if waits else None

    master = MasterService()
    await bridge.inward(master.startService)
    await bridge.inward(Watched(3).setServiceParent, master)

    assert told == ["starts", ("reconfigured", 3, 0, "by startService"), 3]
