"""Commands that steps let the worker run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from buildbot._border.bridge import answered, outgoing
from buildbot.process.heard_updates import HeardUpdates
from buildbot.process.log import Log
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from chargehand.domain.build import Channel
from chargehand.domain.command import Command
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Receipt
from chargehand.execution.ports import Routes, StepRuntime
from chargehand.execution.routing import STDIO
from chargehand.logs.reading import Collector
from chargehand.logs.writer import LogWriter


class RemoteException(Exception):
    """The worker could not run the command."""


class RemoteCommand:
    """One command on the worker: its name, its arguments, and its outcome.

    ``rc`` is its exit code; ``stdout`` and ``stderr`` are its output, if it was collected;
    ``updates`` has lists of all other values that the worker sent, by their key.

    Args:
        remote_command (str): The worker's command: ``shell``, ``stat``, ``listdir``, ``glob`` …
        args (dict[str, Any]): The command's arguments.
        ignore_updates (bool): Drop what the worker sends, except the exit code.
        collectStdout (bool): Keep standard output in ``stdout``.
        collectStderr (bool): Keep standard error in ``stderr``.
        decodeRC (dict[int, int] | None): Results by exit code; None is SUCCESS for 0 only.
        stdioLogName (str | None): Log for the output; None for no log.
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
        self._heard: HeardUpdates | None = None
        self._runtime: StepRuntime | None = None

    def __repr__(self) -> str:
        return f"<RemoteCommand {self.remote_command!r}>"

    def useLog(self, log_: Log, closeWhenFinished: bool = False, logfileName: str = "") -> None:
        """Let output (or that of the watched file *logfileName*) go to a log."""
        if not isinstance(log_, Log):
            raise TypeError(
                f"useLog() needs a log, not {log_!r}; addLog() returns a Deferred of one, which "
                "must be awaited"
            )
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
        command = Command(
            id=CommandId(self.commandID), name=self.remote_command, arguments=self._arguments()
        )
        encoding = step.logEncoding if isinstance(step.logEncoding, str) else None
        collector = self._collector()
        self.active = True
        if type(self).remoteUpdate is not RemoteCommand.remoteUpdate:
            self._heard = HeardUpdates(self.remoteUpdate)
        try:
            await self._runtime.run_command(command, self._routes(collector), encoding=encoding)
            if self._heard is not None:
                await self._heard.end()
        finally:
            self.active = False
            if self._heard is not None:
                await self._heard.close()
            if collector is not None:
                self.stdout += collector.text(Channel.STDOUT)
                self.stderr += collector.text(Channel.STDERR)
            for name in self._closed_with_it:
                if name in self.logs:
                    await self.logs[name].end()

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments as workers know them: ``glob`` once took its pattern as "glob"."""
        if self.remote_command == "glob" and "path" not in self.args and "glob" in self.args:
            return {"path": self.args["glob"], **self.args}
        return self.args

    def _collector(self) -> Collector | None:
        channels = []
        if self.collectStdout:
            channels.append(Channel.STDOUT)
        if self.collectStderr:
            channels.append(Channel.STDERR)
        return Collector(channels) if channels else None

    def _routes(self, collector: Collector | None) -> Routes:
        """Return where the command's output goes."""
        streams = {STDIO if name == self.stdioLogName else name: name for name in self.logs}
        return Routes(
            logs={stream: self.logs[name]._engine_log() for stream, name in streams.items()},
            delayed={name: partial(self._activated, name) for name in self.delayedLogs},
            collector=collector,
            values=self._take_value,
        )

    async def _activated(self, name: str) -> LogWriter | None:
        """Return the log of a watched file of which there is text now."""
        make, closed_with_it = self.delayedLogs.pop(name)
        log: Log | None = await answered(f"the function of log {name}", make, self)
        if log is None:
            return None
        self.useLog(log, closed_with_it, name)
        return log._engine_log()

    @outgoing
    async def interrupt(self, why: Any) -> None:
        """Let the worker kill the command; ``run`` ends when it is dead."""
        self.interrupted = True
        if self.active and self._runtime is not None and self.commandID is not None:
            await self._runtime.interrupt_command(CommandId(self.commandID), str(why))

    @outgoing
    async def remoteUpdate(self, key: Any, value: Any = None, is_flushed: bool = False) -> None:
        """Hear a value that the worker sends; a subclass may override it.

        It is called for one value at a time, in their order, and may be asynchronous. ``updates``
        and ``rc`` have the value already. Output is not among the values: it goes to the logs.

        Args:
            key (str): What it is. A method with this parameter only gets a dictionary of it and
                its value, as before Buildbot 3.
            value (Any): The value.
            is_flushed (bool): Always False; there is nothing to flush.
        """

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

    def _take_value(self, key: str, value: Any) -> Receipt | None:
        if key == "rc":
            self.rc = value
        elif key == "failure_reason":
            self.step._exceeded(value, self)
        elif not self.ignore_updates:
            self.updates[key].append(value)
        return self._heard.take(key, value) if self._heard is not None else None


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
"""The old name."""
