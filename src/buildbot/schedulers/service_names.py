"""What schedulers have in common with Buildbot's services."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import settled


class ServiceNames:
    """Names of a service: subclasses may override ``startService`` and ``stopService``."""

    @property
    def active(self) -> bool:
        """Whether it works at this master."""
        raise NotImplementedError

    @property
    def running(self) -> int:
        """1 while it works at this master, else 0."""
        return int(self.active)

    def startService(self) -> Any:
        """Called before `activate`; to be extended by subclasses."""
        return settled(None)

    def stopService(self) -> Any:
        """Called after `deactivate`; to be extended by subclasses."""
        return settled(None)
