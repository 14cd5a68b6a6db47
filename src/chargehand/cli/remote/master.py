"""A running master, reached over REST: through the socket in its directory, or at its address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from chargehand.app.failure import CommandFailed
from chargehand.app.places import LOCAL_SOCKET
from chargehand.cli.basedir import LOG_FILE, PID_FILE, PidFile
from chargehand.cli.plain_text import plain_value
from chargehand.kit.unix_sockets import address_of

URL_VARIABLE = "CHARGEHAND_URL"
TOKEN_VARIABLE = "CHARGEHAND_TOKEN"
"""The environment variable with an API token, for masters at a URL."""
_SECONDS = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=_SECONDS, sock_connect=10)

T = TypeVar("T")

Row = dict[str, object]
"""A resource, as decoded JSON."""

Parameter = str | int | float | bool


class NotFound(CommandFailed):
    """The master has no such resource."""


class Unreachable(CommandFailed):
    """The master is not running or not ready."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the configuration: its kind in words, and its name."""

    kind: str
    name: str


class _Readiness(msgspec.Struct, frozen=True, kw_only=True):
    failed: list[Part] = []


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to find the master: at a URL, or through the socket in its directory."""

    url: str | None
    directory: Path

    @classmethod
    def chosen(cls, url: str | None, directory: Path | None) -> Place:
        """Return the place the options name; --directory takes precedence over the environment."""
        if url is None and directory is None:
            url = os.environ.get(URL_VARIABLE) or None
        return cls(url=url and url.rstrip("/"), directory=(directory or Path()).resolve())

    @property
    def base(self) -> str:
        """The prefix of all paths."""
        return self.url or "http://localhost"

    def __str__(self) -> str:
        return f"at {self.url}" if self.url else f"of {self.directory}"


class RemoteMaster:
    """Reads resources and calls control methods; failures raise CommandFailed with advice."""

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self._place = place
        self._session = session

    async def rows(self, path: str, /, **parameters: Parameter | Sequence[Parameter]) -> list[Row]:
        """Return a collection, or a single resource, as rows."""
        data = await self._get(f"/api/v2/{path}", _pairs(parameters))
        answer = msgspec.json.decode(data, type=dict[str, list[Row] | Row])
        return [row for rows in answer.values() if isinstance(rows, list) for row in rows]

    async def all(
        self, kind: type[T], path: str, /, **parameters: Parameter | Sequence[Parameter]
    ) -> list[T]:
        """Return a collection as values, to be shown in a terminal."""
        rows = await self.rows(path, **parameters)
        return [msgspec.convert(plain_value(row), kind) for row in rows]

    async def failed_parts(self) -> list[Part]:
        """Return the parts of the master's configuration that could not be started."""
        data = await self._get("/ready", [])
        return msgspec.json.decode(data, type=_Readiness).failed

    async def text(self, path: str) -> AsyncIterator[bytes]:
        """Return a log's text piece by piece."""
        async with self._request("GET", f"/api/v2/{path}") as answer:
            async for piece in answer.content.iter_chunked(65536):
                yield piece

    async def order(self, path: str, method: str, parameters: Mapping[str, object]) -> object:
        """Call a control method and return its result."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(parameters)}
        async with self._request(
            "POST",
            f"/api/v2/{path}",
            data=msgspec.json.encode(call),
            headers={"Content-Type": "application/json"},
        ) as answer:
            done = msgspec.json.decode(await answer.read(), type=dict[str, object])
            return done.get("result")

    async def send(self, method: str, path: str, fields: Mapping[str, object]) -> Row:
        """Send a request with these fields; return the answer, empty if it has no text."""
        parameters = [(name, str(value)) for name, value in fields.items()]
        async with self._request(
            method,
            f"/{path}",
            params=parameters if method == "GET" else None,
            data=None if method == "GET" else msgspec.json.encode(fields),
            headers={"Content-Type": "application/json"},
        ) as answer:
            body = await answer.read()
            return msgspec.json.decode(body, type=Row) if body else {}

    @contextlib.asynccontextmanager
    async def listening(self, paths: Iterable[str]) -> AsyncIterator[Events]:
        """Listen to live events for as long as the context lasts."""
        try:
            async with self._session.ws_connect(f"{self._place.base}/ws", heartbeat=30) as socket:
                events = Events(socket)
                for path in paths:
                    await events.add(path)
                yield events
        except (aiohttp.ClientError, TimeoutError, FileNotFoundError) as error:
            raise self._unreachable(error) from error

    async def _get(self, path: str, pairs: list[tuple[str, str]]) -> bytes:
        async with self._request("GET", path, params=pairs) as answer:
            return await answer.read()

    @contextlib.asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: list[tuple[str, str]] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(
                method, self._place.base + path, params=params, data=data, headers=headers
            ) as answer:
                if answer.status >= 400:
                    raise _refused(answer.status, await answer.read(), path)
                yield answer
        except aiohttp.InvalidURL as error:
            raise CommandFailed(
                f'"{self._place.url}" is not a URL; use one like http://ci.example.org:8010'
            ) from error
        except (aiohttp.ClientError, TimeoutError, FileNotFoundError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Unreachable:
        if self._place.url is not None:
            why = str(error) or f"it did not answer within {_SECONDS:g} s"
            if isinstance(error, aiohttp.ClientConnectorCertificateError):
                why = _distrust(error)
            elif isinstance(error, aiohttp.ClientConnectorError):
                why = os.strerror(error.os_error.errno) if error.os_error.errno else str(error)
            return Unreachable(f"cannot reach the master at {self._place.url}: {why}")
        if isinstance(error, TimeoutError):
            return Unreachable(f"the master {self._place} did not answer within {_SECONDS:g} s")
        return Unreachable(_not_running(self._place.directory))


def _distrust(error: aiohttp.ClientConnectorCertificateError) -> str:
    reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
    return (
        f"its certificate is not trusted ({reason}). If your own authority has signed "
        "it, set SSL_CERT_FILE to the file with the authority's certificate"
    )


class Events:
    """Live events of the master, by key."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._paths: set[str] = set()

    async def add(self, path: str) -> None:
        """Listen to one more path, such as ``builds/3/*``."""
        if path not in self._paths:
            self._paths.add(path)
            number = len(self._paths)
            await self._socket.send_json({"cmd": "startConsuming", "path": path, "_id": number})

    async def next(self) -> str | None:
        """Return the key of the next event; None: the connection has ended."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                event = msgspec.json.decode(message.data, type=dict[str, object])
                return str(event.get("k") or "")
        return None


@contextlib.asynccontextmanager
async def reached(place: Place) -> AsyncIterator[RemoteMaster]:
    """Open a connection to the master, for as long as the context lasts."""
    with contextlib.ExitStack() as stack:
        connector: aiohttp.BaseConnector | None = None
        if place.url is None:
            path = place.directory / LOCAL_SOCKET
            if not path.exists():
                raise CommandFailed(_not_running(place.directory))
            connector = aiohttp.UnixConnector(stack.enter_context(address_of(path)))
        token = os.environ.get(TOKEN_VARIABLE) if place.url is not None else None
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, headers=shown
        ) as session:
            yield RemoteMaster(place, session)


def _not_running(directory: Path) -> str:
    if (directory / "master.cfg").exists() or (directory / "buildbot.tac").exists():
        return _why_not_running(directory)
    return (
        f'"{directory}" is not a master\'s directory. Name one with --directory, or the address '
        f"of a master with --url (or ${URL_VARIABLE})."
    )


def _why_not_running(directory: Path) -> str:
    """Return what the pid file tells of the master. Raises CommandFailed if it is odd."""
    pid_file = PidFile(directory / PID_FILE)
    running = pid_file.running()
    if running is None:
        left = pid_file.left()
        but = f" ({left})" if left else ""
        return (
            f"No master is running in {directory}{but}. To start it: chargehand start {directory}"
        )
    if pid_file.is_of_buildbot():
        return (
            f"The master running in {directory} (process {running}) is Buildbot's. "
            f"To replace it with Chargehand: chargehand restart {directory}"
        )
    return (
        f"A master is running in {directory} (process {running}), but it does not listen on "
        f"{LOCAL_SOCKET} (yet). See {directory / LOG_FILE}"
    )


def _refused(status: int, body: bytes, path: str) -> CommandFailed:
    """Return the master's error message as one sentence."""
    try:
        error = msgspec.json.decode(body, type=dict[str, object]).get("error", "")
    except msgspec.MsgspecError:
        error = ""
    message = error.get("message", "") if isinstance(error, dict) else error
    if isinstance(message, dict):
        message = "; ".join(f"{name}: {sentence}" for name, sentence in message.items())
    if status == 503:
        return Unreachable(f"the master is not ready: {message or 'retry soon'}")
    kind = NotFound if status == 404 else CommandFailed
    return kind(str(message) or f"the master answered {path} with status {status}")


def _pairs(parameters: Mapping[str, Parameter | Sequence[Parameter]]) -> list[tuple[str, str]]:
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, values in parameters.items()
        for value in (values if isinstance(values, list | tuple) else [values])
    ]
