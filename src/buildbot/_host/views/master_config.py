"""``master.config``: the running configuration under Buildbot's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chargehand.config.equivalence import Identity
from chargehand.config.model import MasterConfig


class MasterConfigView:
    """What users' code reads of the configuration: ``buildbotURL``, ``title``, ``builders`` …

    Every key of ``BuildmasterConfig`` is an attribute; ``schedulers`` is a dictionary by name.
    ``identity`` compares all that is in no list of components, ``extensions`` are users' objects.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        title: str,
        title_url: str,
        url: str,
        builders: list[Any],
        builders_by_name: dict[str, Any],
        extensions: list[Any],
        identity: Identity,
    ) -> None:
        self._values = dict(values)
        self.identity = identity
        self.extensions = extensions
        self.builders = builders
        self.builders_by_name = builders_by_name
        self.title = title
        self.titleURL = title_url
        self.logEncoding = values.get("logEncoding") or "utf-8"
        self.buildbotURL = url
        self.workers = _listed(values.get("workers"))
        self.services = _by_name(_listed(values.get("services")))
        self.schedulers = _by_name(_listed(values.get("schedulers")))
        self.www = values.get("www") or {}

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"the configuration has no {name!r}")


def view_of(config: MasterConfig) -> MasterConfigView:
    """Return what users' code reads of a configuration that was read here."""
    view = config.extension
    assert isinstance(view, MasterConfigView), "only this package reads configurations"
    return view


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _by_name(objects: list[Any]) -> dict[str, Any]:
    return {one.name: one for one in objects if hasattr(one, "name")}
