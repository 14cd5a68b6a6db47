"""Steps that let the worker do something with files, without a program."""

from __future__ import annotations

import stat
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing, settled
from buildbot._border.numbers import SECONDS_OR_NONE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.command_mixin import WorkerFiles
from buildbot.process.errors import BuildStepFailed
from buildbot.process.log import Log
from buildbot.process.pieces import pieces
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import FAILURE, SUCCESS


class WorkerBuildStep(BuildStep):
    """What the steps of this module have in common."""


class SetPropertiesFromEnv(WorkerBuildStep):
    """Set properties of the same names from variables of the worker's environment.

    Args:
        variables (str | list[str]): Names of the worker's environment variables that become
            properties.
        source (str): Source of the properties.
    """

    name = "SetPropertiesFromEnv"
    description: Any = ["Setting"]
    descriptionDone: Any = ["Set"]

    def __init__(
        self, variables: list[str] | str, source: str = "WorkerEnvironment", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.variables = variables
        self.source = source

    @outgoing
    async def run(self) -> int:
        """Set those that are there, and list them in the log ``properties``."""
        environment = self.worker.worker_environ
        fold = str.upper if self.worker.worker_system == "nt" else str
        variables = [self.variables] if isinstance(self.variables, str) else self.variables
        lines = []
        for variable in variables:
            value = environment.get(fold(variable))
            if value is not None:
                self.setProperty(variable, value, self.source, runtime=True)
                lines.append(f"{variable} = {value!r}")
        await self.addCompleteLog("properties", "\n".join(lines))
        return SUCCESS


class FileExists(WorkerBuildStep):
    """FAILURE unless ``file`` is a file below the builder's directory on the worker.

    Args:
        file (str, renderable): Path on the worker, relative to the builder's directory.
    """

    name = "FileExists"
    renderables: ClassVar[Any] = ["file"]
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(self, file: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    @outgoing
    async def run(self) -> int:
        """Look."""
        self.checkWorkerHasCommand("stat")
        command = RemoteCommand("stat", {"file": self.file})
        await inward(self.runCommand, command)
        if command.didFail():
            self.descriptionDone = ["File not found."]
            return FAILURE
        if not stat.S_ISREG(command.updates["stat"][-1][stat.ST_MODE]):
            self.descriptionDone = ["Not a file."]
            return FAILURE
        self.descriptionDone = ["File found."]
        return SUCCESS


class CopyDirectory(WorkerBuildStep):
    """Copy a directory on the worker, paths being below the builder's directory.

    Args:
        src (str, renderable): Directory to copy, relative to the builder's directory.
        dest (str, renderable): Where to copy it; must not exist.
        timeout (float, seconds): Give up when the copy makes no progress for so long.
        maxTime (float | None, seconds): Give up when it takes longer; None for no limit.
    """

    name = "CopyDirectory"
    description: Any = ["Copying"]
    descriptionDone: Any = ["Copied"]
    renderables: ClassVar[Any] = ["src", "dest"]
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(
        self,
        src: Any,
        dest: Any,
        timeout: float = 120,
        maxTime: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.src = src
        self.dest = dest
        check_number(type(self).__name__, "timeout", timeout, SECONDS_OR_NONE)
        check_number(type(self).__name__, "maxTime", maxTime, SECONDS_OR_NONE)
        self.timeout = timeout
        self.maxTime = maxTime

    @outgoing
    async def run(self) -> int:
        """Copy it."""
        self.checkWorkerHasCommand("cpdir")
        arguments = {
            "fromdir": self.src,
            "todir": self.dest,
            "timeout": self.timeout,
            "maxTime": self.maxTime,
        }
        command = RemoteCommand("cpdir", arguments)
        await inward(self.runCommand, command)
        if command.didFail():
            self.descriptionDone = ["Copying", self.src, "to", self.dest, "failed."]
            return FAILURE
        self.descriptionDone = ["Copied", self.src, "to", self.dest]
        return SUCCESS


class RemoveDirectory(WorkerBuildStep):
    """Remove a directory (or several) on the worker.

    Args:
        dir (str, renderable): Directory to remove, relative to the builder's directory.
    """

    name = "RemoveDirectory"
    description: Any = ["Deleting"]
    descriptionDone: Any = ["Deleted"]
    renderables: ClassVar[Any] = ["dir"]
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(self, dir: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dir = dir

    @outgoing
    async def run(self) -> int:
        """Remove it; it need not exist."""
        self.checkWorkerHasCommand("rmdir")
        command = RemoteCommand("rmdir", {"dir": self.dir})
        await inward(self.runCommand, command)
        if command.didFail():
            self.descriptionDone = ["Delete failed."]
            return FAILURE
        return SUCCESS


class MakeDirectory(WorkerBuildStep):
    """Make a directory and its parents on the worker.

    Args:
        dir (str, renderable): Directory to create, relative to the builder's directory; those above
            are created, too.
    """

    name = "MakeDirectory"
    description: Any = ["Creating"]
    descriptionDone: Any = ["Created"]
    renderables: ClassVar[Any] = ["dir"]
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(self, dir: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dir = dir

    @outgoing
    async def run(self) -> int:
        """Make it, unless it exists."""
        self.checkWorkerHasCommand("mkdir")
        command = RemoteCommand("mkdir", {"dir": self.dir})
        await inward(self.runCommand, command)
        if command.didFail():
            self.descriptionDone = ["Create failed."]
            return FAILURE
        return SUCCESS


class CompositeStepMixin(WorkerFiles):
    """File commands for steps that do several things; each returns a Deferred.

    Commands that fail end the step as FAILURE, unless ``abandonOnFailure=False``.
    """

    workdir: Any
    rc_log: Log | None = None

    def addLogForRemoteCommands(self: Any, logname: str) -> Any:
        """Let the output of the commands go to a log of that name."""
        self.rc_log = self.logs.get(logname) or self._new_log(logname)
        return settled(self.rc_log)

    @outgoing
    async def runRemoteCommand(
        self: Any,
        cmd: str,
        args: dict[str, Any],
        abandonOnFailure: bool = True,
        evaluateCommand: Callable[[RemoteCommand], Any] = RemoteCommand.didFail,
    ) -> Any:
        """Run a command; a Deferred of what *evaluateCommand* says of it (by default, whether it
        failed)."""
        command = RemoteCommand(cmd, args)
        if self.rc_log is not None:
            command.useLog(self.rc_log, False)
        await inward(self.runCommand, command)
        if abandonOnFailure and command.didFail():
            raise BuildStepFailed
        return evaluateCommand(command)

    def runRmdir(self: Any, dir: str, timeout: float | None = None, **kwargs: Any) -> Any:
        """Remove a directory; whether that failed."""
        arguments: dict[str, Any] = {"dir": dir, "logEnviron": getattr(self, "logEnviron", False)}
        if timeout:
            arguments["timeout"] = timeout
        return self.runRemoteCommand("rmdir", arguments, **kwargs)

    def runRmFile(self: Any, path: str, timeout: float | None = None, **kwargs: Any) -> Any:
        """Remove a file; whether that failed."""
        arguments: dict[str, Any] = {"path": path, "logEnviron": getattr(self, "logEnviron", False)}
        if timeout:
            arguments["timeout"] = timeout
        return self.runRemoteCommand("rmfile", arguments, **kwargs)

    def pathExists(self: Any, path: str) -> Any:
        """Whether the path exists."""
        return self.runRemoteCommand(
            "stat",
            {"file": path, "logEnviron": getattr(self, "logEnviron", False)},
            abandonOnFailure=False,
            evaluateCommand=_succeeded,
        )

    def runMkdir(self: Any, _dir: str, **kwargs: Any) -> Any:
        """Make a directory and its parents; whether that failed."""
        arguments = {"dir": _dir, "logEnviron": getattr(self, "logEnviron", False)}
        return self.runRemoteCommand("mkdir", arguments, **kwargs)

    @outgoing
    async def downloadFileContentToWorker(
        self: Any,
        workerdest: str,
        strfile: str | bytes,
        abandonOnFailure: bool = False,
        mode: int | None = None,
        workdir: str | None = None,
    ) -> Any:
        """Write text (as UTF-8) to a file in the working directory; whether that worked."""
        content = strfile.encode() if isinstance(strfile, str) else strfile
        where = {
            "workerdest": workerdest,
            "workdir": self.workdir if workdir is None else workdir,
        }
        write = partial(self.runRemoteCommand, abandonOnFailure=False, evaluateCommand=_succeeded)
        for piece in pieces(content):
            if not await inward(write, "downloadFile", {**where, "mode": mode, **piece}):
                if "offset" in piece:
                    await inward(write, "downloadFile", {**where, "abandoned": True})
                if abandonOnFailure:
                    raise BuildStepFailed
                return False
        return True

    def runGlob(self: Any, path: str, **kwargs: Any) -> Any:
        """The paths that match a pattern."""
        return self.runRemoteCommand(
            "glob",
            {"path": path, "logEnviron": getattr(self, "logEnviron", False)},
            evaluateCommand=_files,
            **kwargs,
        )


def _succeeded(command: RemoteCommand) -> bool:
    return not command.didFail()


def _files(command: RemoteCommand) -> list[str]:
    return list(command.updates["files"][-1]) if command.updates["files"] else []
