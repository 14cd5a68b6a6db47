"""A world's worker: it speaks the real protocol, and its commands do what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import zstandard

from chargehand.kit.values import replace
from chargehand.testing.world.outcomes import Outcome, Value, line_of
from chargehand_wire.messages import Input, Interrupt, Prepare, Shutdown, StartCommand
from chargehand_wire.numbering import RoomAgain
from chargehand_wire.worker_side import Abandoned, WorkerEvent, WorkerSide

_FILES = ("mkdir", "stat", "glob", "listdir", "rmfile", "downloadFile", "uploadFile")
_COMMANDS = ("shell", "rmdir", "cpdir", *_FILES)


class Wire(Protocol):
    """What a worker can do to its connection."""

    def connect(self) -> None:
        """Connect, if it is not connected."""

    def cut(self) -> None:
        """Break the connection; both sides notice."""

    def lose(self) -> None:
        """Let the master take the worker for gone."""

    def refuse_login(self, reason: str) -> None:
        """Let the master's side know that a login with the worker's name was refused."""

    def drop(self) -> None:
        """Break it for good, and tell the master's side nothing."""


class WorldWorker:
    """A worker that lives for as long as the world, whatever happens to masters and connections."""

    def __init__(self, *, name: str, basedir: Path, usual: Callable[[str], Outcome]) -> None:
        self.name = name
        self.commands: list[str] = []
        self.unusable: dict[str, str] = {}
        """Directories that it cannot make, each with what it says then."""
        self.is_slow_to_prepare = False
        """Whether it does not answer when it is to make directories."""
        """Every command that it was given, as `on` names them."""
        self._basedir = basedir
        self._usual = usual
        self._outcomes: list[tuple[str, Outcome]] = []
        self._lives = 0
        self._running: dict[str, _Command] = {}
        self._send: Callable[[], None] | None = None
        self.is_there = True
        self.link: Wire | None = None
        """What connects it to the master that runs."""
        self.side = self._born()

    def on(
        self,
        words: str,
        *,
        rc: int = 0,
        output: str = "",
        errors: str = "",
        seconds: float = 0.0,
        hangs: bool = False,
        survives_interrupts: bool = False,
        values: Mapping[str, Value] | None = None,
        files: Mapping[str, str] | None = None,
        refusal: str | None = None,
    ) -> None:
        """Define the outcome of commands whose line contains *words*; the latest one counts."""
        outcome = Outcome(
            rc=rc,
            output=output,
            errors=errors,
            seconds=seconds,
            hangs=hangs,
            survives_interrupts=survives_interrupts,
            values=values or {},
            files=files or {},
            refusal=refusal,
        )
        self._outcomes.insert(0, (words, outcome))

    def let_go(self, words: str) -> None:
        """Let commands end in whose line *words* stands, those that run and those to come."""
        outcome = next((o for known, o in self._outcomes if words in known), Outcome())
        self._outcomes.insert(0, (words, replace(outcome, hangs=False, seconds=0.0)))
        for command in self._running.values():
            if words in command.line:
                command.end.set()

    @property
    def running(self) -> list[str]:
        """The commands that run just now."""
        return [command.line for command in self._running.values()]

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """What runs its commands."""
        return {command.task for command in self._running.values()}

    def die(self) -> None:
        """Lose the process and everything in it; a new one comes up, and connects."""
        for command in list(self._running.values()):
            command.task.cancel()
        self._running.clear()
        self.side = self._born()
        self.cut()

    def refuse_login(self, reason: str) -> None:
        """Let the master refuse a login with its name, of somebody else perhaps."""
        assert self.link is not None
        self.link.refuse_login(reason)

    def cut(self) -> None:
        """Lose the connection; it comes back, and commands have gone on meanwhile."""
        if self.link is not None:
            self.link.cut()

    def forget_master(self) -> None:
        """The master was killed: it does not hear that the connection has ended."""
        if self.link is not None:
            self.link.drop()
            self.link = None

    def leave(self) -> None:
        """Be gone for the master, and stay away."""
        self.is_there = False
        if self.link is not None:
            self.link.lose()

    def come(self) -> None:
        """Come back."""
        self.is_there = True
        if self.link is not None:
            self.link.connect()

    def connect(self, send: Callable[[], None]) -> None:
        """Greet a master; *send* is called when the protocol's side has something to say."""
        self._send = send
        self.side.connect()
        send()

    def disconnect(self) -> None:
        """The master cannot be reached; commands go on."""
        self._send = None
        self.side.disconnect()

    def handle(self, event: WorkerEvent) -> None:
        """Act on what the master said."""
        match event:
            case StartCommand():
                self._start(event)
            case Interrupt(command_id=command_id) | Abandoned(command_id=command_id):
                if command := self._running.get(command_id):
                    command.interrupt()
            case Prepare() if self.is_slow_to_prepare:
                pass
            case Prepare():
                errors = map(self.unusable.get, event.directories)
                self.side.prepared(event.number, next(filter(None, errors), None))
            case Shutdown():
                self.die()
            case RoomAgain() | Input():
                pass

    def _born(self) -> WorkerSide:
        self._lives += 1
        info = {
            "version": "world",
            "basedir": str(self._basedir),
            "system": "posix",
            "numcpus": 4,
            "os": {"os_id": "world"},
            "environ": {"HOME": "/home/worker"},
            "commands": dict.fromkeys(_COMMANDS, "3.3"),
        }
        incarnation = f"{self.name}, life {self._lives}"
        return WorkerSide(name=self.name, incarnation=incarnation, info=info)

    def _start(self, order: StartCommand) -> None:
        line = line_of(order.name, order.arguments)
        self.commands.append(line)
        outcome = next((o for words, o in self._outcomes if words in line), None)
        command = _Command(order, line, outcome or self._usual(line), self._say)
        self._running[order.command_id] = command
        command.task.add_done_callback(lambda _: self._running.pop(order.command_id, None))

    def _say(self, say: Callable[[WorkerSide], None]) -> None:
        say(self.side)
        if self._send is not None:
            self._send()


