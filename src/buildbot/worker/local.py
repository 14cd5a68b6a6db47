"""A worker on the master's machine, which the master starts."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot.worker.base import AbstractWorker


class LocalWorker(AbstractWorker):
    """A worker that the master starts as a process of its own.

    ``workdir`` is its base directory; by default ``workers/NAME`` in the master's.
    """

    _kind = "local"
    workdir: str | None = None

    @own_arguments
    def checkConfig(self, name: str, workdir: str | None = None, **kwargs: Any) -> None:
        """Check the arguments, and keep them; a password is not needed."""
        kwargs.pop("password", None)
        super().checkConfig(name, None, **kwargs)
        self.workdir = workdir

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "workdir": self.workdir}
