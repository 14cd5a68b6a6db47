"""Users' services in the configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from chargehand.config.model import Component, Hosted, HostedSettings, NotYet
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


class Services:
    """Runs users' services; logs failures, which do not affect other services."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Component, Hosted]] = {}

    async def reconfigure(self, components: Sequence[Component]) -> None:
        """Run these services instead; unchanged ones keep running."""
        wanted = {component.name: component for component in components}
        await self._stop_all(
            [
                name
                for name, (component, _) in self._running.items()
                if (new := wanted.get(name)) is None or new.identity != component.identity
            ]
        )
        for name, component in wanted.items():
            if name not in self._running:
                await self._start(component)

    async def stop(self) -> None:
        """Stop all concurrently, the last started first."""
        await self._stop_all(list(reversed(self._running)))

    async def _stop_all(self, names: Sequence[str]) -> None:
        await asyncio.gather(*map(self._stop, names))

    async def _start(self, component: Component) -> None:
        match component.settings:
            case HostedSettings(runtime=runtime):
                pass
            case NotYet():
                return  # Reading the configuration has warned about it.
            case unknown:
                raise TypeError(f"unknown service settings: {type(unknown)}")
        with guarded(_log, "cannot start service %s", component.name):
            await runtime.start()
            self._running[component.name] = (component, runtime)

    async def _stop(self, name: str) -> None:
        _, runtime = self._running.pop(name)
        with guarded(_log, "error while stopping service %s", name):
            await runtime.stop()
