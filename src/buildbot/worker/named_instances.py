"""Latent workers whose instances can be found by the name that they were started with."""

from __future__ import annotations

from typing import Any

from buildbot.interfaces import LatentWorkerFailedToSubstantiate
from buildbot.worker.latent import AbstractLatentWorker


class NamedInstances(AbstractLatentWorker):
    """A latent worker whose instances have the label ``chargehand.instance``.

    Subclasses find them by it (`_named`) and delete them (`stop_found_instance`).
    """

    _first_check = 1.0

    async def _named(self, name: str) -> list[Any]:
        """Return the instances with this name."""
        raise NotImplementedError

    async def _has_ended(self, value: Any) -> None:
        """Wait until a deleted instance has released what it used; unless stopped *fast*."""

    async def stop_instance(self, fast: bool = False) -> None:
        """Delete the instance; if a killed master has not recorded it, look for its name."""
        instance, self.instance = self.instance, None
        found = [instance] if instance is not None else await self._started_before()
        for one in found:
            try:
                await self.stop_found_instance(one)
            except LatentWorkerFailedToSubstantiate:
                self.instance = instance
                raise
            if not fast:
                await self._has_ended(one)

    async def _started_before(self) -> list[Any]:
        """Return what was started when the master was killed before it recorded it."""
        return await self._named(self.instance_name) if self.instance_name else []
