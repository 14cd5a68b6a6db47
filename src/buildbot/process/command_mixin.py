"""File commands on the worker, for steps that inherit `CommandMixin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot.process.errors import BuildStepFailed
from buildbot.process.remotecommand import RemoteCommand


class CommandMixin:
    """Paths are relative to the builder's directory on the worker."""

    @outgoing
    async def _runRemoteCommand(
        self: Any,
        cmd: str,
        abandonOnFailure: bool,
        args: dict[str, Any],
        makeResult: Callable[[RemoteCommand], Any] | None = None,
    ) -> Any:
        command = RemoteCommand(cmd, args)
        if "stdio" in self.logs:
            command.useLog(self.logs["stdio"], False)
        await inward(self.runCommand, command)
        if abandonOnFailure and command.didFail():
            raise BuildStepFailed
        return makeResult(command) if makeResult is not None else not command.didFail()

    def runRmdir(self, dir: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Remove a directory; a Deferred of whether that worked."""
        return self._runRemoteCommand("rmdir", abandonOnFailure, {"dir": dir, "logEnviron": False})

    def runMkdir(self, dir: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Make a directory and its parents; a Deferred of whether that worked."""
        return self._runRemoteCommand("mkdir", abandonOnFailure, {"dir": dir, "logEnviron": False})

    def runRmFile(self, path: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Remove a file; a Deferred of whether that worked."""
        return self._runRemoteCommand(
            "rmfile", abandonOnFailure, {"path": path, "logEnviron": False}
        )

    def pathExists(self, path: str) -> Any:
        """Return a Deferred of whether the path exists."""
        return self._runRemoteCommand("stat", False, {"file": path, "logEnviron": False})

    def runGlob(self, path: str) -> Any:
        """Return a Deferred of the list of paths that match a pattern."""
        return self._runRemoteCommand(
            "glob", True, {"path": path, "logEnviron": False}, makeResult=_files
        )


def _files(command: RemoteCommand) -> list[str]:
    return list(command.updates["files"][-1]) if command.updates["files"] else []
