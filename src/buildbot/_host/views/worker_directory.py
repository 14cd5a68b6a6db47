"""``master.workers`` and ``master.change_svc``: what is configured, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from buildbot._host.views.engine_access import EngineAccess


class ConfiguredDirectory:
    """Objects of the configuration, by name."""

    def __init__(self, access: EngineAccess, name: str, attribute: str) -> None:
        self.name = name
        self._access = access
        self._attribute = attribute

    def __iter__(self) -> Iterator[Any]:
        return iter(self.services)

    @property
    def services(self) -> list[Any]:
        """All of them."""
        config = self._access.master.config
        found: Sequence[Any] = () if config is None else getattr(config, self._attribute)
        return list(found)

    @property
    def namedServices(self) -> dict[str, Any]:
        """All of them, by name."""
        return {one.name: one for one in self.services}

    def getServiceNamed(self, name: str) -> Any:
        """Return one of them. Raises KeyError."""
        return self.namedServices[name]


class WorkerDirectory(ConfiguredDirectory):
    """``master.workers``: the workers of the configuration."""

    def __init__(self, access: EngineAccess) -> None:
        super().__init__(access, "workers", "workers")

    @property
    def workers(self) -> dict[str, Any]:
        """All workers, by name."""
        return self.namedServices

    @property
    def connections(self) -> dict[str, Any]:
        """The workers that are connected, by name."""
        return {one.name: one for one in self.services if one.isConnected()}

    def getWorkerByName(self, name: str) -> Any:
        """Return a worker, None if there is none of that name."""
        return self.namedServices.get(name)
