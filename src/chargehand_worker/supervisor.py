"""The supervisor: owns commands, from the master's order to the last byte of their output."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from chargehand_wire.exhaustive import never
from chargehand_wire.messages import Directories, Input, Interrupt, Prepare, Shutdown, StartCommand
from chargehand_wire.numbering import RoomAgain
from chargehand_wire.values import Unsendable
from chargehand_wire.worker_side import Abandoned, WorkerEvent, WorkerSide
from chargehand_worker.arguments import BadArguments, shell_arguments, text, texts
from chargehand_worker.compression import HAS_ZSTD, compressor
from chargehand_worker.environment import BadEnvironment
from chargehand_worker.files import FILE_COMMANDS, FileCommand, in_thread
from chargehand_worker.output import Output
from chargehand_worker.processes import CommandProcesses
from chargehand_worker.redaction import Redactor
from chargehand_worker.sending import Upload
from chargehand_worker.shell import ShellCommand
from chargehand_worker.system_text import reason_of

_log = logging.getLogger(__name__)

_UPLOADS = ("uploadFile", "uploadDirectory")
_ZSTD_DIRECTORIES = ("zstdDirectories",) if HAS_ZSTD else ()
"""Said by a worker that knows ``zstd`` as ``compress`` of ``uploadDirectory``."""
COMMANDS = ("shell", "rmdir", "cpdir", *_UPLOADS, *FILE_COMMANDS, *_ZSTD_DIRECTORIES)
SAME_MACHINE = "sameMachine"
"""Said among the commands by a worker that can read and write the master's files."""
COPIES_DIRECTORIES = "copiesDirectories"
"""Said by such a worker if it knows ``intoDirectory`` of ``uploadDirectory``."""
_DEFAULT_TIMEOUT = 120


class _CommandOutlet:
    """One command's way to the master."""

    def __init__(self, command_id: str, side: WorkerSide, send: Callable[[], None]) -> None:
        self._id = command_id
        self._side = side
        self._send = send

    def output(self, log: str, data: bytes, line_count: int, size: int) -> None:
        """Send a segment."""
        self._side.output(self._id, log, data, line_count, size)
        self._send()

    def value(self, key: str, value: object) -> None:
        """Send a value."""
        self._side.value(self._id, key, value)
        self._send()

    def has_room(self) -> bool:
        """Return whether the master keeps up."""
        return self._side.has_room(self._id)


class _Running:
    """A command under way."""

    def __init__(self) -> None:
        self.work: ShellCommand | Upload | None = None
        self.task: asyncio.Task[None] | None = None
        self.interrupted = asyncio.Event()


