"""A worker on the master's machine, which the master starts."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.errors import error
from buildbot.worker.base import AbstractWorker

DEFAULT_RECONNECT_TIMEOUT = 600.0


class LocalWorker(AbstractWorker):
    """A worker that the master starts as a process of its own.

    ``workdir`` is its base directory; by default ``workers/NAME`` in the master's.
    ``reconnect_timeout`` is for how many seconds its commands go on without the master: after a
    lost connection, or when the master was killed. (Chargehand's own.)
    """

    _kind = "local"
    workdir: str | None = None
    reconnect_timeout: float = DEFAULT_RECONNECT_TIMEOUT

    @own_arguments
    def checkConfig(
        self,
        name: str,
        workdir: str | None = None,
        reconnect_timeout: float = DEFAULT_RECONNECT_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them; a password is not needed."""
        kwargs.pop("password", None)
        super().checkConfig(name, None, **kwargs)
        self.workdir = workdir
        self.reconnect_timeout = reconnect_timeout
        if not isinstance(reconnect_timeout, int | float) or reconnect_timeout < 0:
            error(f"worker {name!r}: reconnect_timeout must be a number of seconds")

    def _settings(self) -> dict[str, Any]:
        return {
            **super()._settings(),
            "workdir": self.workdir,
            "reconnect_timeout": self.reconnect_timeout,
        }
