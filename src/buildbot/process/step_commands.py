"""The commands that a step runs on its worker."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from buildbot._border.bridge import inward, outgoing, standing_for
from buildbot.process.remotecommand import RemoteCommand


class StepCommands:
    """The commands that a step runs on its worker, and those that it did not wait for."""

    build: Any
    worker: Any
    stepid: int | None
    stopped: bool
    cmd: Any
    _last_command: Any
    _commands_begun: int
    _unfinished: dict[int, tuple[RemoteCommand, Any]] | None = None
    """The commands that users' code has begun and that run, with their Deferreds; by identity, as
    classes of users may have an equality of their own."""

    @outgoing
    async def _run_on_worker(self, command: RemoteCommand) -> RemoteCommand:
        if self.stopped:
            command.interrupted = True
            return command
        self.cmd = self._last_command = command
        command.worker = self.worker
        try:
            if type(command).run is RemoteCommand.run:
                await command._execute(self)  # Nobody wants a Deferred of it.
            else:
                await inward(command.run, self, None, self.build.builder.name)
        finally:
            self.cmd = None
            if self._unfinished is not None:
                self._unfinished.pop(id(command), None)
        return command

    @standing_for(_run_on_worker)
    def runCommand(self, command: RemoteCommand) -> Any:
        """Run a command on the worker; return a Deferred of it when it is complete.

        The step has to wait for that (``yield``, ``await``) before it ends.
        """
        if not hasattr(command, "run"):
            kind = type(command).__name__
            raise TypeError(f"runCommand takes a RemoteCommand, not a {kind}; is a yield missing?")
        if self._unfinished is None:
            self._unfinished = {}
        running = self._run_on_worker(command)
        self._unfinished[id(command)] = command, running
        return running

    def _next_command_id(self) -> str:
        """Return an identifier for the step's next command: the same in each run of the step."""
        self._commands_begun += 1
        return f"{self.stepid}-{self._commands_begun}"

    def _refuse_unfinished(self) -> None:
        """Raise RuntimeError if a command runs though ``run()`` has ended: its output and its
        result would count for nothing."""
        if self._unfinished and not self.stopped:
            command, _ = next(iter(self._unfinished.values()))
            raise RuntimeError(
                f'run() ended while its command "{command.remote_command}" was running; '
                "is a yield or an await missing before self.runCommand(...)?"
            )

    async def _end_commands(self) -> None:
        """Stop what still runs: the next step may use the same files."""
        for command, running in list((self._unfinished or {}).values()):
            command.interrupted = True  # One that is about to begin does not.
            await inward(command.interrupt, "the step has ended")
            with suppress(Exception):
                await inward(lambda running=running: running)
