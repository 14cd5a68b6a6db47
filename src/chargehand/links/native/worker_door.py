"""Takes workers that connect to a web server of the master: ``/worker/v1``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeGuard

import msgspec
from aiohttp import WSMsgType, web

from chargehand.domain.session import SessionState, WorkerLost
from chargehand.fleet.refusals import LoginRefused
from chargehand.fleet.remote import Admitted, RemoteWorkers, same_as
from chargehand.kit.counted import counted
from chargehand.kit.tasks import Tasks
from chargehand.links.native.channel import Channel
from chargehand.links.native.farewell import CONFIGURED, STOPPING, refusal
from chargehand.links.native.keepalive import LONGEST_INTERVAL, Keepalive
from chargehand.links.native.kept_commands import KeptCommands, KeptLogs
from chargehand.links.native.readable_info import readable_info
from chargehand.links.native.session import NativeSession
from chargehand.links.native.socket_transport import SocketTransport
from chargehand.links.native.unmasked_socket import UnmaskedSocket, is_offered
from chargehand.links.turned_away import TurnedAway
from chargehand_wire.login import credentials, offered_versions, subprotocol, wrong_version
from chargehand_wire.master_address import PATH
from chargehand_wire.messages import PROTOCOL_VERSION, Hello

_log = logging.getLogger(__name__)

_LARGEST_MESSAGE = 4 * 1024 * 1024
_PATIENCE = 600.0
_LONGEST_PATIENCE = 7 * 24 * 3600.0
_CLOSE_SECONDS = 2.0
_ELSEWHERE = (
    f"it speaks HTTP, but does not ask for {PATH}; stock workers connect to a separate port, in "
    "c['protocols']"
)


class _Login(msgspec.Struct, frozen=True, kw_only=True):
    """A connection whose worker has said the right password."""

    name: str
    address: str
    admitted: Admitted
    transport: SocketTransport | UnmaskedSocket


class WorkerDoor:
    """Lets workers in by name and password, and gives each connection to its worker's session."""

    def __init__(
        self,
        *,
        workers: RemoteWorkers,
        kept_logs: Callable[[str], KeptLogs],
        logged_in: Callable[[web.BaseRequest], None] = lambda _: None,
        misdirected: Callable[[web.BaseRequest], web.StreamResponse | None] = lambda _: None,
    ) -> None:
        """*kept_logs* returns what stores the output that a worker of that name has kept.

        *logged_in* is called with a request whose connection is a worker's from now on;
        *misdirected* answers workers with another protocol.
        """
        self._misdirected = misdirected
        self._workers = workers
        self._logged_in = logged_in
        self._kept_logs = kept_logs
        self._arriving: dict[str, NativeSession] = {}
        """Sessions that are being attached, by the names of their workers."""
        self._tasks = Tasks("worker connections")
        self._sockets: set[SocketTransport | UnmaskedSocket] = set()
        self._farewell = CONFIGURED

    def stopping(self) -> None:
        """Let workers whose connections are closed from now on hear that the master stops."""
        self._farewell = STOPPING
        for transport in self._sockets:
            transport.farewell = STOPPING

    async def close(self) -> None:
        """Close all connections that are left."""
        self.stopping()
        for transport in self._sockets:
            transport.close()
        await self._tasks.close()

    async def serve(self, request: web.BaseRequest, _visitor: object) -> web.StreamResponse:
        """Answer a worker's request to connect, and serve the connection to its end."""
        if (elsewhere := self._misdirected(request)) is not None:
            return elsewhere
        socket = web.WebSocketResponse(
            compress=False,
            max_msg_size=_LARGEST_MESSAGE,
            timeout=_CLOSE_SECONDS,
            protocols=[subprotocol()],
        )
        is_unmasked = is_offered(request)
        # aiohttp would write into the log that it does not know the version that is asked for.
        is_other = "Sec-WebSocket-Protocol" in request.headers and not _speaks_ours(request)
        can_open = is_unmasked or is_other or bool(socket.can_prepare(request))
        if (answer := _refusal(request, can_open=can_open)) is not None:
            return answer
        login = credentials(request.headers.get("Authorization", ""))
        if login is None:
            told = "a worker logs in with its name and password"
            return _turned_away(401, told, "it speaks HTTP, without a worker's name and password")
        name, password = login
        address = _address(request)
        try:
            admitted = await self._admitted(request, name, password, address)
        except LoginRefused as refused:
            return web.Response(status=403, text=f"{refused.told}\n")
        self._logged_in(request)
        if is_unmasked:
            unmasked = UnmaskedSocket(request, peer=_peer(name, address))
            arrived = _Login(name=name, address=address, admitted=admitted, transport=unmasked)
            with self._serving(arrived) as channel:
                return await unmasked.serve(channel)
        await socket.prepare(request)
        transport = SocketTransport(socket, partial(_abort, request))
        arrived = _Login(name=name, address=address, admitted=admitted, transport=transport)
        with self._serving(arrived) as channel:
            await self._serve(socket, channel, transport, arrived)
        return socket

    async def _admitted(
        self, request: web.BaseRequest, name: str, password: str, address: str
    ) -> Admitted:
        """Check name, password, and version. Raises LoginRefused."""
        admitted = await self._workers.admit(
            name,
            is_right=same_as(password),
            address=address,
        )
        offered = offered_versions(request.headers.get("Sec-WebSocket-Protocol", ""))
        if PROTOCOL_VERSION not in offered:
            reason = wrong_version(name, offered)
            self._workers.refused(name, reason, address=address)
            raise LoginRefused(reason)
        return admitted

    @contextlib.contextmanager
    def _serving(self, login: _Login) -> Iterator[Channel]:
        """Return the channel of a connection that exists as long as this lasts."""
        channel = Channel(partial(self._arrived, login), peer=_peer(login.name, login.address))
        login.transport.farewell = self._farewell
        self._sockets.add(login.transport)
        channel.connection_made(login.transport)
        try:
            yield channel
        finally:
            self._sockets.discard(login.transport)
            channel.connection_lost(None)

    async def _serve(
        self,
        socket: web.WebSocketResponse,
        channel: Channel,
        transport: SocketTransport,
        login: _Login,
    ) -> None:
        sender = self._tasks.spawn(transport.send(), name=f"send to worker {login.name}")
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    if message.type is WSMsgType.ERROR:
                        peer = _peer(login.name, login.address)
                        _log.error("closing the connection with %s: %s", peer, message.data)
                    break
                channel.data_received(message.data)
        finally:
            sender.cancel()

    def _arrived(self, login: _Login, hello: Hello) -> NativeSession | None:
        """Return the session of a connection: the worker's own, or a new one."""
        link = login.admitted.link
        for known in (link.session, self._arriving.get(login.name)):
            if _is_of(known, hello):
                known.address = login.address
                return known
        session = NativeSession(
            worker_name=login.name,
            incarnation=hello.incarnation,
            info=readable_info(hello),
            patience=_patience(hello),
            changed=lambda: self._changed(login, session),
            stop_requested=link.stop_requested,
            address=login.address,
            is_remote=True,
        )
        kept = KeptCommands(session, hello.commands, self._kept_logs(login.name))
        self._arriving[login.name] = session
        self._tasks.spawn(self._arrive(login, session, kept), name=f"attach worker {login.name}")
        return session

    async def _arrive(self, login: _Login, session: NativeSession, kept: KeptCommands) -> None:
        try:
            await _drain(session, kept)
            await self._attach(login, session)
        finally:
            if self._arriving.get(login.name) is session:
                del self._arriving[login.name]

    async def _attach(self, login: _Login, session: NativeSession) -> None:
        link = login.admitted.link
        try:
            await link.attach(session, tell_builders=session.tell_builders)
        except LoginRefused as refused:
            self._workers.refused(login.name, refused.reason, address=login.address)
            login.transport.farewell = refusal(refused.told)
            await session.close()
            return
        _tell_connected(session)
        Keepalive(session, seconds=_keepalive(login.admitted))
        if session.state is not SessionState.CONNECTED:  # Meanwhile it was interrupted, or lost.
            link.changed(session)

    def _changed(self, login: _Login, session: NativeSession) -> None:
        if session.state is SessionState.CONNECTED and login.admitted.link.session is session:
            _tell_connected(session)
        if session.state is SessionState.INTERRUPTED:
            _log.warning(
                "worker %s lost its connection; its commands keep running", session.worker_name
            )
        if session.state is SessionState.LOST and login.admitted.link.session is session:
            _log.info("%s", session.why_lost)
        login.admitted.link.changed(session)


