"""The agent's side of its link process: starts it, replaces it, and talks through its streams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker import kernel
from chargehand_worker.master_link import ALONE, MasterLink
from chargehand_worker.processes import Processes
from chargehand_worker.program import program
from chargehand_worker.remote_link import CONNECTED, GAVE_UP, HEARTBEAT_SECONDS, LEAVING
from chargehand_worker.silence import Silence

_log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_HEALTHY_AFTER = 60.0
_SILENCES = 2.5
_SHORTEST_SILENCE = 3 * HEARTBEAT_SECONDS
_LONGEST_SILENCE = 10 * HEARTBEAT_SECONDS
"""Seconds after which a link that says nothing is killed."""
_LOOK_SECONDS = 1.0
_BUFFERED = 1024 * 1024
"""Bytes that a stream may hold, where the system allows it: fewer turns between both processes."""


class RelayedLink(MasterLink):
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
        super().__init__(side=side, handle=handle, patience=patience)
        self._silent_at_most = min(max(_SILENCES * keepalive, _SHORTEST_SILENCE), _LONGEST_SILENCE)
        self._directory = directory
        self._processes = processes
        self._silence = Silence(self._loop)
        self._control: Optional[socket.socket] = None

    async def say_goodbye(self) -> None:
        """Tell the link and the master that the worker is being stopped."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(LEAVING)
        await super().say_goodbye()

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

    async def _run_once(self) -> int:
        """Start a link, serve it, and return its exit code."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process_id = self._start(theirs)
            self._silence.end()
            self._control = ours
            self._loop.add_reader(ours, self._receive, ours)
            ended = self._processes.ending(process_id)
            while not ended.done():
                self._silence.look_in(_LOOK_SECONDS)
                await asyncio.wait([ended], timeout=_LOOK_SECONDS)
                if self.is_alone_for_too_long():
                    return ALONE
                if self._silence.seconds() > self._silent_at_most:
                    _log.warning("the link does not respond; killing it")
                    kernel.kill(process_id, signal.SIGKILL)
                    self._silence.end()
            return ended.result()
        finally:
            self._control = None
            self._loop.remove_reader(ours)
            ours.close()
            self.abort()

    def _start(self, control: socket.socket) -> int:
        number = control.fileno()
        command = [*program(), "link", "--control", str(number), str(self._directory)]
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
        self._silence.end()
        if CONNECTED in data:
            self._open_stream(control)

    def _open_stream(self, control: socket.socket) -> None:
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFERED)
        with theirs:
            try:
                socket.send_fds(control, [CONNECTED], [theirs.fileno()])
            except OSError:
                ours.close()
                return
        self.serve(ours)


def _described(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
