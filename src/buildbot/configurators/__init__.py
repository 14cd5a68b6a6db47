"""Configurators: plug-ins that alter a configuration before it is used."""

from __future__ import annotations

from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot.interfaces import IConfigurator, implementer

__all__ = ["ConfiguratorBase"]


@implementer(IConfigurator)
class ConfiguratorBase(ComparableMixin):
    """Subclasses override ``configure``, call this one first, and append to what it provides."""

    config_dict: dict[str, Any]

    def configure(self, config_dict: dict[str, Any]) -> None:
        """Take the configuration; lists that it lacks are made."""
        self.config_dict = config_dict
        config_dict.setdefault("multiMaster", True)
        for name in ("protocols", "www", "builders", "schedulers", "workers", "projects"):
            config_dict.setdefault(name, {} if name in ("protocols", "www") else [])
        self.schedulers = config_dict["schedulers"]
        self.protocols = config_dict["protocols"]
        self.builders = config_dict["builders"]
        self.workers = config_dict["workers"]
        self.projects = config_dict["projects"]
        self.secretsProviders = config_dict.setdefault("secretsProviders", [])
        self.www = config_dict["www"]
