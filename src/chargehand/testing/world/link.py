"""A worker's link within a world: the real protocol at both ends of a wire that tests can cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chargehand.domain.session import SessionState
from chargehand.fleet.ports import Registry
from chargehand.links.native.channel import Channel
from chargehand.links.native.readable_info import readable_info
from chargehand.links.native.session import NativeSession
from chargehand.testing.world.worker import WorldWorker
from chargehand_wire.messages import Hello

_PATIENCE = 600.0


class WorldLink:
    """Brings the sessions of one worker to one master."""

    def __init__(self, *, worker: WorldWorker, registry: Registry) -> None:
        self._worker = worker
        self._registry = registry
        self._wire: _Wire | None = None
        self._session: NativeSession | None = None
        self._turn = asyncio.Lock()
        """Held while the registry learns of a session."""
        self._telling: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def start(self) -> None:
        """Begin to bring them; returns at once."""
        self._worker.link = self
        self.connect()

    async def stop(self) -> None:
        """Bring no more; the one there is has ended when this returns."""
        self._is_stopped = True
        self.lose()
        await asyncio.gather(*self._telling)

    def connect(self) -> None:
        """Let the worker connect, when it is there and is not connected."""
        if self._wire is None and not self._is_stopped and self._worker.is_there:
            self._wire = _Wire(self._worker, Channel(self._arrived), self._ended)
            self._wire.open()

    def cut(self) -> None:
        """Break the connection; a worker that is there comes back at once."""
        if self._wire is not None:
            self._wire.abort()

    def lose(self) -> None:
        """Take the worker for gone."""
        if self._session is not None:
            self._session.lose(f"the connection to worker {self._worker.name} was lost")
        self.cut()

    def refuse_login(self, reason: str) -> None:
        """Let the master's side know that a login with the worker's name was refused."""
        self._registry.login_refused(self._worker.name, reason)

    def drop(self) -> None:
        """Break it for good, and tell the master's side nothing."""
        self._is_stopped = True
        if self._wire is not None:
            self._wire.drop()

    def _arrived(self, hello: Hello) -> NativeSession:
        session = self._session
        if session is not None and session.state is not SessionState.LOST:
            if session.incarnation == hello.incarnation:
                return session
            session.lose(f"worker {self._worker.name} was started again")
        new = self._session = NativeSession(
            worker_name=hello.name,
            incarnation=hello.incarnation,
            info=readable_info(hello),
            patience=_PATIENCE,
            changed=lambda: self._changed(new),
        )
        self._tell(self._registry.attach, new)
        return new

    def _changed(self, session: NativeSession) -> None:
        self._registry.changed(session)
        if session.state is SessionState.LOST:
            self._tell(lambda lost: self._registry.detach(lost, lost.why_lost), session)

    def _tell(
        self, tell: Callable[[NativeSession], Awaitable[None]], session: NativeSession
    ) -> None:
        async def in_turn() -> None:
            async with self._turn:
                await tell(session)

        task = asyncio.get_running_loop().create_task(in_turn())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _ended(self) -> None:
        self._wire = None
        asyncio.get_running_loop().call_soon(self.connect)


class _Wire(asyncio.Transport):
    """One connection: bytes go from side to side, each way in order, a turn of the loop later.

    It is the transport of the master's channel.
    """

    def __init__(self, worker: WorldWorker, channel: Channel, ended: Callable[[], None]) -> None:
        super().__init__()
        self._worker = worker
        self._channel = channel
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._is_open = True

    def open(self) -> None:
        """Let both sides begin."""
        self._channel.connection_made(self)
        self._worker.connect(self._from_worker)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Carry what the master says."""
        self._loop.call_soon(self._to_worker, bytes(data))

    def close(self) -> None:
        """Break it when what was said has arrived."""
        self._loop.call_soon(self.abort)

    def abort(self) -> None:
        """Break it: what is under way is lost, and both sides notice."""
        if self._is_open:
            self.drop()
            self._channel.connection_lost(None)
            self._ended()

    def drop(self) -> None:
        """Break it, and tell the master's side nothing."""
        self._is_open = False
        self._worker.disconnect()

    def _from_worker(self) -> None:
        if data := self._worker.side.take():
            self._loop.call_soon(self._to_master, data)

    def _to_master(self, data: bytes) -> None:
        if self._is_open:
            self._channel.data_received(data)

    def _to_worker(self, data: bytes) -> None:
        if self._is_open:
            for event in self._worker.side.receive(data):
                self._worker.handle(event)
            self._from_worker()
