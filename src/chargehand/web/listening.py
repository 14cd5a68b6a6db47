"""Listening sockets of the server."""

from __future__ import annotations

import asyncio
import logging
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from chargehand.config.tls_files import TlsFiles
from chargehand.config.web_limits import WebLimits
from chargehand.kit.refused_ports import what_to_do
from chargehand.kit.unix_sockets import address_of, bound
from chargehand.web.certificate import Certificate
from chargehand.web.connections import Connections, KeptAnswer
from chargehand.web.own_addresses import site_urls

_log = logging.getLogger(__name__)

Address = tuple[str, int] | str
"""A host (empty: all) and port, or the path of a unix socket."""

_BACKLOG = 65_535
"""How many connections may wait to be accepted; the system has a limit of its own (4,096 on Linux).
One that finds the queue full is retried by its client after 1, 3, 7 … seconds."""
_ANY = ("", "0.0.0.0", "::")
_SHUTDOWN_SECONDS = 5.0


class CannotListen(Exception):
    """Listening on an address failed; the message says which, why, and what to do."""


class Listeners:
    """Owns the listening sockets; `listen` only opens and closes those that differ."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        limits: Callable[[], WebLimits],
        socket_mode: int | None = None,
        kept_answer: KeptAnswer | None = None,
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._socket_mode = socket_mode
        self._kept_answer = kept_answer
        self._server: Connections | None = None
        self._sites: dict[Address, socket.socket] = {}
        self._certificates: dict[Address, Certificate] = {}
        """Those of addresses that serve HTTPS."""

    @property
    def addresses(self) -> list[Address]:
        """The addresses it listens on, with actual port numbers."""
        return [
            address if isinstance(address, str) else listening.getsockname()[:2]
            for address, listening in self._sites.items()
        ]

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return 0 if self._server is None else self._server.count

    @property
    def is_quiet(self) -> bool:
        """Whether nobody has asked for anything for a moment."""
        return self._server is None or self._server.is_quiet

    @property
    def urls(self) -> list[str]:
        """Addresses for people: URLs, and paths of unix sockets."""
        found: list[str] = []
        for address, listening in self._sites.items():
            if isinstance(address, str):
                found.append(address)
            else:
                found.extend(_urls(address, listening, address in self._certificates))
        return found

    async def listen(
        self, addresses: Sequence[Address], tls: Mapping[Address, TlsFiles] | None = None
    ) -> None:
        """Listen on exactly these addresses; all or nothing. Raises CannotListen.

        Those in *tls* serve HTTPS. Their certificates are read again: they may have been renewed.
        """
        certificates = {address: _certificate(files) for address, files in (tls or {}).items()}
        opened: dict[Address, socket.socket] = {}
        try:
            for address in dict.fromkeys(addresses):
                if address not in self._sites:
                    opened[address] = _opened(address, self._socket_mode)
        except CannotListen:
            for listening in opened.values():
                listening.close()
            raise
        server = self._running()
        for address, listening in opened.items():
            self._sites[address] = listening
            _log.info("listening on %s", _described(address, listening, address in certificates))
        for address in self._sites.keys() - set(addresses):
            server.unlisten(self._sites.pop(address))
            _remove_socket_file(address)
        self._certificates = certificates
        for address, listening in self._sites.items():
            certificate = certificates.get(address)
            server.listen(listening, None if certificate is None else certificate.context)

    async def close(self) -> None:
        """Stop listening, and let requests in progress finish."""
        for address in self._sites:
            _remove_socket_file(address)
        self._sites.clear()
        if self._server is not None:
            await self._server.close(patience=_SHUTDOWN_SECONDS)
            self._server = None

    def _running(self) -> Connections:
        if self._server is None:
            self._server = Connections(
                self._handler,
                limits=self._limits,
                request_factory=_request,
                kept_answer=self._kept_answer,
            )
        return self._server


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop)


def _opened(address: Address, mode: int | None) -> socket.socket:
    try:
        if isinstance(address, str):
            return _unix_socket(Path(address), mode)
        return _tcp_socket(*address)
    except OSError as error:
        where = address if isinstance(address, str) else f"{address[0] or '*'}:{address[1]}"
        raise CannotListen(
            f"cannot listen on {where}: {error.strerror or error}. "
            + what_to_do(error, "c['www']['port']")
        ) from error


def _tcp_socket(host: str, port: int) -> socket.socket:
    if not host:
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(
            ("", port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
        )
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return socket.create_server(where[:2], family=family, backlog=_BACKLOG)


def _unix_socket(path: Path, mode: int | None) -> socket.socket:
    if _is_abandoned(path):
        path.unlink()
    listening = bound(path, mode)
    try:
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _certificate(files: TlsFiles) -> Certificate:
    try:
        return Certificate(files)
    except OSError as error:
        raise CannotListen(
            f"cannot serve HTTPS with {files.certificate} and {files.key}: "
            f"{error.strerror or error}"
        ) from error


def _urls(address: tuple[str, int], listening: socket.socket, is_encrypted: bool) -> list[str]:
    return site_urls(address[0], listening.getsockname()[1], is_encrypted=is_encrypted)


def _described(address: Address, listening: socket.socket, is_encrypted: bool) -> str:
    if isinstance(address, str):
        return f"the unix socket {address}"
    urls = ", ".join(_urls(address, listening, is_encrypted))
    if address[0] not in _ANY:
        return urls
    return (
        f"all addresses of this machine: {urls}; anyone who can reach one of them can use this "
        "master. To listen on this machine only, set "
        f"c['www']['port'] = 'tcp:{listening.getsockname()[1]}:interface=127.0.0.1'"
    )


def _is_abandoned(path: Path) -> bool:
    """Return whether the socket file exists but no process listens on it."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, address_of(path) as address:
        return probe.connect_ex(address) != 0


def _remove_socket_file(address: Address) -> None:
    if isinstance(address, str):
        Path(address).unlink(missing_ok=True)
