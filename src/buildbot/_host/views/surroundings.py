"""What the user's objects find around them: known when the configuration is made, filled later."""

from __future__ import annotations

from typing import Any

from buildbot._host.ports import Engine
from buildbot._host.views.quarantine import Quarantine


class NotRunning(Exception):
    """Users' code asked for the running master while there is none (``checkconfig``)."""


class Surroundings:
    """Gives hooks and users' objects the engine and the master, once there are any."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self.master: Any = None
        """What users know as ``self.master``."""
        self.quarantines: dict[str, Quarantine] = {}
        """Quarantines of workers, by their names."""

    @property
    def engine(self) -> Engine:
        """The engine. Raises NotRunning."""
        if self._engine is None:
            raise NotRunning("the master does not run yet")
        return self._engine

    def attach(self, engine: Engine) -> None:
        """The master runs."""
        self._engine = engine
