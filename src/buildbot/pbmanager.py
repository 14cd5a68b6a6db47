"""Perspective Broker servers of the master: one for each port, shared by all who listen there."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any

from twisted.cred import checkers, credentials, error, portal
from twisted.internet import defer, endpoints, protocol
from twisted.python import failure
from twisted.spread import pb
from zope.interface import implementer

from buildbot._border.bridge import inward, outward
from chargehand.kit.sparing import SparingLog
from chargehand.kit.strangers import Strangers

__all__ = ["PBManager", "PortTaken", "Registration"]

_log = logging.getLogger(__name__)

_LARGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes; Twisted limits only the parts of a message, and neither their number nor their depth."""

_LONGEST_NAME = 100
_UNKNOWN = "%s: user %r is unknown, or gave a wrong password"
_NOT_SHARED = "%s: a port of workers with TLS cannot be shared"
_TOO_LARGE = "%s sent a message that is too large; closing the connection"

PerspectiveFactory = Callable[[Any, str], Any]
"""Makes the perspective of a client (its mind, its name), or a Deferred of it; None refuses."""


class PortTaken(OSError):
    """Nothing can listen on a port; the message names the port and says why."""


class UserTaken(Exception):
    """A port has a user of that name already."""


class Refused(pb.Error, error.UnauthorizedLogin):
    """Logging in was refused. (Of a ``pb.Error`` Twisted logs no traceback.)"""


class PBManager:
    """Listens with Perspective Broker, and lets users in by name and password.

    A port is opened with its first registration and closed with its last.
    """

    def __init__(self, worker_ports: Callable[[], Any] | None = None) -> None:
        self._worker_ports = worker_ports
        self._listeners: dict[str, _Listener] = {}

    def register(
        self, portstr: str | int, username: str, password: Any, pfactory: PerspectiveFactory
    ) -> defer.Deferred[Registration]:
        """Let *username* in on a port, given as a number or as an endpoint.

        Returns a Deferred of the registration. It fails with PortTaken or UserTaken.
        """
        return outward(self._register(_endpoint(portstr), username, password, pfactory))

    async def _register(
        self, endpoint: str, username: str, password: str, pfactory: PerspectiveFactory
    ) -> Registration:
        listener = self._listeners.setdefault(endpoint, _Listener(endpoint))
        listener.admit(username, password, pfactory)
        try:
            if not await self._share(listener, endpoint, username):
                await listener.open()
        except BaseException:
            await self._unregister(endpoint, username)
            raise
        return Registration(self, endpoint, username, listener)

    async def _share(self, listener: _Listener, endpoint: str, username: str) -> bool:
        """Use the port of the workers, if it is the same; return whether it is."""
        if self._worker_ports is None:
            return False
        ports = self._worker_ports()
        try:
            number = await ports.share(endpoint, username, listener.take)
        except OSError as error:
            raise PortTaken(str(error)) from error
        if number is not None:
            listener.number = number
            listener.shared[username] = partial(ports.unshare, username)
        return number is not None

    async def _unregister(self, endpoint: str, username: str) -> None:
        listener = self._listeners[endpoint]
        if (unshare := listener.shared.pop(username, None)) is not None:
            await unshare()
        if listener.dismiss(username):
            del self._listeners[endpoint]
            await listener.close()


class Registration:
    """One user's right to log in on one port."""

    def __init__(
        self, manager: PBManager, endpoint: str, username: str, listener: _Listener
    ) -> None:
        self._manager = manager
        self._endpoint = endpoint
        self._listener = listener
        self.username = username

    def __repr__(self) -> str:
        return f"<Registration of {self.username} on {self._endpoint}>"

    def getPort(self) -> int:
        """Return the number of the port that is listened on."""
        return self._listener.port_number()

    def unregister(self) -> defer.Deferred[None]:
        """Let the user in no more; connections that are open stay."""
        return outward(self._manager._unregister(self._endpoint, self.username))


class _Broker(pb.Broker):
    """A connection; limits on messages and on logins protect the master."""

    factory: Any
    _size = 0
    is_silent = True
    host = ""
    address = ""

    def connectionMade(self) -> None:
        """A client has connected."""
        transport: Any = self.transport
        peer = transport.getPeer()
        self.host = str(getattr(peer, "host", ""))
        self.address = f"{self.host}:{getattr(peer, 'port', '')}"
        self.factory.strangers.arrive(self)
        broker: Any = super()
        broker.connectionMade()

    def connectionLost(self, reason: failure.Failure = protocol.connectionDone) -> None:
        """The client has left."""
        self.factory.strangers.leave(self)
        broker: Any = super()
        broker.connectionLost(reason)

    def notifyOnDisconnect(self, notifier: Callable[[], object]) -> None:
        """The client has logged in: only then does Twisted ask to hear of its end."""
        self.factory.strangers.leave(self)
        broker: Any = super()
        broker.notifyOnDisconnect(notifier)

    def abort(self) -> None:
        """Close the connection: the client has not logged in."""
        transport: Any = self.transport
        transport.abortConnection()

    def dataReceived(self, chunk: bytes) -> None:
        """Take what came."""
        self._size += len(chunk)
        self.is_silent = False
        broker: Any = super()
        broker.dataReceived(chunk)
        if self._size > _LARGEST_MESSAGE:
            transport: Any = self.transport
            self.factory.strangers.lines.write(logging.WARNING, _TOO_LARGE, transport)
            transport.abortConnection()

    def expressionReceived(self, sexp: Any) -> None:
        """A message is complete."""
        self._size = 0
        broker: Any = super()
        broker.expressionReceived(sexp)


