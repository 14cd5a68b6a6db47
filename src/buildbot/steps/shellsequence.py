"""Several programs, one after the other, in one step."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
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
    """One program of a `ShellSequence`: its command, its log, and how its result counts."""

    publicAttributes: ClassVar[Any] = [
        *ResultComputingConfigMixin.resultConfig,
        "command",
        "logname",
    ]
    compare_attrs: ClassVar[Any] = tuple(publicAttributes)

    def __init__(self, command: Any = None, logname: Any = None, **kwargs: Any) -> None:
        if command is None:
            error("the 'command' parameter of ShellArg must not be None")
        self.command = command
        self.logname = logname
        for name, value in kwargs.items():
            if name in self.resultConfig:
                setattr(self, name, value)
            else:
                error(f"the parameter '{name}' is not handled by ShellArg")

    def validateAttributes(self) -> None:
        """Raise ConfigErrors if an attribute is of a kind that it cannot be."""
        if not isinstance(self.command, str | list):
            error(f"{self.command} is an invalid command, it must be a string or a list")
        if self.logname is not None and not isinstance(self.logname, str):
            error(f"{self.logname} is an invalid logname, it must be a string")
        for name in self.resultConfig:
            if not isinstance(getattr(self, name), bool):
                error(f"{name} must be a boolean")

    @outgoing
    async def getRenderingFor(self, build: Any) -> ShellArg:
        """Return a copy with everything rendered."""
        rendered = copy.copy(self)
        for name in self.publicAttributes:
            setattr(rendered, name, await render_value(getattr(self, name), build))
        return rendered


class ShellSequence(ShellMixin, BuildStep):
    """Run ``commands`` (a list of `ShellArg`, or a renderable that gives one) in order.

    Subclasses may give other commands to `runShellSequence` in their ``run``.
    """

    last_command: Any = None
    renderables: ClassVar[Any] = ["commands"]

    def __init__(self, commands: Any = None, **kwargs: Any) -> None:
        self.commands = commands
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)

    def shouldRunTheCommand(self, cmd: Any) -> bool:
        """Return whether a command is to run: an empty one is not."""
        return bool(cmd)

    def getFinalState(self) -> Any:
        """Return the description of what was done."""
        return self.descriptionDone

    @outgoing
    async def runShellSequence(self, commands: Any) -> int:
        """Run the commands; return a Deferred of the result of all of them."""
        overall = SUCCESS
        if not isinstance(commands, list | tuple):
            return await self._nonsense(f"commands must be a list of ShellArg, not {commands!r}")
        for argument in commands:
            if not isinstance(argument, ShellArg):
                return await self._nonsense(f"{argument!r} is no ShellArg")
            argument.validateAttributes()
            if not self.shouldRunTheCommand(argument.command):
                continue
            if self.stopped:
                return CANCELLED
            self.last_command = argument.command
            command = await self.makeRemoteShellCommand(
                command=argument.command, stdioLogName=argument.logname
            )
            await inward(self.runCommand, command)
            overall, halts = computeResultAndTermination(argument, command.results(), overall)
            if halts:
                break
        return overall

    async def _nonsense(self, sentence: str) -> int:
        await self.addCompleteLog("commands", sentence + "\n")
        return EXCEPTION

    async def run(self) -> int:
        """Run them."""
        result: int = await self.runShellSequence(self.commands)
        return result

    def _finished_command(self) -> Any:
        return self.last_command
