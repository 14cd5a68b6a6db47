"""Users' services in the configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from chargehand.config.model import Component, Hosted, HostedSettings, NotYet
from chargehand.domain.failed_part import FailedPart, reason_of
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


class Services:
    """Runs users' services; keeps failures, which do not affect other services.

    A service that failed is started again with each reconfiguration.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[Component, Hosted]] = {}
        self._failed: dict[str, FailedPart] = {}

    @property
    def failed_parts(self) -> Sequence[FailedPart]:
        """The configured services that could not be started."""
        return [self._failed[name] for name in sorted(self._failed)]

    async def reconfigure(self, components: Sequence[Component]) -> None:
        """Run these services instead; unchanged ones keep running."""
        wanted = {component.name: component for component in components}
        self._failed = {}
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
        name = component.name
        with guarded(_log, "cannot start service %s", name) as attempt:
            await runtime.start()
            self._running[name] = (component, runtime)
        if attempt.failure is not None:
            self._failed[name] = FailedPart(
                kind="service", name=name, reason=reason_of(attempt.failure)
            )
            # What it had opened until then, such as ports, is in the way of the next attempt.
            await self._end(name, runtime)

    async def _stop(self, name: str) -> None:
        _, runtime = self._running.pop(name)
        await self._end(name, runtime)

    @staticmethod
    async def _end(name: str, runtime: Hosted) -> None:
        with guarded(_log, "error while stopping service %s", name):
            await runtime.stop()
