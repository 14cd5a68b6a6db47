"""Where users' code finds schedulers and services by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class SchedulerDirectory:
    """``master.scheduler_manager``: each scheduler registers itself when it begins to work."""

    name = "schedulers"

    def __init__(self) -> None:
        self.namedServices: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self.namedServices.values()))

    def getServiceNamed(self, name: str) -> Any:
        """Return a scheduler. Raises KeyError."""
        return self.namedServices[name]


class ServiceDirectory:
    """``master.service_manager``: the services that run, those of ``c['services']`` among them."""

    name = "services"

    def __init__(self, services: Mapping[str, Any]) -> None:
        self.namedServices = services

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self.namedServices.values()))

    def getServiceNamed(self, name: str) -> Any:
        """Return a service. Raises KeyError."""
        return self.namedServices[name]


class NamedServices(dict[str, Any]):
    """``master.namedServices``: all services by name. The directories are found under the names
    that Buildbot's managers have, where no service is called like that."""

    def __init__(self, schedulers: SchedulerDirectory) -> None:
        super().__init__()
        self._directories = {one.name: one for one in (schedulers, ServiceDirectory(self))}

    def __missing__(self, name: str) -> Any:
        return self._directories[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a service or directory, or the default."""
        return self[name] if name in self or name in self._directories else default
