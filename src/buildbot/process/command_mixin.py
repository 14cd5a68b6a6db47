"""File commands on the worker, for steps that inherit `CommandMixin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot.process.errors import BuildStepFailed
from buildbot.process.pieces import pieces
from buildbot.process.remotecommand import RemoteCommand

_BLOCK = 256 * 1024


class WorkerFiles:
    """Reading files on the worker."""

    @outgoing
    async def getFileContentFromWorker(
        self: Any, filename: str, abandonOnFailure: bool = False
    ) -> str | None:
        """The text of a file in the working directory, as it is there; None if it cannot be read.

        Bytes that are not UTF-8 become U+FFFD. The text is kept in memory.
        """
        arguments = {"workersrc": filename, "workdir": self.workdir, "blocksize": _BLOCK}
        command = RemoteCommand("uploadFile", {**arguments, "maxsize": None})
        await inward(self.runCommand, command)
        if not command.didFail():
            return b"".join(command.updates["content"]).decode("utf-8", "replace")
        if abandonOnFailure:
            raise BuildStepFailed
        return None


class CommandMixin(WorkerFiles):
    """Paths are relative to the builder's directory on the worker."""

    @outgoing
    async def _runRemoteCommand(
        self: Any,
        cmd: str,
        abandonOnFailure: bool,
        args: dict[str, Any],
        makeResult: Callable[[RemoteCommand], Any] | None = None,
        log: Any = None,
    ) -> Any:
        command = RemoteCommand(cmd, args)
        if (log := log or self.logs.get("stdio")) is not None:
            command.useLog(log, False)
        await inward(self.runCommand, command)
        if abandonOnFailure and command.didFail():
            raise BuildStepFailed
        return makeResult(command) if makeResult is not None else not command.didFail()

    def runRmdir(self, dir: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Remove a directory; a Deferred of whether that worked."""
        arguments = {"dir": dir, "logEnviron": False}
        return self._runRemoteCommand("rmdir", abandonOnFailure, arguments, log=log)

    def runRmFile(self, path: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Remove a file; a Deferred of whether that worked."""
        arguments = {"path": path, "logEnviron": False}
        return self._runRemoteCommand("rmfile", abandonOnFailure, arguments, log=log)

    def runMkdir(self, dir: str, log: Any = None, abandonOnFailure: bool = True) -> Any:
        """Make a directory and its parents; a Deferred of whether that worked."""
        arguments = {"dir": dir, "logEnviron": False}
        return self._runRemoteCommand("mkdir", abandonOnFailure, arguments, log=log)

    def pathExists(self, path: str) -> Any:
        """Return a Deferred of whether the path exists."""
        return self._runRemoteCommand("stat", False, {"file": path, "logEnviron": False})

    def runGlob(self, path: str) -> Any:
        """Return a Deferred of the list of paths that match a pattern."""
        return self._runRemoteCommand(
            "glob", True, {"path": path, "logEnviron": False}, makeResult=_files
        )

    @outgoing
    async def downloadFileContentToWorker(
        self: Any,
        workerdest: str,
        strfile: str | bytes,
        abandonOnFailure: bool = False,
        mode: int | None = None,
        workdir: str | None = None,
    ) -> Any:
        """Write text (as UTF-8) to a file in the working directory; a Deferred of whether that
        worked."""
        content = strfile.encode() if isinstance(strfile, str) else strfile
        where = {
            "workerdest": workerdest,
            "workdir": self.workdir if workdir is None else workdir,
        }
        write = self._runRemoteCommand
        for piece in pieces(content):
            if not await inward(write, "downloadFile", False, {**where, "mode": mode, **piece}):
                if "offset" in piece:
                    await inward(write, "downloadFile", False, {**where, "abandoned": True})
                if abandonOnFailure:
                    raise BuildStepFailed
                return False
        return True


def _files(command: RemoteCommand) -> list[str]:
    return list(command.updates["files"][-1]) if command.updates["files"] else []
