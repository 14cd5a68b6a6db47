"""The configuration that users' code sees as ``master.config``."""

from __future__ import annotations

from typing import Any


class MasterConfig:
    """The settings of a configuration under Buildbot's names, for reading."""

    def __init__(self, **settings: Any) -> None:
        self.__dict__.update(settings)
