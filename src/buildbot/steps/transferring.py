"""What the steps that move files have in common: a summary, and the log ``stdio``."""

from __future__ import annotations

import posixpath
from typing import Any

from buildbot._border.numbers import COUNT_OR_NONE, PERMISSIONS_OR_NONE, POSITIVE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.log import StreamLog
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS

BLOCK = 256 * 1024
"""Bytes; the default of ``blocksize``."""


class Transfer(BuildStep):
    """A step that moves files between the worker and the master.

    Args:
        maxsize (int | None, bytes): A source that is larger fails the step, and nothing is written;
            None for no limit.
        blocksize (int, bytes): Accepted for compatibility; the connection decides how large the
            pieces are.
    """

    haltOnFailure = True
    flunkOnFailure = True
    _doing = "uploading"
    _log: StreamLog

    def __init__(
        self, *, workdir: Any, maxsize: int | None, blocksize: int, mode: int | None, **kwargs: Any
    ) -> None:
        super().__init__(workdir=workdir, **kwargs)
        kind = type(self).__name__
        check_number(kind, "maxsize", maxsize, COUNT_OR_NONE)
        check_number(kind, "blocksize", blocksize, POSITIVE)
        check_number(kind, "mode", mode, PERMISSIONS_OR_NONE)
        self.maxsize = maxsize
        self.blocksize = blocksize
        self.mode = mode

    async def _begin(self, subject: str) -> None:
        """Say what is moved, unless the user says it, and open the log."""
        if self.description is None:
            self.description = [self._doing, subject]
        self.updateSummary()
        self._log = await self.addLog("stdio")

    async def _sending(self, path: Any) -> None:
        """Log what is read on the worker."""
        await self._log.addHeader(f"sending {self._on_worker(path)}\n")

    def _on_worker(self, path: Any) -> str:
        """Return where a path of the step is on the worker."""
        return posixpath.join(self.getProperty("builddir") or "", str(self.workdir or ""), path)

    async def _ended(self, command: RemoteCommand) -> None:
        """Log how a command has ended."""
        if command.rc is not None:
            await self._log.addHeader(f"program finished with exit code {command.rc}\n")

    async def _outcome(self, why: str | None) -> int:
        """Log why the step has failed, if it has, and return its result."""
        if why is None:
            return SUCCESS
        if self.stopped:
            return CANCELLED
        await self._log.addStderr(f"{why}\n")
        if self.descriptionDone is None:
            self.descriptionDone = [f"{self._described(self.description)}: {why}"]
        return FAILURE

    def _why(self, command: RemoteCommand) -> str:
        """Return what the worker says of a command that has failed."""
        said = command.updates["why"]
        return f"{said[-1] if said else 'failed'} on worker {self.getWorkerName()}"


def on_master(error: OSError, path: object) -> str:
    """Return why *path* of the master could not be read or written."""
    named = str(error.filename or path)
    is_passing = posixpath.basename(named).startswith(".upload-")
    return f"{error.strerror or error}: {path if is_passing else named} on the master"
