"""Sending a change to a master's PBChangeSource."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.python.failure import Failure
from twisted.spread import pb

from buildbot._border.bridge import inward, outward
from buildbot._border.reactor import GuestReactor, install_reactor

__all__ = ["SendChangeFailed", "Sender", "send"]

_CONNECT_TIMEOUT = 30.0
_ANSWER_TIMEOUT = 120.0
_LOST = (ConnectionClosed, pb.PBConnectionLost, pb.DeadReferenceError)


class SendChangeFailed(Exception):
    """The change was not sent; the message says why, and what to look at."""


async def send(
    *,
    master: str,
    who: str,
    user: str = "change",
    password: str = "changepw",
    files: Sequence[str] = (),
    comments: str = "",
    revision: str | None = None,
    branch: str | None = None,
    repository: str = "",
    project: str = "",
    codebase: str | None = None,
    category: str | None = None,
    when: float | None = None,
    properties: Mapping[str, Any] | None = None,
    revlink: str = "",
    vc: str | None = None,
    encoding: str = "utf8",
) -> None:
    """Send a change to ``HOST:PORT``; when this returns, the master has stored it.

    ``encoding`` is that of the bytes behind the texts, where they came from a command line.
    Raises SendChangeFailed.
    """
    host, port = _address(master)
    change: dict[str, Any] = {
        "who": who,
        "files": list(files),
        "comments": comments,
        "revision": revision,
        "branch": branch,
        "repository": repository,
        "project": project,
        "category": category,
        "when": when,
        "properties": dict(properties or {}),
        "revlink": revlink,
        "src": vc,
    }
    if codebase is not None:
        change["codebase"] = codebase
    change = _decoded(change, encoding)
    reactor = install_reactor(asyncio.get_running_loop())
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            await _deliver(reactor, await _resolved(host, port), user, password, change, master)
    except TimeoutError:
        raise SendChangeFailed(f"{master} did not answer in {_ANSWER_TIMEOUT:g} seconds") from None


class Sender:
    """Sends changes to the master at ``HOST:PORT``, for scripts that run Twisted's reactor."""

    def __init__(
        self,
        master: str,
        auth: tuple[str, str] = ("change", "changepw"),
        encoding: str = "utf8",
    ) -> None:
        self._master = master
        self._user, self._password = auth
        self._encoding = encoding

    def send(
        self,
        branch: str | None,
        revision: str | None,
        comments: str,
        files: Sequence[str],
        who: str,
        **more: Any,
    ) -> Any:
        """Send a change; a Deferred that fires when the master has stored it.

        *more* are the other arguments of `send`, the function.
        """
        return outward(
            send(
                master=self._master,
                user=self._user,
                password=self._password,
                encoding=self._encoding,
                branch=branch,
                revision=revision,
                comments=comments,
                files=files,
                who=who,
                **more,
            )
        )


async def _deliver(
    reactor: GuestReactor,
    addresses: Sequence[str],
    user: str,
    password: str,
    change: dict[str, Any],
    master: str,
) -> None:
    """Log in at the first address that answers, and hand the change over."""
    port = _address(master)[1]
    for number, address in enumerate(addresses, start=1):
        factory: Any = pb.PBClientFactory()
        reactor.connectTCP(address, port, factory, timeout=_CONNECT_TIMEOUT)
        try:
            perspective = await _answer(
                factory.login(UsernamePassword(user.encode(), password.encode()))
            )
            await _answer(perspective.callRemote("addChange", change))
        except _Refused as refused:
            if refused.is_unreachable and number < len(addresses):
                continue
            raise SendChangeFailed(refused.sentence(master, user)) from refused
        finally:
            factory.disconnect()
        return


class _Refused(Exception):
    """A Deferred failed, here or on the other side."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.getErrorMessage())
        self.is_unreachable = failure.check(ConnectError) is not None
        self._is_unauthorized = failure.check(UnauthorizedLogin) is not None
        self._is_lost = failure.check(*_LOST) is not None

    def sentence(self, master: str, user: str) -> str:
        if self._is_unauthorized:
            return f"{master} refused the user {user!r}: the name or the password is wrong"
        if self.is_unreachable:
            return (
                f"{master} cannot be reached ({self}): is the master running, "
                "and does it have a PBChangeSource on this port?"
            )
        if self._is_lost:
            return f"{master} closed the connection: is it a PBChangeSource that listens there?"
        return f"{master} did not accept the change: {self}"


async def _answer(deferred: Any) -> Any:
    def refuse(failure: Failure) -> Failure:
        return Failure(_Refused(failure))

    return await inward(deferred.addErrback, refuse)


async def _resolved(host: str, port: int) -> list[str]:
    """Find the host's addresses (Twisted's own way would leave threads behind)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise SendChangeFailed(f'unknown host "{host}": {error.strerror}') from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def _address(master: str) -> tuple[str, int]:
    host, _, port = master.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SendChangeFailed(f'the master must be HOST:PORT, not "{master}"')
    return host.strip("[]"), int(port)


def _decoded(value: Any, encoding: str) -> Any:
    """Read texts of a command line in the encoding that they are in."""
    match value:
        case str():
            try:
                return os.fsencode(value).decode(encoding)
            except UnicodeError as error:
                raise SendChangeFailed(f"{value!r} is not in the encoding {encoding}") from error
            except LookupError as error:
                raise SendChangeFailed(f"the encoding {encoding!r} is unknown") from error
        case list():
            return [_decoded(part, encoding) for part in value]
        case dict():
            return {
                _decoded(name, encoding): _decoded(part, encoding) for name, part in value.items()
            }
        case _:
            return value
