"""``master.config``: the running configuration under Buildbot's names."""

from __future__ import annotations

from typing import Any

from buildbot._host.given import Given


class MasterConfigView:
    """What users' code reads of the configuration: ``buildbotURL``, ``title``, ``builders`` …

    Every key of ``BuildmasterConfig`` is an attribute; ``schedulers`` is a dictionary by name.
    """

    def __init__(self, given: Given, builders: list[Any], extensions: list[Any]) -> None:
        self._values = dict(given.values)
        self.extensions = extensions
        self.builders = builders
        self.title = given.text("title", "Chargehand")
        self.titleURL = given.text("titleURL", "http://localhost:8010/")
        url = given.text("buildbotURL", "http://localhost:8010/")
        self.buildbotURL = url if url.endswith("/") else f"{url}/"
        self.workers = list(given.get("workers") or ())
        self.services = {
            service.name: service
            for service in given.get("services") or ()
            if hasattr(service, "name")
        }
        self.schedulers = {
            scheduler.name: scheduler
            for scheduler in given.get("schedulers") or ()
            if hasattr(scheduler, "name")
        }
        self.www = dict(given.get("www") or {})

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"the configuration has no {name!r}")
