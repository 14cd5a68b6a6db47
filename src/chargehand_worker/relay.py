"""The agent's side of its link process: starts it, replaces it, and talks through its streams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from chargehand_wire.framing import ProtocolError
from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker import kernel
from chargehand_worker.link import MasterConnection
from chargehand_worker.processes import Processes
from chargehand_worker.remote_link import CONNECTED, GAVE_UP, HEARTBEAT_SECONDS

_log = logging.getLogger(__name__)

ALONE = 75
"""The exit code of an agent that has been without a master for too long, with commands."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_HEALTHY_AFTER = 60.0
_SILENCES = 2.5
_SHORTEST_SILENCE = 3 * HEARTBEAT_SECONDS
_LONGEST_SILENCE = 10 * HEARTBEAT_SECONDS
"""Seconds after which a link that says nothing is killed."""
_LOOK_SECONDS = 1.0
_GOODBYE_SECONDS = 2.0


class RelayedLink:
    """Talks to the master through a link process, which is replaced whenever it ends or hangs.

    *patience* is for how many seconds commands go on without a master.
    """

    def __init__(
        self,
        *,
        directory: Path,
        side: WorkerSide,
        handle: Callable[[WorkerEvent], None],
        patience: float,
        keepalive: float,
        processes: Processes,
    ) -> None:
        self._silent_at_most = min(max(_SILENCES * keepalive, _SHORTEST_SILENCE), _LONGEST_SILENCE)
        self._directory = directory
        self._side = side
        self._handle = handle
        self._patience = patience
        self._processes = processes
        self._loop = asyncio.get_running_loop()
        self._connection: Optional[MasterConnection] = None
        self._alone_since = self._loop.time()
        self._heard_at = 0.0
        self._is_flush_due = False

    async def keep(self) -> int:
        """Keep a link; return the exit code when the agent is to end."""
        pause = _FIRST_PAUSE
        while True:
            began = self._loop.time()
            code = await self._run_once()
            if code in (GAVE_UP, ALONE):
                return code
            pause = (
                _FIRST_PAUSE if self._loop.time() - began > 60 else min(2 * pause, _LONGEST_PAUSE)
            )
            _log.warning("the link ended (%s); starting another", _described(code))
            await asyncio.sleep(pause)

    def send_soon(self) -> None:
        """Send what the protocol has to say, once for all that is said in this turn of the loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    async def say_goodbye(self) -> None:
        """Tell the master that the worker is being stopped, and wait until it knows."""
        connection = self._connection
        if connection is not None and self._side.leave():
            connection.flush()
            await asyncio.wait([connection.closed], timeout=_GOODBYE_SECONDS)

    def _flush(self) -> None:
        self._is_flush_due = False
        if self._connection is not None:
            self._connection.flush()

    async def _run_once(self) -> int:
        """Start a link, serve it, and return its exit code."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process_id = self._start(theirs)
            self._heard_at = self._loop.time()
            self._loop.add_reader(ours, self._receive, ours)
            ended = self._processes.ending(process_id)
            while not ended.done():
                await asyncio.wait([ended], timeout=_LOOK_SECONDS)
                if self._is_alone_for_too_long():
                    _log.error(
                        "no connection to the master for %.0f s (patience is %g s): "
                        "ending the commands under way",
                        self._loop.time() - self._alone_since,
                        self._patience,
                    )
                    return ALONE
                if self._loop.time() - self._heard_at > self._silent_at_most:
                    _log.warning("the link does not respond; killing it")
                    kernel.kill(process_id, signal.SIGKILL)
                    self._heard_at = self._loop.time()
            return ended.result()
        finally:
            self._loop.remove_reader(ours)
            ours.close()
            if self._connection is not None:
                self._connection.abort()

    def _start(self, control: socket.socket) -> int:
        number = control.fileno()
        command = [*_python(), "link", "--control", str(number), str(self._directory)]
        return self._processes.start_helper(command, descriptors=(number,))

    def _receive(self, control: socket.socket) -> None:
        try:
            data = control.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(control)
            return
        self._heard_at = self._loop.time()
        if CONNECTED in data:
            self._open_stream(control)

    def _open_stream(self, control: socket.socket) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(control, [CONNECTED], [theirs.fileno()])
            except OSError:
                ours.close()
                return
        ours.setblocking(False)
        former, self._connection = self._connection, MasterConnection(self._side, self._handle)
        if former is not None:
            former.retire()
        connection = self._connection
        connection.closed.add_done_callback(lambda closed: self._closed(connection, closed))
        self._opening = self._loop.create_task(self._attach(connection, ours))

    async def _attach(self, connection: MasterConnection, stream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            await self._loop.create_connection(lambda: connection, sock=stream)

    def _closed(self, connection: MasterConnection, closed: asyncio.Future[None]) -> None:
        if isinstance(closed.exception(), ProtocolError):
            _log.error("%s", closed.exception())
        if connection is self._connection:
            self._connection = None
            self._alone_since = self._loop.time()

    def _is_alone_for_too_long(self) -> bool:
        if self._connection is not None or self._side.is_idle:
            return False
        return self._loop.time() - self._alone_since > self._patience


def _python() -> list[str]:
    """Return how this program is run: of these files, and of no others that lie around."""
    program = str(Path(__file__).with_name("__main__.py"))
    safely = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safely, program]


def _described(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
