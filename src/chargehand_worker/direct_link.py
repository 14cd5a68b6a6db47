"""A link in the agent's own process, where a process cannot hand streams to another (Windows)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker.master_link import ALONE, MasterLink
from chargehand_worker.remote_link import RemoteLink
from chargehand_worker.settings import WorkerSettings

_LOOK_SECONDS = 1.0


class DirectLink(MasterLink):
    """Talks to the master itself; unlike a link process, it cannot be replaced while it runs."""

    def __init__(
        self,
        *,
        settings: WorkerSettings,
        side: WorkerSide,
        handle: Callable[[WorkerEvent], None],
    ) -> None:
        super().__init__(side=side, handle=handle, patience=settings.patience)
        self._link = RemoteLink(settings, self._stream)

    async def say_goodbye(self) -> None:
        """Tell the master that the worker is being stopped."""
        self._link.leave()
        await super().say_goodbye()

    async def keep(self) -> int:
        """Connect, and connect again; return the exit code when the agent is to end."""
        keeping: asyncio.Future[Any] = self._loop.create_task(self._link.keep())
        while not keeping.done():
            await asyncio.wait([keeping], timeout=_LOOK_SECONDS)
            if self.is_alone_for_too_long():
                keeping.cancel()
                return ALONE
        return int(keeping.result())

    async def _stream(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.serve(ours)
        theirs.setblocking(False)
        return theirs