class Supervisor:
    """Carries out the master's orders, and reports their results.

    It talks to a `WorkerSide`; ``send`` is called when that has something to send. Connections come
    and go without its knowledge.
    """

    def __init__(
        self,
        *,
        side: WorkerSide,
        send: Callable[[], None],
        stop: Callable[[], None],
        basedir: Path,
        environment: Mapping[str, str],
        processes: CommandProcesses,
        directories_known: Callable[[Directories], None] = lambda _: None,
    ) -> None:
        self._directories_known = directories_known
        self._known: Directories | None = None
        """What the master said last of its builders' directories, until it is passed on."""
        self._side = side
        self._send = send
        self._stop = stop
        self._basedir = basedir
        self._environment = environment
        self._processes = processes
        self._compress = compressor()
        self._running: dict[str, _Running] = {}
        self._preparing: set[asyncio.Task[None]] = set()

    def handle(self, event: WorkerEvent) -> None:
        """Act on the master's messages."""
        if isinstance(event, StartCommand):
            self._start(event)
        elif isinstance(event, Interrupt):
            self._interrupt(event.command_id)
        elif isinstance(event, Abandoned):
            self._interrupt(event.command_id)
            self._go_on(event.command_id)
        elif isinstance(event, RoomAgain):
            self._go_on(event.command_id)
        elif isinstance(event, Input):  # Commands get all of their input with the order.
            self._side.consumed(event.command_id, event.number)
            self._send()
        elif isinstance(event, Prepare):
            task = asyncio.get_running_loop().create_task(self._prepare(event))
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)
        elif isinstance(event, Shutdown):
            self._stop()
        elif isinstance(event, Directories):
            self._known = event
            self._tell_directories()
        else:
            never(event)

    def kill_all(self) -> None:
        """Kill every process at once; the agent is about to exit."""
        self._processes.kill_all()

    def _tell_directories(self) -> None:
        """Pass on which directories are used, as soon as no command may be in another one."""
        if self._known is not None and not self._running:
            known, self._known = self._known, None
            self._directories_known(known)

    def _start(self, order: StartCommand) -> None:
        running = self._running[order.command_id] = _Running()
        running.task = asyncio.get_running_loop().create_task(self._run(order, running))

    def _interrupt(self, command_id: str) -> None:
        running = self._running.get(command_id)
        if running is None:
            return
        running.interrupted.set()
        if running.work is not None:
            running.work.interrupt()

    def _go_on(self, command_id: str) -> None:
        running = self._running.get(command_id)
        if running is not None and running.work is not None:
            running.work.room_again()

    async def _run(self, order: StartCommand, running: _Running) -> None:
        error = None
        try:
            if order.name in FILE_COMMANDS:
                await self._run_file_command(order, FILE_COMMANDS[order.name], running)
            elif order.name in _UPLOADS:
                await self._run_upload(order, running)
            else:
                running.work = shell = self._shell(order)
                if running.interrupted.is_set():
                    shell.interrupt()
                await shell.run()
        except (BadArguments, BadEnvironment, Unsendable) as refusal:
            error = str(refusal)
        except Exception as failure:  # noqa: BLE001 - one command must not end the others
            _log.exception("command %s (%s) failed", order.command_id, order.name)
            error = f"{type(failure).__name__}: {failure}"
        finally:
            self._running.pop(order.command_id, None)
            self._tell_directories()
        if error is not None:
            error = _redactor(order).words(error)
        self._side.complete(order.command_id, error)
        self._send()

    def _shell(self, order: StartCommand) -> ShellCommand:
        arguments = shell_arguments(self._as_shell(order))
        outlet = _CommandOutlet(order.command_id, self._side, self._send)
        return ShellCommand(
            command_id=order.command_id,
            arguments=arguments,
            directory=self._basedir / order.builddir / Path(arguments.workdir).expanduser(),
            own_environment=self._environment,
            processes=self._processes,
            outlet=outlet,
            output=Output(outlet, self._compress, Redactor(arguments.redactions)),
        )

    def _as_shell(self, order: StartCommand) -> dict[str, Any]:
        """Return the arguments of ``shell`` that do what the command asks."""
        arguments = order.arguments
        if order.name == "shell":
            return arguments
        if order.name == "rmdir":
            command = ["rm", "-rf", "--", *texts(arguments, "dir")]
        elif order.name == "cpdir":
            target = text(arguments, "todir")
            with suppress(OSError):  # cp says what is wrong
                (self._basedir / order.builddir / target).parent.mkdir(parents=True, exist_ok=True)
            source = text(arguments, "fromdir")
            command = ["cp", "-R", "-P", "-p", "-T", "--", source, target]
        else:
            raise BadArguments(f"this worker has no command {order.name!r}")
        kept = ("timeout", "maxTime", "logEnviron", "redactions")
        return {
            "timeout": _DEFAULT_TIMEOUT,
            "workdir": "",
            "command": command,
            **{name: arguments[name] for name in kept if name in arguments},
        }

    async def _run_file_command(
        self, order: StartCommand, command: FileCommand, running: _Running
    ) -> None:
        outlet = _CommandOutlet(order.command_id, self._side, self._send)
        work = in_thread(partial(command, self._basedir / order.builddir, order.arguments))
        interruption = asyncio.ensure_future(running.interrupted.wait())
        await asyncio.wait((work, interruption), return_when=asyncio.FIRST_COMPLETED)
        interruption.cancel()
        if not work.done():
            work.cancel()
            self._say_failed(order, outlet, "interrupted")
            outlet.value("rc", -1)
            return
        try:
            values = work.result()
        except (OSError, ValueError) as error:
            self._failed(order, outlet, error)
            return
        for key, value in values.items():
            outlet.value(key, value)
        outlet.value("rc", 0)

    async def _run_upload(self, order: StartCommand, running: _Running) -> None:
        outlet = _CommandOutlet(order.command_id, self._side, self._send)
        try:
            running.work = upload = Upload(
                outlet,
                self._basedir / order.builddir,
                order.arguments,
                is_directory=order.name == "uploadDirectory",
            )
            if running.interrupted.is_set():
                upload.interrupt()
            await upload.run()
        except (OSError, ValueError) as error:
            self._failed(order, outlet, error)
            return
        outlet.value("rc", 0)

    def _failed(
        self, order: StartCommand, outlet: _CommandOutlet, error: OSError | ValueError
    ) -> None:
        if isinstance(error, OSError):
            why = f"{error.strerror}: {error.filename}"
            self._say_failed(order, outlet, why)
            outlet.value("why", _redactor(order).words(why))
            outlet.value("rc", error.errno or 1)
        else:  # A path with a zero byte, or with half a character.
            self._say_failed(order, outlet, f"{error}: {_shown(order.arguments)!r}")
            outlet.value("rc", errno.EINVAL)

    def _say_failed(self, order: StartCommand, outlet: _CommandOutlet, why: str) -> None:
        output = Output(outlet, self._compress, _redactor(order))
        output.header(f"{order.name}: {why}")
        output.flush()

    async def _prepare(self, order: Prepare) -> None:
        error = None
        try:
            for name in order.directories:
                (self._basedir / name).mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as failure:
            error = reason_of(failure)
        self._side.prepared(order.number, error)
        self._send()


def _shown(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments without what logs do not show: the content of files, and secrets."""
    hidden = ("content", "redactions")
    return {name: value for name, value in arguments.items() if name not in hidden}


def _redactor(order: StartCommand) -> Redactor:
    """Return what hides the secrets that the master named with an order."""
    pairs = order.arguments.get("redactions")
    found = pairs if isinstance(pairs, (list, tuple)) else ()
    return Redactor(
        (pair[0], pair[1])
        for pair in found
        if len(pair) == 2 and all(isinstance(text, str) for text in pair)
    )
