"""The API of a Docker engine, as far as workers in containers need it."""

from __future__ import annotations

import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from buildbot.worker.docker_host_config import BadSetting
from chargehand.kit.expected import Expected

_ANSWER_SECONDS = 60.0
_NOT_FOUND = 404
_ERRORS = 400
_INVALID = "invalid reference format"
_NOT_MODIFIED = 304
_LINES_TOLD = 5
"""Lines of an image's build that are told when it fails."""
_HEAD = 8
"""Bytes before each piece of a container's output: the stream, and the length."""


class DockerError(Expected):
    """The engine refused something, or did not answer."""


class NotFound(DockerError):
    """The engine has no such container or image."""


class ContainerState(msgspec.Struct, frozen=True, kw_only=True):
    """What a container is doing."""

    word: str
    """"created", "running", "exited" …"""
    exit_code: int = 0
    error: str = ""
    is_out_of_memory: bool = False
    """Whether a process of it was killed because it used more memory than it may."""


class DockerEngine:
    """Talks to one engine, over its unix socket or TCP; each call has a connection of its own."""

    def __init__(
        self,
        *,
        url: str,
        socket: str | None = None,
        version: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = f"{url}/v{version}" if version and version != "auto" else url
        self._socket = socket
        self._tls = tls

    async def has_image(self, image: str) -> bool:
        """Return whether the engine has an image. Raises BadSetting."""
        try:
            await self._call("GET", f"images/{quote(image, safe='/:@')}/json")
        except NotFound:
            return False
        except DockerError as refused:
            if _INVALID in str(refused):
                raise BadSetting(f'"{image}" is not a valid image name') from refused
            raise
        return True

    async def pull(self, name: str, tag: str, login: Mapping[str, str]) -> None:
        """Fetch an image from its registry; *login* is a header, or nothing."""
        question = {"fromImage": name} | ({"tag": tag} if tag else {})
        separator = "@" if ":" in tag else ":"
        what = f'cannot pull image "{name}{separator if tag else ""}{tag}"'
        if not login:
            what = f"{what} without a login"
        await self._follow("images/create", question, what, headers=login)

    async def build(
        self, image: str, context: bytes, question: Mapping[str, str], login: Mapping[str, str]
    ) -> None:
        """Build an image from an archive with a Dockerfile; *login* is a header, or nothing."""
        told = {"t": image, "rm": "1", "forcerm": "1", **question}
        what = f'cannot build image "{image}"'
        await self._follow("build", told, what, context, headers=login)

    async def create(self, name: str, settings: Mapping[str, Any]) -> str:
        """Create a container, and return its identifier."""
        made = await self._call("POST", "containers/create", {"name": name}, settings)
        return str(made["Id"])

    async def start(self, container: str) -> None:
        """Start a container."""
        await self._call("POST", f"containers/{container}/start")

    async def state(self, container: str) -> ContainerState:
        """Return what a container is doing. Raises NotFound."""
        state = (await self._call("GET", f"containers/{container}/json"))["State"]
        return ContainerState(
            word=str(state.get("Status", "")),
            exit_code=int(state.get("ExitCode") or 0),
            error=str(state.get("Error") or ""),
            is_out_of_memory=bool(state.get("OOMKilled")),
        )

    async def stop(self, container: str, seconds: int) -> None:
        """Let a container end; it is killed after *seconds*."""
        await self._call("POST", f"containers/{container}/stop", {"t": str(seconds)})

    async def remove(self, container: str) -> None:
        """Remove a container and its anonymous volumes, whatever it does."""
        await self._call("DELETE", f"containers/{container}", {"force": "1", "v": "1"})

    async def labelled(self, label: str, value: str) -> list[dict[str, Any]]:
        """Return all containers with this label, those that have ended among them."""
        filters = json.dumps({"label": [f"{label}={value}"]})
        found: list[dict[str, Any]] = await self._call(
            "GET", "containers/json", {"all": "1", "filters": filters}
        )
        return found

    async def last_output(self, container: str, lines: int) -> str:
        """Return the last lines of a container's output."""
        question = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        async with self._request("GET", f"containers/{container}/logs", question) as answer:
            return _unframed(await answer.read()).decode(errors="replace")

    async def output(self, container: str) -> AsyncIterator[str]:
        """Yield a container's lines as it prints them."""
        question = {"stdout": "1", "stderr": "1", "follow": "1"}
        path = f"containers/{container}/logs"
        async with self._request("GET", path, question, seconds=None) as answer:
            rest = b""
            while head := await answer.content.read(_HEAD):
                head += await answer.content.readexactly(_HEAD - len(head))
                rest += await answer.content.readexactly(int.from_bytes(head[4:], "big"))
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace").rstrip("\r")

    async def _call(
        self,
        method: str,
        path: str,
        question: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        async with self._request(method, path, question, data, headers=headers) as answer:
            text = await answer.read()
            return json.loads(text) if text.strip() else None

    async def _follow(
        self,
        path: str,
        question: Mapping[str, str],
        what: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
    ) -> None:
        """Wait for the end of what the engine reports line by line. Raises DockerError."""
        headers = {**headers, "Content-Type": "application/x-tar"} if body is not None else headers
        try:
            async with self._request(
                "POST", path, question, body, seconds=None, headers=headers
            ) as answer:
                printed: deque[str] = deque(maxlen=_LINES_TOLD)
                async for line in answer.content:
                    told = json.loads(line) if line.strip() else {}
                    printed.extend(filter(None, str(told.get("stream") or "").splitlines()))
                    if "error" in told:
                        lines = f"; it printed last: {' / '.join(printed)}" if printed else ""
                        raise DockerError(f"{told['error']}{lines}")
        except DockerError as error:
            raise DockerError(f"{what}: {error}") from error

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        question: Mapping[str, str] | None = None,
        data: bytes | None = None,
        *,
        seconds: float | None = _ANSWER_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        connector = (
            aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True)
            if self._socket is None
            else aiohttp.UnixConnector(self._socket)
        )
        limit = aiohttp.ClientTimeout(total=seconds)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limit, read_bufsize=1 << 20) as (
                    session
                ),
                session.request(
                    method,
                    f"{self._url}/{path}",
                    params=question,
                    data=data,
                    headers=headers,
                ) as answer,
            ):
                await _refuse_errors(answer)
                yield answer
        except TimeoutError as error:
            raise DockerError(f"the Docker engine did not answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            place = self._socket or self._url
            why = getattr(error, "strerror", None) or error
            raise DockerError(f"cannot reach the Docker engine at {place}: {why}") from error


async def _refuse_errors(answer: aiohttp.ClientResponse) -> None:
    if answer.status < _ERRORS or answer.status == _NOT_MODIFIED:
        return
    text = (await answer.read()).decode(errors="replace")
    try:
        reason = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        reason = text.strip() or f"status {answer.status}"
    raise (NotFound if answer.status == _NOT_FOUND else DockerError)(reason)


def _unframed(data: bytes) -> bytes:
    found = bytearray()
    while len(data) >= _HEAD:
        end = _HEAD + int.from_bytes(data[4:_HEAD], "big")
        found += data[_HEAD:end]
        data = data[end:]
    return bytes(found)
