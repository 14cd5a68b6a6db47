"""Several programs, one after the other, in one step."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from buildbot._border.arguments import no_argument
from buildbot._border.bridge import inward, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.rendering import render_value
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import (
    CANCELLED,
    EXCEPTION,
    SUCCESS,
    ResultComputingConfigMixin,
    computeResultAndTermination,
)
from buildbot.process.shell_mixin import ShellMixin


class ShellArg(ResultComputingConfigMixin, ComparableMixin):
    """One program of a `ShellSequence`: its command, its log, and how its result counts.

    Args:
        command (str | list[str | list[str]], required, renderable): The program and its arguments,
            or one string for the worker's shell.
        logname (str | None, renderable): Log for its output; None for stdio.
        logfile (str | None, default None): Old name of logname.
        haltOnFailure (bool, renderable): A failure ends the sequence.
        flunkOnFailure (bool, renderable): A failure makes the step FAILURE.
        flunkOnWarnings (bool, renderable): Warnings make the step FAILURE.
        warnOnFailure (bool, renderable): A failure makes the step WARNINGS.
        warnOnWarnings (bool, renderable): Warnings make the step WARNINGS.
    """

    publicAttributes: ClassVar[Any] = [
        *ResultComputingConfigMixin.resultConfig,
        "command",
        "logname",
    ]
    compare_attrs: ClassVar[Any] = tuple(publicAttributes)

    def __init__(self, command: Any = None, logname: Any = None, **kwargs: Any) -> None:
        if command is None:
            error('ShellArg needs the argument "command"')
        self.command = command
        if "logfile" in kwargs:
            warn('ShellArg: argument "logfile" was removed from Buildbot; use logname')
            logname = kwargs.pop("logfile") if logname is None else logname
        self.logname = logname
        for name, value in kwargs.items():
            if name in self.resultConfig:
                setattr(self, name, value)
            else:
                error(no_argument("ShellArg", name, ("command", "logname", *self.resultConfig)))

    def validateAttributes(self) -> None:
        """Raise ConfigErrors if an attribute has the wrong type."""
        if not isinstance(self.command, str | list):
            error(f"ShellArg: command must be a string or a list, not {self.command!r}")
        if self.logname is not None and not isinstance(self.logname, str):
            error(f"ShellArg: logname must be a string, not {self.logname!r}")
        for name in self.resultConfig:
            if not isinstance(getattr(self, name), bool):
                error(f"ShellArg: {name} must be True or False, not {getattr(self, name)!r}")

    @outgoing
    async def getRenderingFor(self, build: Any) -> ShellArg:
        """Return a copy with everything rendered."""
        rendered = copy.copy(self)
        for name in self.publicAttributes:
            setattr(rendered, name, await render_value(getattr(self, name), build))
        return rendered


class ShellSequence(ShellMixin, BuildStep):
    """Run ``commands`` (a list of `ShellArg`, or a renderable of one) in order.

    A subclass's ``run`` may pass other commands to `runShellSequence`.

    Args:
        commands (list[Any] | None, renderable): The programs: a list of util.ShellArg, or a
            renderable of one.
    """

    renderables: ClassVar[Any] = ["commands"]

    def __init__(self, commands: Any = None, **kwargs: Any) -> None:
        self.commands = commands
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)

    def shouldRunTheCommand(self, cmd: Any) -> bool:
        """Return whether to run a command; an empty one is skipped."""
        return bool(cmd)

    def getFinalState(self) -> Any:
        """Return the description of what was done."""
        return self.descriptionDone

    @outgoing
    async def runShellSequence(self, commands: Any) -> int:
        """Run the commands; return a Deferred of the result of all of them."""
        overall = SUCCESS
        if not isinstance(commands, list | tuple):
            return await self._refused(f"commands must be a list of ShellArg, not {commands!r}")
        for argument in commands:
            if not isinstance(argument, ShellArg):
                return await self._refused(
                    f"commands must be a list of ShellArg, not of {argument!r}"
                )
            argument.validateAttributes()
            if not self.shouldRunTheCommand(argument.command):
                continue
            if self.stopped:
                return CANCELLED
            command = await self.makeRemoteShellCommand(
                command=argument.command, stdioLogName=argument.logname
            )
            await self._set_up(command)
            await inward(self.runCommand, command)
            result = await self._result_of(command)
            overall, halts = computeResultAndTermination(argument, result, overall)
            if halts:
                break
        return overall

    async def _refused(self, sentence: str) -> int:
        await self.addCompleteLog("commands", sentence + "\n")
        return EXCEPTION

    @outgoing
    async def run(self) -> int:
        """Run them."""
        result: int = await self.runShellSequence(self.commands)
        return result
