"""The order in which a service is configured and started is Buildbot's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from twisted.application.service import IServiceCollection, Service
from zope.interface.verify import verifyObject

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


async def test_a_service_is_a_collection_of_services_of_twisted() -> None:
    """Twisted's own services, and code that adapts its parent, take it for one."""
    bridge.install(asyncio.get_running_loop())

    class Parent(BuildbotService):
        name = "parent"

    master, parent, child = MasterService(), Parent(), Service()
    child.setName("child")
    await bridge.inward(master.startService)
    child.setServiceParent(IServiceCollection(parent))
    await bridge.inward(parent.setServiceParent, master)

    assert verifyObject(IServiceCollection, parent)
    assert parent.getServiceNamed("child") is child
    assert list(IServiceCollection(parent)) == [child]
    assert child.running
    await bridge.inward(child.disownServiceParent)
    assert list(parent) == []
    assert not child.running
