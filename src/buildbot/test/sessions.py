"""A worker that does what a test expects of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buildbot.test.expectations import Expect, Unexpected
from chargehand.domain.command import Command, Value
from chargehand.domain.session import Receive, SessionState
from chargehand.domain.worker import WorkerInfo

_COMMANDS = (
    *("cpdir", "downloadFile", "glob", "listdir", "mkdir", "rmdir", "rmfile", "shell", "stat"),
    *("uploadDirectory", "uploadFile"),
)


def versions(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the commands of a worker with their versions; ``*`` stands for all."""
    found = dict(given or {"*": "3.3"})
    usual = found.pop("*", None)
    return found if usual is None else dict.fromkeys(_COMMANDS, usual) | found


@dataclass(frozen=True)
class _RunningCommand:
    """What the callback of an expected command may do to it."""

    _interrupt_step: Callable[[], Any]

    def interrupt(self, why: str = "") -> None:
        """Interrupt the step."""
        self._interrupt_step()


class ExpectingSession:
    """`Session` of a worker that gets the expected commands, and behaves as they say."""

    def __init__(self) -> None:
        self.expected: deque[Expect] = deque()
        self.worker_name = "test"
        self.state = SessionState.CONNECTED
        self.info = WorkerInfo(basedir="/wrk", version="4.3.0", commands=versions())
        self.interrupted_number: int | None = None
        """During which command the step is interrupted."""
        self.interrupt_step: Callable[[], Any] = lambda: None
        self._count = 0
        self._interrupted: dict[str, asyncio.Event] = {}
        self._problems: list[str] = []

    async def close(self) -> None:
        """Be lost from now on."""
        self.state = SessionState.LOST

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """They are there."""

    async def run(self, command: Command, receive: Receive) -> None:
        """Do what the next expected command says. Raises Unexpected for another one."""
        interrupted = self._interrupted[command.id] = asyncio.Event()
        expected = self._next(command)
        expected.play(receive)
        if self._count == self.interrupted_number:
            self.interrupt_step()
        self._count += 1
        for callback in expected.callbacks:
            callback(_RunningCommand(self.interrupt_step))
        if expected.interrupted or (expected.callbacks and expected.code is None):
            await interrupted.wait()
        if expected.code is not None or interrupted.is_set():
            receive(Value(key="rc", value=-1 if interrupted.is_set() else expected.code))

    def _next(self, command: Command) -> Expect:
        try:
            if not self.expected:
                raise Unexpected(
                    f"the step ran {command.name} {dict(command.arguments)!r}; "
                    "no further command was expected"
                )
            expected = self.expected.popleft()
            expected.check(command)
        except Unexpected as problem:
            self._problems.append(str(problem))
            raise
        return expected

    async def interrupt(self, command: Command, reason: str) -> None:
        """Let a command end that waits for this."""
        self._interrupted[command.id].set()

    def problems(self) -> list[str]:
        """Return which commands were not as expected, in sentences."""
        return self._problems

    def left(self) -> list[str]:
        """Return which commands were not run, in sentences."""
        return [f"not run: {one!r}" for one in self.expected]
