"""New connections: accepted, and kept cheaply until their first request has arrived."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial

from chargehand.config.web_limits import WebLimits
from chargehand.kit.tasks import Tasks
from chargehand.web.admission import Admission
from chargehand.web.clients import Client, EncryptedClient, PlainClient, Seats
from chargehand.web.descriptors import most_pending
from chargehand.web.request_progress import MOST_BYTES, Progress, kind_of_head, progress_of
from chargehand.web.shares import address_key

_log = logging.getLogger(__name__)

_ACCEPTED_AT_ONCE = 128
_SERVED_AT_ONCE = 16
"""Connections handled in one iteration of the event loop: others use it, too."""
_LOOK_SECONDS = 0.25
_REST_SECONDS = 0.2
_TOLD_SECONDS = 60.0
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class PendingConnections:
    """Accepts connections, and passes them on as their requests arrive and there is room."""

    def __init__(self, *, seats: Seats, limits: Callable[[], WebLimits]) -> None:
        self._seats = seats
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._queue: Admission[Client] = Admission()
        self._tasks = Tasks("TLS for visitors")
        self._listening: dict[socket.socket, Callable[[], ssl.SSLContext] | None] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._serving: asyncio.Handle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._closed = 0
        """How many gave way since it was last logged."""
        self._told_at = self._loop.time() - _TOLD_SECONDS

    def __len__(self) -> int:
        return len(self._queue)

    def listen(
        self, listening: socket.socket, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """Accept connections from this socket; *tls* returns what encrypts new ones.

        For a socket that is known, *tls* is replaced.
        """
        is_known = listening in self._listening
        self._listening[listening] = tls
        if not is_known:
            listening.setblocking(False)
            self._loop.add_reader(listening, self._accept, listening)

    def unlisten(self, listening: socket.socket) -> None:
        """Accept no more from this socket, and close it."""
        self._listening.pop(listening, None)
        self._loop.remove_reader(listening)
        listening.close()

    async def close(self) -> None:
        """Close everything."""
        for listening in list(self._listening):
            self.unlisten(listening)
        for pending in self._queue.arrived_before(self._loop.time()):
            self._drop(pending)
        for handle in (self._looking, self._serving, self._resting):
            if handle is not None:
                handle.cancel()
        await self._tasks.close()

    def serve_soon(self) -> None:
        """Pass on what can be passed on: a request has arrived, or there is room."""
        if self._serving is None and self._queue.first(self._loop.time()) is not None:
            self._serving = self._loop.call_soon(self._serve)

    def _accept(self, listening: socket.socket) -> None:
        most = most_pending(self._limits())
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(error)
                return
            connection.setblocking(False)
            self._arrived(self._client(listening, connection, address_key(_host(address))))
            while len(self._queue) > most:
                self._give_way()

    def _client(self, listening: socket.socket, connection: socket.socket, address: str) -> Client:
        tls = self._listening[listening]
        if tls is None:
            return PlainClient(connection, address)
        return EncryptedClient(connection, address, tls(), self._tasks)

    def _arrived(self, pending: Client) -> None:
        self._queue.add(pending, pending.address, Progress.HEAD, self._loop.time())
        self._receive(pending)
        if pending in self._queue and _has_more(pending, self._queue.progress(pending)):
            pending.watch(partial(self._receive, pending))
        if self._looking is None:
            self._looking = self._loop.call_later(self._look_seconds(), self._look)

    def _receive(self, pending: Client) -> None:
        """Read what is there, without waiting."""
        data = pending.read(MOST_BYTES - len(pending.received))
        if data is None:
            return
        if not data:
            self._drop(pending)
            return
        pending.received += data
        progress = progress_of(pending.received)
        self._queue.advance(pending, progress, kind_of_head(pending.received))
        if not _has_more(pending, progress):
            pending.unwatch()
        self.serve_soon()

    def _serve(self) -> None:
        self._serving = None
        for _ in range(_SERVED_AT_ONCE):
            pending = self._queue.first(self._loop.time())
            if pending is None:
                return
            is_whole = self._queue.progress(pending) is Progress.WHOLE
            if not self._seats.make_room(pending.address, is_whole=is_whole):
                return
            self._queue.take(pending)
            pending.unwatch()
            pending.enter(self._seats)
        self.serve_soon()

    def _give_way(self) -> None:
        """Close one; what it sent meanwhile counts first."""
        while (pending := self._queue.to_close()) is not None:
            before = self._queue.progress(pending)
            if _has_more(pending, before):
                self._receive(pending)
            if pending not in self._queue:
                return
            if self._queue.progress(pending) is before:
                self._refuse(pending)
                self._closed += 1
                self._tell(pending)
                return

    def _refuse(self, pending: Client) -> None:
        """Close it: with an answer if it asked, else so that nothing remains of it."""
        is_asking = self._queue.progress(pending) is not Progress.HEAD
        if is_asking:
            self._seats.refused()
        pending.answer(_BUSY if is_asking else b"")
        self._drop(pending)

    def _drop(self, pending: Client) -> None:
        self._queue.remove(pending)
        pending.unwatch()
        pending.close()

    def _look_seconds(self) -> float:
        return min(_LOOK_SECONDS, self._limits().head_seconds)

    def _look(self) -> None:
        """Refuse those whose time is over; serve those for whom there is room by now."""
        limits = self._limits()
        for pending in self._queue.arrived_before(self._loop.time() - limits.head_seconds):
            self._refuse(pending)
        self.serve_soon()
        self._looking = None
        if self._queue:
            self._looking = self._loop.call_later(self._look_seconds(), self._look)

    def _tell(self, pending: Client) -> None:
        now = self._loop.time()
        if now - self._told_at >= _TOLD_SECONDS:
            self._told_at = now
            _log.warning(
                "too many clients connect and send no request, most from %s; closed %d of their "
                "connections since the last such line. "
                "c['www']['limits']['pending_connections'] sets the limit",
                pending.address or "this machine",
                self._closed,
            )
            self._closed = 0

    def _rest(self, error: OSError) -> None:
        """Nothing can be accepted for lack of descriptors or memory: wait a moment."""
        if self._resting is None:
            _log.error("cannot accept connections: %s; retrying", error.strerror)
            self._resting = self._loop.call_later(_REST_SECONDS, self._resume)
        for listening in self._listening:
            self._loop.remove_reader(listening)
        if self._queue:
            self._give_way()

    def _resume(self) -> None:
        self._resting = None
        for listening in self._listening:
            self._loop.add_reader(listening, self._accept, listening)


_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def _has_more(pending: Client, progress: Progress) -> bool:
    return progress is not Progress.WHOLE and len(pending.received) < MOST_BYTES


def _host(address: object) -> str:
    return str(address[0]) if isinstance(address, tuple) and address else ""
