"""Logging in to a master's Perspective Broker, for commands."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.python.failure import Failure
from twisted.spread import pb

from buildbot._border.bridge import inward
from buildbot._border.reactor import install_reactor

_CONNECT_TIMEOUT = 30.0
_LOST = (ConnectionClosed, pb.PBConnectionLost, pb.DeadReferenceError)


class NotDelivered(Exception):
    """A master did not take something; the message says why, and what to look at."""


class Refused(Exception):
    """A Deferred failed, here or on the other side."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.getErrorMessage())
        self.is_unreachable = failure.check(ConnectError) is not None
        self._is_unauthorized = failure.check(UnauthorizedLogin) is not None
        self.is_lost = failure.check(*_LOST) is not None

    def sentence(self, master: str, user: str, listener: str, what: str) -> str:
        """Return what to say of it."""
        if self._is_unauthorized:
            return f"{master} refused the user {user!r}: the name or the password is wrong"
        if self.is_unreachable:
            return (
                f"{master} cannot be reached ({self}): is the master running, "
                f"and does it have a {listener} on this port?"
            )
        if self.is_lost:
            return f"{master} closed the connection: is it a {listener} that listens there?"
        return f"{master} did not accept the {what}: {self}"


@asynccontextmanager
async def logged_in(
    master: str, user: str, password: str, *, listener: str, what: str
) -> AsyncIterator[Any]:
    """Log in at ``HOST:PORT`` and yield the perspective, until the context ends.

    Errors, which are NotDelivered, name the *listener* that ought to be there, and *what* it was
    to take; those of `answer` within the context as well.
    """
    reactor = install_reactor(asyncio.get_running_loop())
    host, port = address_of(master)
    addresses = await _resolved(host, port)
    credentials = UsernamePassword(user.encode(), password.encode())
    for number, address in enumerate(addresses, start=1):
        factory: Any = pb.PBClientFactory()
        reactor.connectTCP(address, port, factory, timeout=_CONNECT_TIMEOUT)
        try:
            try:
                perspective = await answer(factory.login(credentials))
            except Refused as refused:
                if refused.is_unreachable and number < len(addresses):
                    continue
                raise
            yield perspective
        except Refused as refused:
            raise NotDelivered(refused.sentence(master, user, listener, what)) from refused
        finally:
            factory.disconnect()
        return


async def answer(deferred: Any) -> Any:
    """Return what a call of the other side returns."""

    def refuse(failure: Failure) -> Failure:
        return Failure(Refused(failure))

    return await inward(deferred.addErrback, refuse)


def address_of(master: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``. Raises NotDelivered."""
    host, _, port = master.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise NotDelivered(f'the master must be HOST:PORT, not "{master}"')
    return host.strip("[]"), int(port)


async def _resolved(host: str, port: int) -> Sequence[str]:
    """Find the host's addresses (Twisted's own way would leave threads behind)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NotDelivered(f'unknown host "{host}": {error.strerror}') from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))
