"""``master.config``: the running configuration under Buildbot's names."""

from __future__ import annotations

from typing import Any

from buildbot._host.reading.given import Given
from buildbot._host.reading.settings import DEFAULT_URL, with_slash
from chargehand.config.equivalence import Identity


class MasterConfigView:
    """What users' code reads of the configuration: ``buildbotURL``, ``title``, ``builders`` …

    Every key of ``BuildmasterConfig`` is an attribute; ``schedulers`` is a dictionary by name.
    ``identity`` compares all that is in no list of components, ``extensions`` are users' objects.
    """

    def __init__(
        self, given: Given, *, builders: list[Any], extensions: list[Any], identity: Identity
    ) -> None:
        self._values = dict(given.values)
        self.identity = identity
        self.extensions = extensions
        self.builders = builders
        self.title = given.text("title", "Chargehand")
        self.titleURL = given.text("titleURL", DEFAULT_URL)
        self.logEncoding = given.get("logEncoding") or "utf-8"
        self.buildbotURL = with_slash(given.text("buildbotURL", DEFAULT_URL))
        self.workers = _listed(given.get("workers"))
        self.services = _by_name(_listed(given.get("services")))
        self.schedulers = _by_name(_listed(given.get("schedulers")))
        self.www = given.get("www") or {}

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"the configuration has no {name!r}")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _by_name(objects: list[Any]) -> dict[str, Any]:
    return {one.name: one for one in objects if hasattr(one, "name")}
