"""A connection that speaks Perspective Broker: calls with answers, and objects that are called."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial

from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.kit.peers import Acknowledging, notice_death, peer_name
from chargehand.kit.strangers import Strangers
from chargehand.links.foreign import foreign_protocol
from chargehand_wire.framing import ProtocolError
from chargehand_wire.pb.connection import Connection
from chargehand_wire.pb.events import Answered, Called, Event, Failed, Failure, Released
from chargehand_wire.pb.jelly import Own, Reference
from chargehand_wire.pb.login import Credentials, Login
from chargehand_wire.pb.wrong_port import WRONG_PORT
from chargehand_wire.values import Unsendable

_log = logging.getLogger(__name__)

_PATIENCE = 0.005
"""Seconds that an answer that nobody waits for may wait for something to go with."""
_ERROR = "twisted.spread.pb.Error"
_CHALLENGE_SIZE = 16

Handler = Callable[[Called], None]
"""Answers calls of one object, now or later."""


class CallFailed(CommandRefused):
    """The other side raised an exception."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class PbChannel(asyncio.Protocol):
    """One connection. *arrived* is called once with the credentials of the peer; *lost* at its end.

    *strangers* closes it if the peer does not log in.
    """

    def __init__(
        self,
        *,
        strangers: Strangers,
        asked: Callable[[PbChannel, str], bool],
        arrived: Callable[[PbChannel, Credentials], None],
    ) -> None:
        self._strangers = strangers
        self._asked = asked
        self._arrived = arrived
        self._connection = Connection()
        self.login = Login(self._connection, challenge=os.urandom(_CHALLENGE_SIZE))
        self._transport: asyncio.Transport | None = None
        self._acknowledging = Acknowledging(None)
        self._calls: dict[int, asyncio.Future[object]] = {}
        self._orders: dict[int, Callable[[CallFailed], None]] = {}
        self._objects: dict[int, Handler] = {}
        self._is_flush_due = False
        self._late_flush: asyncio.TimerHandle | None = None
        self._is_receiving = False
        self._is_urgent = False
        self._has_logged_in = False
        self._is_given_away = False
        self.lost: Callable[[], None] | None = None
        """Called when the connection is closed."""
        self.address = ""
        """Where the peer connects from, for people."""
        self.host = ""
        """The same without the port."""
        self.is_silent = True
        """Whether it has sent nothing."""
        self.beginning = b""
        """What it has sent before its login."""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Offer the dialects, and wait, for a limited time, for the login."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.host, self.address = peer_name(transport)
        notice_death(transport)
        self._acknowledging = Acknowledging(transport)
        self._strangers.arrive(self)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the peer."""
        self.is_silent = False
        if not self._has_logged_in:
            self.beginning += data
            if (found := foreign_protocol(self.beginning)) is not None:
                self._turn_away(found)
                return
        self._is_receiving = True
        self._is_urgent = not self._has_logged_in
        try:
            for event in self._connection.receive(data):
                if self._is_given_away:
                    return
                self._handle(event)
        except ProtocolError as error:
            self._complain(error)
        finally:
            self._is_receiving = False
        if self._is_urgent:
            self._flush()
        else:
            self._flush_later()
        # What was sent carries a receipt, too; but the system would wait with the next one until
        # this wakes for half a message.
        self._acknowledging.now()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail all calls, and tell those who want to know."""
        self._transport = None
        self._strangers.leave(self)
        calls, self._calls = self._calls, {}
        for future in calls.values():
            if not future.done():
                future.set_exception(WorkerLost("the connection was lost"))
                future.exception()
        self._objects.clear()
        self._orders.clear()
        if self.lost is not None:
            self.lost()

    # Calls, and objects

    def call(
        self,
        target: Reference,
        method: str,
        *arguments: object,
        keywords: Mapping[str, object] | None = None,
    ) -> asyncio.Future[object]:
        """Call an object of the peer; return a future of its answer.

        It raises CallFailed, or WorkerLost. Raises CommandRefused if the call cannot be sent.
        """
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self._transport is None:
            future.set_exception(WorkerLost("the connection was lost"))
            future.exception()
            return future
        self._calls[self._call(target, method, arguments, keywords)] = future
        return future

    def order(
        self,
        target: Reference,
        method: str,
        *arguments: object,
        refused: Callable[[CallFailed], None],
    ) -> None:
        """Call an object of the peer without waiting for the answer; *refused* is called if that
        is an error. Raises CommandRefused if the call cannot be sent.
        """
        if self._transport is None:
            return
        self._orders[self._call(target, method, arguments)] = refused

    def _call(
        self,
        target: Reference,
        method: str,
        arguments: tuple[object, ...],
        keywords: Mapping[str, object] | None = None,
    ) -> int:
        try:
            number = self._connection.call(target, method, *arguments, keywords=keywords)
        except Unsendable as error:
            raise CommandRefused(str(error)) from error
        self._flush()
        return number

    def answer(self, called: Called, value: object) -> None:
        """Answer a call of the peer."""
        if called.needs_answer and self._transport is not None:
            self._connection.answer(called.number, value)
            self._flush_soon()

    def acknowledge(self, called: Called, value: object) -> None:
        """Answer a call of the peer, which does not wait for that: what is sent next takes the
        answer along."""
        if called.needs_answer and self._transport is not None:
            self._connection.answer(called.number, value)
            if not self._is_receiving:
                self._flush_later()

    def refuse(self, called: Called, reason: str) -> None:
        """Answer a call of the peer with an error."""
        if called.needs_answer and self._transport is not None:
            self._connection.fail(called.number, _ERROR, reason)
            self._flush_soon()

    def own(self, handler: Handler) -> Own:
        """Return a new object of ours that the peer can call."""
        own = self._connection.own()
        self._objects[own.number] = handler
        return own

    def disown(self, own: Own) -> None:
        """Answer no more calls of an object."""
        self._objects.pop(own.number, None)

    def release(self, reference: Reference) -> None:
        """Let the peer forget an object of its own."""
        self._connection.release(reference)
        self._flush_soon()

    # The login

    def accept(self, perspective: Own) -> None:
        """Let the peer in; it calls *perspective* from now on."""
        self.login.accept(perspective)
        self._flush()

    def refuse_login(self, reason: str) -> None:
        """Do not let the peer in."""
        self.login.refuse(reason)
        self._flush()
        self.close()

    # The connection

    def hold(self, *, is_held: bool) -> None:
        """Receive no more for the moment, or go on."""
        if self._transport is None or self._transport.is_closing():
            return
        if is_held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the connection when all is sent."""
        if self._transport is not None:
            self._transport.write(self._connection.take())
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def give_away(self) -> socket.socket | None:
        """Return the socket, which is somebody else's from now on; None where that cannot be."""
        transport = self._transport
        if transport is None or transport.get_extra_info("sslcontext") is not None:
            return None
        self._is_given_away = True
        given: socket.socket = transport.get_extra_info("socket").dup()
        transport.abort()
        return given

    def _handle(self, event: Event) -> None:
        if not self._has_logged_in:
            self._log_in(event)
            return
        match event:
            case Called():
                self._dispatch(event)
            case Answered():
                if self._orders.pop(event.number, None) is None:
                    self._settle(event.number, partial(_answered, value=event.value))
            case Failed():
                if (refused := self._orders.pop(event.number, None)) is not None:
                    refused(CallFailed(event.failure))
                else:
                    self._settle(event.number, partial(_failed, failure=event.failure))
            case Released():
                self._objects.pop(event.number, None)

    def _log_in(self, event: Event) -> None:
        had_name = bool(self.login.name)
        credentials = self.login.handle(event)
        if not had_name and self.login.name and self._asked(self, self.login.name):
            return
        if credentials is not None:
            self._has_logged_in = True
            self.beginning = b""
            self._strangers.leave(self)
            self._connection.trust()
            self._arrived(self, credentials)

    def _dispatch(self, called: Called) -> None:
        handler = self._objects.get(called.target) if isinstance(called.target, int) else None
        if handler is None:  # Of a command that has ended, as a rule.
            self.refuse(called, "this object no longer exists")
            return
        handler(called)

    def _settle(self, number: int, settle: Callable[[asyncio.Future[object]], None]) -> None:
        future = self._calls.pop(number, None)
        if future is not None and not future.done():
            settle(future)

    def _complain(self, error: ProtocolError) -> None:
        if self._has_logged_in:
            _log.error(
                "closing the connection with worker %s (%s): %s",
                self.login.name,
                self.address,
                error,
            )
        else:
            self._strangers.tell(self, str(error))
        self.abort()

    def _turn_away(self, protocol: str) -> None:
        """Say that this is the wrong port."""
        self._strangers.tell(self, f"it speaks {protocol}")
        if self._transport is not None:
            if protocol == "HTTP":
                self._transport.write(WRONG_PORT)
            self._transport.close()

    def _flush(self) -> None:
        if self._is_receiving or self._is_given_away:
            self._is_urgent = True
            return  # Everything goes together when all that came is handled.
        if self._late_flush is not None:
            self._late_flush.cancel()  # Else it would wake the loop for nothing.
            self._late_flush = None
        if (data := self._connection.take()) and self._transport is not None:
            self._transport.write(data)

    def _flush_soon(self) -> None:
        if self._is_receiving:
            self._is_urgent = True
        elif not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_later(self) -> None:
        if self._late_flush is None and self._connection.has_output:
            loop = asyncio.get_running_loop()
            self._late_flush = loop.call_later(_PATIENCE, self._flush)

    def _flush_now(self) -> None:
        self._is_flush_due = False
        self._flush()


def _answered(future: asyncio.Future[object], value: object) -> None:
    future.set_result(value)


def _failed(future: asyncio.Future[object], failure: Failure) -> None:
    future.set_exception(CallFailed(failure))
    future.exception()
