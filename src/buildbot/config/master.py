"""The configuration that users' code sees as ``master.config``."""

from __future__ import annotations

from typing import Any

from buildbot._border.finder import old_names_of


class MasterConfig:
    """The settings of a configuration under Buildbot's names, for reading."""

    def __init__(self, **settings: Any) -> None:
        self.__dict__.update(settings)


__getattr__ = old_names_of(__name__)
