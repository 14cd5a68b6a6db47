"""Commands that steps let the worker run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import inward
from buildbot.process.log import Log
from buildbot.process.outgoing import outgoing
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from chargehand.domain.build import Channel
from chargehand.domain.command import Command, CommandUpdate, Output, Value
from chargehand.domain.identifiers import CommandId
from chargehand.execution.ports import StepRuntime
from chargehand.logs.segments import lines_of, runs_of


class RemoteException(Exception):
    """The worker could not run the command."""


class RemoteCommand:
    """One command on the worker: its name and arguments, and what came of it.

    ``rc`` is its exit code; ``stdout`` and ``stderr`` are its output, where that was to be
    collected; ``updates`` has lists of all other values that the worker sent, by their key.
    """

    rc: int | None = None

    def __init__(
        self,
        remote_command: str,
        args: dict[str, Any],
        ignore_updates: bool = False,
        collectStdout: bool = False,
        collectStderr: bool = False,
        decodeRC: dict[int | None, int] | None = None,
        stdioLogName: str | None = "stdio",
    ) -> None:
        self.remote_command = remote_command
        self.args = args
        self.ignore_updates = ignore_updates
        self.collectStdout = collectStdout
        self.collectStderr = collectStderr
        self.decodeRC: dict[int | None, int] = {0: SUCCESS} if decodeRC is None else decodeRC
        self.stdioLogName = stdioLogName
        self.stdout = ""
        self.stderr = ""
        self.updates: dict[str, list[Any]] = defaultdict(list)
        self.logs: dict[str, Log] = {}
        self.delayedLogs: dict[str, tuple[Callable[..., Any], bool]] = {}
        self.active = False
        self.interrupted = False
        self.step: Any = None
        self.worker: Any = None
        self.commandID: str | None = None
        self._closed_with_it: set[str] = set()
        self._collected: dict[Channel, list[bytes]] = {}
        self._command: Command | None = None
        self._runtime: StepRuntime | None = None

    def __repr__(self) -> str:
        return f"<RemoteCommand {self.remote_command!r}>"

    def useLog(self, log_: Log, closeWhenFinished: bool = False, logfileName: str = "") -> None:
        """Let output (or that of the watched file *logfileName*) go to a log."""
        name = logfileName or log_.getName()
        self.logs[name] = log_
        if closeWhenFinished:
            self._closed_with_it.add(name)

    def useLogDelayed(
        self,
        logfileName: str,
        activateCallBack: Callable[..., Any],
        closeWhenFinished: bool = False,
    ) -> None:
        """Let a watched file's text go to the log that the callback makes when text comes."""
        self.delayedLogs[logfileName] = (activateCallBack, closeWhenFinished)

    @outgoing
    async def run(self, step: Any, conn: Any = None, builder_name: str | None = None) -> Any:
        """Run the command for a step, and return a Deferred of itself when it is complete."""
        await self._execute(step)
        return self

    async def _execute(self, step: Any) -> None:
        """Run it to its end. Raises WorkerLost and CommandRefused."""
        self.step = step
        self._runtime = step._engine_runtime
        if self.interrupted:
            return
        self.commandID = step._next_command_id()
        self._command = Command(
            id=CommandId(self.commandID),
            name=self.remote_command,
            arguments=self._arguments(step),
            builddir=step.build.builddir,
        )
        self.active = True
        try:
            await step._engine_runtime.run_command(self._command, self._receive)
        finally:
            self.active = False
            self._collect()
            for name in self._closed_with_it:
                if name in self.logs:
                    await self.logs[name].end()

    def _arguments(self, step: Any) -> dict[str, Any]:
        """Return the arguments, with the step's own encoding of what the program writes."""
        encoding = step.logEncoding
        if self.remote_command != "shell" or not isinstance(encoding, str):
            return self.args
        return {"encoding": encoding, **self.args}

    @outgoing
    async def interrupt(self, why: Any) -> None:
        """Let the worker kill the command; ``run`` ends when it is dead."""
        self.interrupted = True
        if self.active and self._runtime is not None and self._command is not None:
            await self._runtime.interrupt_command(self._command, str(why))

    def results(self) -> int:
        """Return the result that the exit code stands for."""
        if self.interrupted and self.rc is None:
            return CANCELLED
        return self.decodeRC.get(self.rc, FAILURE)

    def didFail(self) -> bool:
        """Return whether the result is FAILURE."""
        return self.results() == FAILURE

    def addStdout(self, data: str) -> Any:
        """Append to the stdio log, and to ``stdout`` if that is collected."""
        if self.collectStdout:
            self.stdout += data
        return self._write("addStdout", data)

    def addStderr(self, data: str) -> Any:
        """Append to the stdio log, and to ``stderr`` if that is collected."""
        if self.collectStderr:
            self.stderr += data
        return self._write("addStderr", data)

    def addHeader(self, data: str) -> Any:
        """Append to the stdio log."""
        return self._write("addHeader", data)

    def addToLog(self, logname: str, data: str) -> Any:
        """Append to the log of a watched file."""
        log: Any = self.logs.get(logname)
        return log.addStdout(data) if log is not None else None

    def _write(self, method: str, data: str) -> Any:
        log = self.logs.get(self.stdioLogName or "")
        return getattr(log, method)(data) if log is not None else None

    async def _receive(self, update: CommandUpdate) -> None:
        match update:
            case Output():
                await self._output(update)
            case Value(key="rc"):
                self.rc = update.value
            case Value(key="failure_reason"):
                self._failed(update.value)
            case Value() if not self.ignore_updates:
                self.updates[update.key].append(update.value)

    def _failed(self, reason: str) -> None:
        if reason in ("timeout", "timeout_without_output"):
            self.step.timed_out = True
        elif reason == "max_lines_failure":
            self.step.max_lines_reached = True

    async def _output(self, update: Output) -> None:
        is_stdio = update.log == "stdio"
        name = (self.stdioLogName or "") if is_stdio else update.log
        lines = None
        if is_stdio and (self.collectStdout or self.collectStderr):
            lines = lines_of(update.segment)
            for channel, run in runs_of(lines):
                self._collected.setdefault(channel, []).append(run)
        log = self.logs.get(name) or await self._activated(name)
        if log is not None:
            await log.pass_through(update.segment, lines)

    async def _activated(self, name: str) -> Log | None:
        delayed = self.delayedLogs.pop(name, None)
        if delayed is None:
            return None
        make, closed_with_it = delayed
        log: Log = await inward(make, self)
        self.useLog(log, closed_with_it, name)
        return log

    def _collect(self) -> None:
        if self.collectStdout:
            self.stdout += _text(self._collected.get(Channel.STDOUT))
        if self.collectStderr:
            self.stderr += _text(self._collected.get(Channel.STDERR))
        self._collected.clear()