class _GuestBroker(_Broker):
    """A connection that begun at the workers' port: what was said there is not said again."""

    _said = 0

    def sendEncoded(self, obj: Any) -> None:
        """Send something, but not the offer of dialects and the version."""
        self._said += 1
        if self._said > 2:
            broker: Any = super()
            broker.sendEncoded(obj)


@implementer(portal.IRealm, checkers.ICredentialsChecker)
class _Listener:
    """A port, and who may log in there."""

    credentialInterfaces = (credentials.IUsernamePassword, credentials.IUsernameHashedPassword)

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lines = SparingLog(_log)
        self._users: dict[str, tuple[str, PerspectiveFactory]] = {}
        self.number = 0
        """That of the workers' port, where it is shared."""
        self.shared: dict[str, Callable[[], Awaitable[None]]] = {}
        """What ends the sharing, by user."""
        self._factory: Any = None
        self._port: Any = None  # IListeningPort, whose types mypy takes for plain functions
        self._opening: defer.DeferredLock = defer.DeferredLock()

    def admit(self, username: str, password: str, pfactory: PerspectiveFactory) -> None:
        """Let a user log in."""
        if username in self._users:
            raise UserTaken(
                f"{self._endpoint} has a user {username!r} already: choose another name"
            )
        self._users[username] = password, pfactory

    def dismiss(self, username: str) -> bool:
        """Let a user log in no more; True when that was the last."""
        self._users.pop(username, None)
        return not self._users

    def port_number(self) -> int:
        """Return the number of the open port."""
        return int(self._port.getHost().port) if self._port is not None else self.number

    async def open(self) -> None:
        """Listen, unless it is being done already."""
        await inward(self._opening.acquire)
        try:
            if self._port is None:
                self._port = await inward(self._listen)
        finally:
            self._opening.release()

    def _listen(self) -> Any:
        from twisted.internet import reactor

        listening = endpoints.serverFromString(reactor, self._endpoint).listen(
            self._made_factory(_Broker)
        )
        return listening.addErrback(self._cannot_listen)

    def _made_factory(self, broker: type[_Broker]) -> Any:
        this: Any = self  # zope's interfaces are unknown to mypy
        factory: Any = pb.PBServerFactory(portal.Portal(this, [this]), unsafeTracebacks=False)
        factory.noisy = False
        factory.protocol = broker
        factory.strangers = Strangers(f"the port for Perspective Broker ({self._endpoint})")
        return factory

    def take(self, connection: Any) -> bool:
        """Take over a connection at the workers' port; return whether that was possible."""
        reactor: Any = import_module("twisted.internet.reactor")

        given = connection.give_away()
        if given is None:
            self._lines.write(logging.WARNING, _NOT_SHARED, self._endpoint)
            return False
        if self._factory is None:
            self._factory = self._made_factory(_GuestBroker)
        with given:
            transport = reactor.adoptStreamConnection(given.fileno(), given.family, self._factory)
        transport.protocol.dataReceived(connection.beginning)
        return True

    def _cannot_listen(self, reason: failure.Failure) -> None:
        raise PortTaken(
            f"cannot listen on {self._endpoint}: {reason.getErrorMessage()}"
        ) from reason.value

    async def close(self) -> None:
        """Listen no more."""
        if self._port is not None:
            await inward(self._port.stopListening)

    def requestAvatarId(self, credentials: Any) -> str:
        """Return the name of a user who knows the password (ICredentialsChecker)."""
        username = _text(credentials.username)
        known = self._users.get(username)
        # Somebody unknown costs the same time as a wrong password.
        password = known[0] if known is not None else ""
        if not _knows(credentials, password.encode()) or known is None:
            shown = username if len(username) <= _LONGEST_NAME else f"{username[:_LONGEST_NAME]}…"
            self._lines.write(logging.WARNING, _UNKNOWN, self._endpoint, shown)
            raise Refused("the name or the password is wrong")
        return username

    def requestAvatar(
        self, avatarId: str, mind: Any, *interfaces: Any
    ) -> defer.Deferred[tuple[Any, Any, Callable[[], None]]]:
        """Return the user's perspective (IRealm)."""
        return outward(self._avatar(avatarId, mind))

    async def _avatar(self, username: str, mind: Any) -> tuple[Any, Any, Callable[[], None]]:
        known = self._users.get(username)
        perspective = await inward(known[1], mind, username) if known is not None else None
        if perspective is None:
            raise Refused("the change source of this user has been removed")
        return pb.IPerspective, perspective, lambda: None


def _knows(given: Any, password: bytes) -> bool:
    """Compare in constant time what was sent with what ought to be."""
    if credentials.IUsernamePassword.providedBy(given):
        return hmac.compare_digest(given.password, password)
    return hmac.compare_digest(pb.respond(given.challenge, password), given.response)


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _endpoint(port: str | int) -> str:
    text = str(port)
    return f"tcp:{text}" if text.isdecimal() else text
