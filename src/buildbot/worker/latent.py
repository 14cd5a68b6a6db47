"""Workers that are started when there is something to build: accepted, and not supported yet."""

from __future__ import annotations

import enum
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot._border.errors import warn
from buildbot.interfaces import ILatentWorker, implementer
from buildbot.worker.base import AbstractWorker


class States(enum.Enum):
    """What a latent worker's machine is doing."""

    NOT_SUBSTANTIATED = 0
    SUBSTANTIATING = 1
    SUBSTANTIATING_STARTING = 2
    SUBSTANTIATED = 3
    INSUBSTANTIATING = 4
    INSUBSTANTIATING_SUBSTANTIATING = 5
    SHUT_DOWN = 6


@implementer(ILatentWorker)
class AbstractLatentWorker(AbstractWorker):
    """A worker that is started for a build and stopped some time after the last one.

    Subclasses override ``start_instance`` and ``stop_instance``.
    """

    _kind = "latent"
    start_missing_on_startup: bool = True

    # No values here: a configuration may ask a class which attributes it has before it is made.
    build_wait_timeout: float
    instance: Any

    @own_arguments
    def checkConfig(
        self,
        name: str,
        password: Any,
        build_wait_timeout: float = 60 * 10,
        start_missing_on_startup: bool = True,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them; ``build_wait_timeout`` is in seconds."""
        super().checkConfig(name, password, **kwargs)
        self.instance = None
        self.build_wait_timeout = build_wait_timeout
        self.start_missing_on_startup = start_missing_on_startup

    def start_instance(self, build: Any) -> Any:
        """Start the worker's machine, and return whether it will connect."""
        raise NotImplementedError

    def stop_instance(self, fast: bool = False) -> Any:
        """Stop the worker's machine."""
        raise NotImplementedError

    def check_instance(self) -> Any:
        """Return whether the machine is well, and a message if it is not."""
        return settled((True, ""))

    def _warn_if_to_come(self) -> None:
        warn(
            f'worker "{self.name}" will not be started: latent workers '
            f"({type(self).__name__}) are not supported yet"
        )

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "build_wait_timeout": self.build_wait_timeout}
