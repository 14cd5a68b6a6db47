"""A worker's link within a world: the real protocol at both ends of a wire that tests can cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from chargehand.domain.worker import WorkerInfo
from chargehand.links.ports import Registry
from chargehand.links.session import WireSession
from chargehand.testing.world.worker import WorldWorker
from chargehand_wire.master_side import MasterSide
from chargehand_wire.messages import Hello


class WorldLink:
    """Brings the sessions of one worker to one master."""

    def __init__(self, *, worker: WorldWorker, registry: Registry) -> None:
        self._worker = worker
        self._registry = registry
        self._wire: _Wire | None = None
        self._ending: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def start(self) -> None:
        """Begin to bring them; returns at once."""
        self._worker.link = self
        self.connect()

    async def stop(self) -> None:
        """Bring no more; the one there is has ended when this returns."""
        self._is_stopped = True
        self.cut()
        if self._ending is not None:
            await self._ending

    def connect(self) -> None:
        """Let the worker connect, when it is there and is not connected."""
        if self._wire is None and not self._is_stopped and self._worker.is_there:
            self._wire = _Wire(self._worker, self._registry, self._ended)
            self._wire.open()

    def cut(self) -> None:
        """Break the connection; a worker that is there comes back at once."""
        if self._wire is not None:
            self._wire.cut()

    def drop(self) -> None:
        """Break it for good, and tell the master's side nothing."""
        self._is_stopped = True
        if self._wire is not None:
            self._wire.drop()

    def _ended(self, wire: _Wire) -> None:
        self._wire = None
        self._ending = asyncio.get_running_loop().create_task(self._renew(wire))

    async def _renew(self, wire: _Wire) -> None:
        await wire.detach()
        self.connect()


class _Wire:
    """One connection: bytes go from side to side, each way in order, a turn of the loop later."""

    def __init__(
        self, worker: WorldWorker, registry: Registry, ended: Callable[[_Wire], None]
    ) -> None:
        self._worker = worker
        self._registry = registry
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._master = MasterSide()
        self._session: WireSession | None = None
        self._attaching: asyncio.Task[None] | None = None
        self._is_open = True

    def open(self) -> None:
        """Let both sides begin."""
        self._master.connect()
        self._worker.connect(self._from_worker)

    def cut(self) -> None:
        """Break it: what is under way is lost, and both sides notice."""
        if not self._is_open:
            return
        self._is_open = False
        self._worker.disconnect()
        if self._session is not None:
            self._registry.lost(self._session)
            self._session.end()
        self._ended(self)

    def drop(self) -> None:
        """Break it, and tell the master's side nothing."""
        self._is_open = False
        self._worker.disconnect()

    async def detach(self) -> None:
        """Tell the registry that nothing is left."""
        if self._attaching is not None:
            await self._attaching
        if self._session is not None:
            await self._registry.detach(self._session)

    def _from_worker(self) -> None:
        self._carry(self._worker.side.take(), self._to_master)

    def _carry(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        if data:
            self._loop.call_soon(receive, data)

    def _to_master(self, data: bytes) -> None:
        if not self._is_open:
            return
        for event in self._master.receive(data):
            if isinstance(event, Hello):
                self._greet(event)
            elif self._session is not None:
                self._session.dispatch(event)
        self._carry(self._master.take(), self._to_worker)

    def _to_worker(self, data: bytes) -> None:
        if not self._is_open:
            return
        for event in self._worker.side.receive(data):
            self._worker.handle(event)
        self._from_worker()

    def _greet(self, hello: Hello) -> None:
        self._session = WireSession(
            worker_name=hello.name,
            info=msgspec.convert(hello.info, WorkerInfo),
            side=self._master,
            send=lambda data: self._carry(data, self._to_worker),
            close=self._close,
        )
        self._attaching = self._loop.create_task(self._registry.attach(self._session))

    async def _close(self) -> None:
        self.cut()