class _Command:
    """A command under way."""

    def __init__(
        self,
        order: StartCommand,
        line: str,
        outcome: Outcome,
        say: Callable[[Callable[[WorkerSide], None]], None],
    ) -> None:
        self.line = line
        self.end = asyncio.Event()
        self._order = order
        self._outcome = outcome
        self._say = say
        self._is_interrupted = False
        self.task = asyncio.get_running_loop().create_task(self._run(), name=f"command {line}")

    def interrupt(self) -> None:
        """Kill it."""
        if not self._outcome.survives_interrupts:
            self._is_interrupted = True
            self.end.set()

    async def _run(self) -> None:
        if self._outcome.refusal is not None:
            self._complete(self._outcome.refusal)
            return
        began = asyncio.get_running_loop().time()
        self._write_beginning()
        if self._outcome.hangs or self._outcome.seconds:
            await self._wait()
        self._write_end(asyncio.get_running_loop().time() - began)
        self._complete(None)

    async def _wait(self) -> None:
        seconds = None if self._outcome.hangs else self._outcome.seconds
        await asyncio.wait([asyncio.ensure_future(self.end.wait())], timeout=seconds)

    def _write_beginning(self) -> None:
        if self._order.name == "shell":
            workdir = self._order.arguments.get("workdir", "")
            self._output("h", f"{self.line}\n in dir {self._order.builddir}/{workdir}\n")
        self._output("o", self._outcome.output)
        self._output("e", self._outcome.errors)
        for name, text in self._outcome.files.items():
            self._output("o", text, log=name)

    def _write_end(self, elapsed: float) -> None:
        rc = -1 if self._is_interrupted else self._outcome.rc
        if self._order.name == "shell":
            if self._is_interrupted:
                self._output("h", "command interrupted, attempting to kill\n")
            self._output("h", f"program finished with exit code {rc}\nelapsedTime={elapsed:.6f}\n")
        for key, value in {**self._outcome.values, "rc": rc, "elapsed": elapsed}.items():
            self._value(key, value)

    def _value(self, key: str, value: Value) -> None:
        self._say(lambda side: side.value(self._id, key, value))

    def _output(self, letter: str, text: str, log: str = "stdio") -> None:
        lines = text.removesuffix("\n").split("\n") if text else []
        if not lines:
            return
        data = "".join(f"{letter}{line}\n" for line in lines).encode()
        packed = zstandard.ZstdCompressor().compress(data)
        self._say(lambda side: side.output(self._id, log, packed, len(lines), len(data)))

    def _complete(self, error: str | None) -> None:
        self._say(lambda side: side.complete(self._id, error))

    @property
    def _id(self) -> str:
        return self._order.command_id
