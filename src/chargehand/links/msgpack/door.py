"""Lets stock workers in that speak MessagePack over a websocket."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiohttp import WSMsgType, web

from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.fleet.refusals import LoginRefused
from chargehand.fleet.remote import Admitted, RemoteWorkers, same_as
from chargehand.kit.limits import time_limit
from chargehand.kit.peers import Acknowledging, notice_death, peer_name
from chargehand.kit.tasks import Tasks
from chargehand.links.http_port import HttpPort
from chargehand.links.msgpack.wire import MsgpackWire
from chargehand.links.stock.session import StockSession
from chargehand.links.turned_away import TurnedAway
from chargehand_wire.framing import ProtocolError
from chargehand_wire.http_login import basic_pair, is_native

_log = logging.getLogger(__name__)

_LARGEST_MESSAGE = 32 * 1024 * 1024
_INTRODUCTION_SECONDS = 300.0
_CLOSE_SECONDS = 2.0
_WHO_CONNECTS_HERE = (  # One line: workers show no longer answers.
    "this port is for stock workers that were created with --protocol=msgpack_experimental_v7; "
    "others connect to the port of c['protocols']['pb'], chargehand-worker to the port of c['www']"
)


class MsgpackDoor(HttpPort):
    """Answers websocket requests with a worker's name and password."""

    def __init__(self, *, workers: RemoteWorkers) -> None:
        super().__init__("the port of workers over msgpack_experimental_v7")
        self._workers = workers

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Let the worker in, and serve its connection to its end."""
        if is_native(request.headers.get("Sec-WebSocket-Protocol", "")):
            return _turned_away(
                426, "it is a native worker, which connects to the port of c['www']"
            )
        login = basic_pair(request.headers.get("Authorization", ""))
        if login is None:
            return _turned_away(401, "it speaks HTTP, without a worker's name and password")
        assert request.transport is not None
        _, address = peer_name(request.transport)
        notice_death(request.transport)
        name, password = login
        try:
            admitted = await self._workers.admit(
                name,
                is_right=same_as(password),
                address=address,
            )
        except LoginRefused as refusal:
            return web.Response(status=401, text=f"{refusal.told}\n")
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=_LARGEST_MESSAGE, timeout=_CLOSE_SECONDS
        )
        if not socket.can_prepare(request):
            return _turned_away(426, "it speaks HTTP, and wants no websocket")
        await socket.prepare(request)
        connection = _SocketOfWorker(socket, request)
        await connection.serve(self._workers, admitted, address)
        return socket


def _turned_away(status: int, reason: str) -> TurnedAway:
    return TurnedAway(status, _WHO_CONNECTS_HERE, reason=reason)


class _SocketOfWorker:
    """One connection: sends what the session says, and takes what comes."""

    def __init__(self, socket: web.WebSocketResponse, request: web.BaseRequest) -> None:
        self._socket = socket
        self._transport = request.transport
        self._acknowledging = Acknowledging(request.transport)
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._may_receive = asyncio.Event()
        self._may_receive.set()
        self._wire = MsgpackWire(send=self._outgoing.put_nowait, close=self._close, hold=self.hold)
        self._session: StockSession | None = None
        self._tasks = Tasks("connection of a worker")

    async def serve(self, workers: RemoteWorkers, admitted: Admitted, address: str) -> None:
        """Serve the connection to its end."""
        name = admitted.config.name
        self._tasks.spawn(self._send(), name=f"send to worker {name}")
        self._tasks.spawn(self._introduce(workers, admitted, address), name=f"login of {name}")
        try:
            async for message in self._socket:
                self._acknowledging.now()
                if message.type is WSMsgType.BINARY:
                    self._wire.received(message.data)
                elif message.type is WSMsgType.ERROR:
                    raise ProtocolError(str(message.data))
                await self._may_receive.wait()
        except ProtocolError as error:
            _log.error("closing the connection with worker %s (%s): %s", name, address, error)
        finally:
            self._wire.lost()
            if self._session is not None:
                self._session.lose(f"the connection with worker {name} ({address}) was lost")
            self._abort()
            await self._tasks.close()

    async def _introduce(self, workers: RemoteWorkers, admitted: Admitted, address: str) -> None:
        link, name = admitted.link, admitted.config.name
        try:
            async with time_limit(_INTRODUCTION_SECONDS):
                info = await self._wire.introduce(admitted.directories)
                session = self._session = StockSession(
                    worker_name=name, info=info, address=address, wire=self._wire, place=link
                )
                await link.attach(session, tell_builders=session.tell_builders)
        except LoginRefused as refusal:
            self._session = None
            workers.refused(name, refusal.reason, address=address)
            self._close()
            return
        except (CommandRefused, WorkerLost, TimeoutError) as error:
            reason = str(error) or f"it did not answer within {_INTRODUCTION_SECONDS:g} s"
            workers.refused(name, reason, address=address)
            self._close()
            return
        session.accept()
        session.keep_alive(partial(workers.keepalive_interval, name))

    async def _send(self) -> None:
        while (message := await self._outgoing.get()) is not None:
            try:
                await self._socket.send_bytes(message)
            except (ConnectionError, RuntimeError):  # It is being closed.
                break
        await self._socket.close()
        self._abort()

    def _close(self) -> None:
        self._may_receive.set()
        self._outgoing.put_nowait(None)

    def hold(self, *, is_held: bool) -> None:
        """Receive no more for the moment, or go on."""
        if is_held:
            self._may_receive.clear()
        else:
            self._may_receive.set()

    def _abort(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()
