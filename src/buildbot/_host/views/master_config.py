"""``master.config``: the running configuration under Buildbot's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from buildbot.process.properties import Properties
from chargehand.config.equivalence import Identity
from chargehand.config.model import MasterConfig

_ABSENT: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(
        (
            "buildbotNetUsageData",
            "changeHorizon",
            "codebaseGenerator",
            "collapseRequests",
            "logMaxSize",
            "logMaxTailSize",
            "manhole",
            "metrics",
            "prioritizeBuilders",
            "select_next_worker",
        ),
        lambda: None,
    ),
    **dict.fromkeys(("codebases", "machines", "projects", "secretsProviders", "status"), list),
    "caches": lambda: {"Builds": 15, "Changes": 10},
    "mq": lambda: {"type": "simple"},
    "multiMaster": lambda: False,
    "protocols": dict,
    "user_managers": list,
}
"""What Buildbot has where the file sets nothing."""


class DBConfig(dict[str, Any]):
    """The settings of the database, as keys and as attributes."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"c['db'] has no {name!r}")


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

    @property
    def properties(self) -> Properties:
        """Properties of all builds."""
        found = Properties()
        given = self._values.get("properties")
        found.update(given if isinstance(given, Mapping) else {}, "MasterConfig")
        return found

    @property
    def db(self) -> DBConfig:
        """The database: ``db.db_url``, and ``db["db_url"]`` as in versions before 4.3."""
        given = self._values.get("db")
        return DBConfig({"engine_kwargs": {}, **(given if isinstance(given, Mapping) else {})})

    @property
    def change_sources(self) -> list[Any]:
        """The change sources, also where the file has a single one."""
        given = self._values.get("change_source")
        return _listed(given) if given is None or isinstance(given, list | tuple) else [given]

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        if name in _ABSENT:
            return _ABSENT[name]()
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
