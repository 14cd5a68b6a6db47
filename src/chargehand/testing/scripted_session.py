"""A session that answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chargehand.domain.build import Channel
from chargehand.domain.command import Command, Output, Value
from chargehand.domain.session import Receive, SessionState
from chargehand.domain.worker import WorkerInfo
from chargehand.logs.segments import segment_of, with_letter


class Script(msgspec.Struct):
    """What a scripted worker does with a command: output lines, values, an error, or a wait."""

    stdout: str = ""
    stderr: str = ""
    rc: int = 0
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    files: dict[str, str] = msgspec.field(default_factory=dict)
    error: Exception | None = None
    hangs: bool = False
    """It runs until it is interrupted."""
    ignores_interrupts: bool = False


class ScriptedSession:
    """`Session` of a worker that follows a script: a function of the command, or nothing."""

    def __init__(
        self, script: Callable[[Command], Script] | None = None, *, worker_name: str = "w1"
    ) -> None:
        self.commands: list[Command] = []
        self.prepared: list[tuple[str, ...]] = []
        self.interrupts: list[str] = []
        self.running = asyncio.Event()
        """Set when a command that hangs runs."""
        self.prepare_error: Exception | None = None
        self.worker_name = worker_name
        self.state = SessionState.CONNECTED
        self.why_lost = ""
        self.info = WorkerInfo(
            basedir=f"/workers/{worker_name}",
            version="1",
            environ={"HOME": "/home/w"},
            commands=dict.fromkeys(("shell", "mkdir", "rmdir", "cpdir", "stat", "glob"), "3.3"),
        )
        self._script = script or (lambda command: Script())
        self._killed: dict[str, asyncio.Event] = {}

    async def close(self) -> None:
        """Be lost from now on."""
        self.state = SessionState.LOST

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Note them."""
        self.prepared.append(tuple(builddirs))
        if self.prepare_error is not None:
            raise self.prepare_error

    async def run(self, command: Command, receive: Receive) -> None:
        """Follow the script."""
        self.commands.append(command)
        script = self._script(command)
        killed = self._killed[command.id] = asyncio.Event()
        lines = with_letter_or_nothing(Channel.HEADER, f"{command.name}\n")
        lines += with_letter_or_nothing(Channel.STDOUT, script.stdout)
        lines += with_letter_or_nothing(Channel.STDERR, script.stderr)
        if command.name == "shell":
            receive(Output(log="stdio", segment=segment_of(lines)))
        for name, text in script.files.items():
            lines = with_letter_or_nothing(Channel.STDOUT, text)
            receive(Output(log=name, segment=segment_of(lines)))
        if script.error is not None:
            raise script.error
        for key, value in script.values.items():
            receive(Value(key=key, value=value))
        if script.hangs:
            self.running.set()
            await (asyncio.Event() if script.ignores_interrupts else killed).wait()
        receive(Value(key="rc", value=-1 if killed.is_set() else script.rc))

    async def interrupt(self, command: Command, reason: str) -> None:
        """Let a command that hangs end."""
        self.interrupts.append(reason)
        self._killed[command.id].set()


def with_letter_or_nothing(channel: Channel, text: str) -> bytes:
    """Return the text's lines with the channel's letter; nothing for no text."""
    return with_letter(channel, text.encode()) if text else b""
