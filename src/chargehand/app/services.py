"""Services of the configuration: what users add to the master besides builders and schedulers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from chargehand.config.model import Component, Hosted, HostedSettings, NotYet
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


class Services:
    """Runs users' services; one that fails is logged and does not keep the others from running."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Component, Hosted]] = {}

    async def reconfigure(self, components: Sequence[Component]) -> None:
        """Run these services from now on; one that has not changed is left alone."""
        wanted = {component.name: component for component in components}
        for name, (component, _) in list(self._running.items()):
            new = wanted.get(name)
            if new is None or new.identity != component.identity:
                await self._stop(name)
        for name, component in wanted.items():
            if name not in self._running:
                await self._start(component)

    async def stop(self) -> None:
        """Stop all, the last started first."""
        for name in reversed(list(self._running)):
            await self._stop(name)

    async def _start(self, component: Component) -> None:
        match component.settings:
            case HostedSettings(runtime=runtime):
                pass
            case NotYet():
                return  # whoever read the configuration has warned
            case unknown:
                raise TypeError(f"no service has settings of {type(unknown)}")
        with guarded(_log, "service %s could not be started", component.name):
            await runtime.start()
            self._running[component.name] = (component, runtime)

    async def _stop(self, name: str) -> None:
        _, runtime = self._running.pop(name)
        with guarded(_log, "service %s failed while it was stopped", name):
            await runtime.stop()