class RemoteShellCommand(RemoteCommand):
    """A program on the worker; the arguments are those of the manual's ShellMixin."""

    def __init__(
        self,
        workdir: str,
        command: Any,
        env: dict[str, Any] | None = None,
        want_stdout: bool = True,
        want_stderr: bool = True,
        timeout: float | None = 20 * 60,
        maxTime: float | None = None,
        max_lines: int | None = None,
        sigtermTime: float | None = None,
        logfiles: dict[str, Any] | None = None,
        usePTY: bool | None = None,
        logEnviron: bool = True,
        collectStdout: bool = False,
        collectStderr: bool = False,
        interruptSignal: str | None = None,
        initialStdin: str | None = None,
        decodeRC: dict[int | None, int] | None = None,
        stdioLogName: str | None = "stdio",
    ) -> None:
        self.command = command
        arguments: dict[str, Any] = {
            "workdir": workdir,
            "command": command,
            "env": dict(env) if env else None,
            "want_stdout": want_stdout,
            "want_stderr": want_stderr,
            "logfiles": logfiles or {},
            "timeout": timeout,
            "maxTime": maxTime,
            "max_lines": max_lines,
            "sigtermTime": sigtermTime,
            "usePTY": bool(usePTY),
            "logEnviron": logEnviron,
            "initial_stdin": initialStdin,
        }
        if interruptSignal is not None:
            arguments["interruptSignal"] = interruptSignal
        super().__init__(
            "shell",
            arguments,
            collectStdout=collectStdout,
            collectStderr=collectStderr,
            decodeRC=decodeRC,
            stdioLogName=stdioLogName,
        )

    def __repr__(self) -> str:
        return f"<RemoteShellCommand {self.command!r}>"


LoggedRemoteCommand = RemoteCommand
"""Its name of old."""


def _text(runs: list[bytes] | None) -> str:
    return b"".join(runs or ()).decode("utf-8", "replace")
