"""Configurators: plug-ins that alter a configuration before it is used."""

from __future__ import annotations

from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot.interfaces import IConfigurator, implementer

__all__ = ["ConfiguratorBase"]

_LISTS = ("builders", "schedulers", "workers", "projects", "secretsProviders")


@implementer(IConfigurator)
class ConfiguratorBase(ComparableMixin):
    """Subclasses override ``configure``, call this one first, and append to what it provides."""

    config_dict: dict[str, Any]

    def configure(self, config_dict: dict[str, Any]) -> None:
        """Take the configuration; lists that it lacks are made, and tuples become lists."""
        self.config_dict = config_dict
        for name in ("protocols", "www"):
            config_dict.setdefault(name, {})
        for name in _LISTS:
            given = config_dict.get(name)
            if given is None or isinstance(given, tuple):
                config_dict[name] = list(given or ())
        self.schedulers = config_dict["schedulers"]
        self.protocols = config_dict["protocols"]
        self.builders = config_dict["builders"]
        self.workers = config_dict["workers"]
        self.projects = config_dict["projects"]
        self.secretsProviders = config_dict["secretsProviders"]
        self.www = config_dict["www"]