def _tell_connected(session: NativeSession) -> None:
    _log.info("worker %s is connected from %s", session.worker_name, session.address)


def _is_of(session: object, hello: Hello) -> TypeGuard[NativeSession]:
    """Return whether a session is that of the worker that says hello."""
    return (
        isinstance(session, NativeSession)
        and session.incarnation == hello.incarnation
        and session.state is not SessionState.LOST
    )


async def _drain(session: NativeSession, kept: KeptCommands) -> None:
    """Let the worker end what an earlier master has started, before it gets anything new."""
    if kept.count:
        _log.info(
            "worker %s has run %s of an earlier master; storing its output",
            session.worker_name,
            counted(kept.count, "command"),
        )
        try:
            await kept.drain()
        except (TimeoutError, WorkerLost) as error:
            _log.warning(
                "cannot store all output that worker %s has kept: %s",
                session.worker_name,
                str(error) or "nothing more came of it",
            )


def _speaks_ours(request: web.BaseRequest) -> bool:
    offered = offered_versions(request.headers.get("Sec-WebSocket-Protocol", ""))
    return PROTOCOL_VERSION in offered


def _refusal(request: web.BaseRequest, *, can_open: bool) -> TurnedAway | None:
    """Return the answer to what is no worker."""
    if request.raw_path.partition("?")[0] != PATH:
        return _turned_away(404, f"workers connect to {PATH}", _ELSEWHERE)
    if "Origin" in request.headers:
        told = "this is for workers, and not for browsers"
        return _turned_away(403, told, "it is a page in a browser")
    if not can_open:
        told = f"workers connect here, with a websocket ({subprotocol()})"
        return _turned_away(426, told, "it speaks HTTP, and wants no websocket")
    return None


def _turned_away(status: int, told: str, reason: str) -> TurnedAway:
    return TurnedAway(status, f"{told}\n", reason=reason)


def _peer(name: str, address: str) -> str:
    return f"worker {name} ({address})"


def _address(request: web.BaseRequest) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(peer, tuple):
        return request.remote or "unknown"
    host, port = peer[0], peer[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _abort(request: web.BaseRequest) -> None:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()


def _keepalive(admitted: Admitted) -> float:
    asked = admitted.config.settings.get("keepalive_interval")
    if isinstance(asked, int | float) and 0 < asked < LONGEST_INTERVAL:
        return float(asked)
    return LONGEST_INTERVAL


def _patience(hello: Hello) -> float:
    told = hello.info.get("patience")
    if isinstance(told, int | float) and not math.isnan(told):
        return min(max(float(told), 0.0), _LONGEST_PATIENCE)
    return _PATIENCE
