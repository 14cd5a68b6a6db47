"""The session of a stock worker: it ends with its connection, and its commands end with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from chargehand.domain.command import Command, Value
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import CommandRefused, Receive, SessionState, WorkerLost
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.limits import time_limit
from chargehand.kit.tasks import Tasks
from chargehand.links.stock.arguments import download_arguments, stock_arguments
from chargehand.links.stock.download import Download
from chargehand.links.stock.hidden_words import hidden_in
from chargehand.links.stock.line_limit import LineLimit, counted_here
from chargehand.links.stock.ports import Wire
from chargehand.links.stock.running import RunningCommand
from chargehand.links.worker_session import WorkerSession

_log = logging.getLogger(__name__)

_DEATH_SECONDS = 15.0
"""Seconds to wait for a cancelled command to end before its caller goes on."""
_FAREWELL_SECONDS = 5.0
_ANSWER_SECONDS = 120.0
"""Seconds that a worker may take to answer a ping."""
_MOST_UNSTORED = 8 * 1024 * 1024
"""Bytes of output that wait to be stored; then nothing more is received."""


class Place(Protocol):
    """The worker's place in the fleet."""

    def changed(self, session: StockSession) -> None:
        """Note that the session's state has changed."""


class StockSession(WorkerSession):
    """Implements RemoteSession of ``fleet.remote``."""

    def __init__(
        self, *, worker_name: str, info: WorkerInfo, address: str, wire: Wire, place: Place
    ) -> None:
        super().__init__(
            worker_name=worker_name, info=info, address=address, state=SessionState.CONNECTED
        )
        self._wire = wire
        self._place = place
        self._running: dict[str, RunningCommand] = {}
        self._downloads: dict[tuple[str, str, str], Download] = {}
        self._accepted = asyncio.Event()
        self._unstored = 0
        self._is_held = False
        self._tasks = Tasks(f"worker {worker_name}")

    def accept(self) -> None:
        """Begin with commands: the worker knows that it is logged in."""
        self._accepted.set()

    def keep_alive(self, interval: Callable[[], float | None]) -> None:
        """Ping the worker from time to time; None for never."""
        self._tasks.spawn(self._keep_alive(interval), name="keep alive")

    async def tell_builders(self, directories: Mapping[str, str], may_forget: bool) -> None:
        """Tell the worker which builders it has, with their directories."""
        try:
            await self._wire.set_builders(directories, may_forget=may_forget)
        except CommandRefused as error:
            _log.warning("worker %s cannot take its builders: %s", self._worker_name, error)
        except WorkerLost:
            pass  # It is told when it logs in again.

    async def prepare(self, builddirs: Sequence[str]) -> None:
        """Ensure that these directories (below the worker's base) exist."""
        await self._require_worker()
        await self._wire.prepare(builddirs)

    async def run(self, command: Command, receive: Receive) -> None:
        """Run *command*, pass each update to *receive* in order, return when it is complete."""
        await self._require_worker()
        if command.name == "downloadFile":
            await self._download(command, receive)
            return
        for arguments in _single(command.name, stock_arguments(command.name, command.arguments)):
            running = RunningCommand(
                command.id,
                receive,
                taken=self._count,
                name=command.name,
                hidden=hidden_in(arguments),
                lines=self._line_limit(command, arguments),
            )
            await self._start(command.id, command.name, arguments, command.builddir, running)
            await self._until_ended(command.id, running)
            if running.status != 0:
                return

    def _line_limit(self, command: Command, arguments: Mapping[str, Any]) -> LineLimit | None:
        most = counted_here(command.name, arguments, self.info.commands)
        if most is None:
            return None
        reason = f"it wrote more than {most} lines"
        return LineLimit(most, partial(self._wire.interrupt, command.id, reason))

    async def interrupt(self, command: Command, reason: str) -> None:
        """Ask the worker to kill the command; `run` returns after its end."""
        if self._state is SessionState.CONNECTED:
            self._wire.interrupt(command.id, reason)

    async def close(self) -> None:
        """End the session; the worker's commands end with it."""
        self.lose(f"the connection with worker {self._worker_name} was closed")
        await self._tasks.close()

    async def shut_down(self) -> None:
        """Have the worker's process exit, and end the session."""
        with contextlib.suppress(TimeoutError, WorkerLost, CommandRefused):
            async with time_limit(_FAREWELL_SECONDS):
                await self._wire.shut_down()
        await self.close()

    async def is_alive(self) -> bool:
        """Return whether the worker answers."""
        try:
            await self._wire.ping("master got a duplicate connection")
        except WorkerLost:
            return False
        return True

    def lose(self, reason: str) -> None:
        """End the session, and fail its commands; has no effect if it has ended."""
        if self._state is SessionState.LOST:
            return
        self._state, self.why_lost = SessionState.LOST, reason
        self._accepted.set()
        self._wire.close()
        self._place.changed(self)  # First, so that nobody who learns of it gets this session again.
        for running in [*self._running.values()]:
            running.lose(WorkerLost(reason))

    async def _require_worker(self) -> None:
        if not self._accepted.is_set():
            await self._accepted.wait()
        if self._state is SessionState.LOST:
            raise WorkerLost(self.why_lost)

    async def _start(
        self,
        command_id: CommandId,
        name: str,
        arguments: dict[str, Any],
        builddir: str,
        running: RunningCommand,
    ) -> None:
        if command_id in self._running:
            raise CommandRefused(f"command {command_id} is already running")
        self._running[command_id] = running
        running.on_end(lambda: self._running.pop(command_id, None))
        try:
            await self._wire.start(command_id, name, arguments, builddir, running)
        except BaseException as error:
            running.complete(str(error))
            raise

    async def _until_ended(self, command_id: CommandId, running: RunningCommand) -> None:
        try:
            error = await running.end()
        except asyncio.CancelledError:
            self._wire.interrupt(command_id, "its caller was cancelled")
            await _death(running)
            raise
        if error is not None:
            raise CommandRefused(error)

    async def _download(self, command: Command, receive: Receive) -> None:
        arguments = command.arguments
        key = (command.builddir, str(arguments.get("workdir")), str(arguments.get("workerdest")))
        if arguments.get("abandoned"):
            await self._abandon(key, command)
            receive(Value(key="rc", value=0))
            return
        download = self._downloads.get(key)
        if download is None:
            download = await self._begin_download(key, command)
        try:
            await download.take(arguments)
        except asyncio.CancelledError:
            self._wire.interrupt(download.command_id, "its caller was cancelled")
            raise
        if arguments.get("more") and not download.is_over:
            receive(Value(key="rc", value=0))
            return
        why = ""
        try:
            await self._until_ended(download.command_id, download)
        except CommandRefused as error:
            if not download.has_begun:
                raise
            why = str(error)  # It could not write: its disk is full, perhaps.
        if why := download.why or why:
            receive(Value(key="why", value=why))
        # One that ended before the last piece has failed, whatever it says.
        is_cut = why or arguments.get("more")
        status = download.status if not is_cut else download.status or 1
        receive(Value(key="rc", value=status))

    async def _begin_download(self, key: tuple[str, str, str], command: Command) -> Download:
        interrupt = partial(self._wire.interrupt, command.id, "the master stopped sending")
        download = Download(command.id, taken=self._count, abandon=interrupt)
        self._downloads[key] = download
        download.on_end(lambda: self._downloads.pop(key, None))
        arguments = download_arguments(command.arguments)
        await self._start(command.id, command.name, arguments, command.builddir, download)
        return download

    async def _abandon(self, key: tuple[str, str, str], command: Command) -> None:
        download = self._downloads.get(key)
        if download is not None:
            self._wire.interrupt(download.command_id, "the file was given up")
            await _death(download)

    def _count(self, size: int) -> None:
        """Receive nothing more while too much waits to be stored."""
        self._unstored += size
        if self._is_held != (self._unstored > _MOST_UNSTORED):
            self._is_held = not self._is_held
            self._wire.hold(is_held=self._is_held)

    async def _keep_alive(self, interval: Callable[[], float | None]) -> None:
        while self._state is SessionState.CONNECTED:
            seconds = interval()
            await asyncio.sleep(seconds or 3600)
            if not seconds:
                continue
            try:
                async with time_limit(_ANSWER_SECONDS):
                    await self._wire.ping("keepalive")
            except TimeoutError:
                _log.warning("worker %s is not responding", self._worker_name)
                self.lose(f"worker {self._worker_name} is not responding")
            except WorkerLost:
                return


async def _death(running: RunningCommand) -> None:
    """Wait, for a limited time, until an interrupted command has ended."""
    with contextlib.suppress(TimeoutError, WorkerLost):
        async with time_limit(_DEATH_SECONDS):
            await running.end()


def _single(name: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the arguments of a command for each of its directories: ``mkdir`` takes only one."""
    directories = arguments.get("dir")
    if name != "mkdir" or not isinstance(directories, list | tuple):
        return [arguments]
    return [{**arguments, "dir": directory} for directory in directories]
