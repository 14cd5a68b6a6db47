"""Requests to the REST interface of a cloud: repeated when that is safe, and explained."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypedDict, Unpack

import aiohttp
import msgspec

from chargehand.kit.expected import Expected
from chargehand.kit.values import shown_without

_log = logging.getLogger(__name__)

_ATTEMPTS = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_LONGEST_ANSWER = 64 * 1024 * 1024
_LONGEST_WORDS = 1000
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=20)
_BUSY = (429, 502, 503, 504)
"""Statuses of a server that may take the same request later."""
_NOT_DONE = (429, 503)
"""Those of them with which a server says that it has done nothing."""
_WORDS = ("message", "error_message", "error", "title", "detail")


class RestError(Expected):
    """A server refused a request, or could not be reached; ``status`` is None then."""

    def __init__(self, words: str, *, status: int | None = None, content: object = None) -> None:
        super().__init__(words)
        self.status = status
        self.content = content
        """What the server answered, as data if it was JSON."""


@shown_without("headers")
class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is reached: its address, what tells who we are, and how it is verified."""

    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    tls: bool | ssl.SSLContext = True


@shown_without("headers")
class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered."""

    status: int
    content: Any
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Request(TypedDict, total=False):
    """What a request says besides its method and path."""

    body: Any
    parameters: Mapping[str, str] | None
    repeatable: bool


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request failed, and in how many seconds it may be repeated; None: it may not."""

    error: RestError
    repeat_after: float | None


class RestClient:
    """Sends requests to one server; *access* is asked each time, for tokens expire.

    GET, PUT and DELETE are repeated when the server is busy or the connection breaks. POST is
    repeated only if the server has done nothing, or with *repeatable* (what it makes has a name,
    so that a second one would be refused).
    """

    def __init__(
        self,
        service: str,
        access: Callable[[], Awaitable[Access]],
    ) -> None:
        self._service = service
        self._access = access

    async def request(
        self,
        method: str,
        path: str,
        **request: Unpack[Request],
    ) -> Answer:
        """Send a request, and return what the server answered. Raises RestError."""
        body, parameters = request.get("body"), request.get("parameters")
        may_repeat = request.get("repeatable", False) or method != "POST"
        pause = _FIRST_PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            result = await self._attempt(method, path, body, parameters, may_repeat)
            if isinstance(result, Answer):
                return result
            if result.repeat_after is None or attempt == _ATTEMPTS:
                raise result.error
            seconds = min(max(pause, result.repeat_after), _LONGEST_PAUSE)
            _log.info("%s; retrying in %g s", result.error, seconds)
            await _pause(seconds)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self,
        method: str,
        path: str,
        body: Any,
        parameters: Mapping[str, str] | None,
        may_repeat: bool,
    ) -> Answer | _Refusal:
        access = await self._access()
        shown = f"{method} {path}"
        try:
            answer = await _sent(access, method, path, body, parameters)
        except aiohttp.ClientConnectorCertificateError as wrong:
            words = f"{self._service} at {access.url}: its certificate is not valid: {wrong}"
            return _Refusal(error=RestError(words), repeat_after=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as broken:
            was_sent = not isinstance(broken, aiohttp.ClientConnectorError)
            error = RestError(f"cannot reach {self._service} at {access.url}: {_reason(broken)}")
            is_final = isinstance(broken, ValueError) or (was_sent and not may_repeat)
            return _Refusal(error=error, repeat_after=None if is_final else 0)
        if answer.status < 300:
            return answer
        words = f"{self._service} answered {shown} with {answer.status}"
        if answer.status < 400:
            words += f" (a redirect to {answer.headers.get('Location')}, which is not followed)"
        elif said := words_of(answer.content):
            words += f": {said}"
        error = RestError(words, status=answer.status, content=answer.content)
        is_busy = answer.status in (_BUSY if may_repeat else _NOT_DONE)
        return _Refusal(error=error, repeat_after=_told_pause(answer.headers) if is_busy else None)


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _sent(
    access: Access,
    method: str,
    path: str,
    body: Any,
    parameters: Mapping[str, str] | None,
) -> Answer:
    # A connection for each request leaves nothing to close, and requests are rare. Redirects are
    # not followed: the next server would be told who we are.
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        session.request(
            method,
            access.url.rstrip("/") + path,
            headers=dict(access.headers),
            json=body,
            params=parameters,
            ssl=access.tls,
            allow_redirects=False,
        ) as response,
    ):
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > _LONGEST_ANSWER:
                raise ValueError(f"its answer is longer than {_LONGEST_ANSWER} bytes")
        text = bytes(content).decode(errors="replace")
        headers = dict(response.headers.items())
        return Answer(status=response.status, content=_data(text), headers=headers)


def words_of(content: object) -> str:
    """Return what a server says of a refused request, from JSON of any of the usual forms."""
    if isinstance(content, dict):
        for name in _WORDS:
            if name in content and (found := words_of(content[name])):
                return found
        inner = [value for value in content.values() if isinstance(value, dict)]
        return words_of(inner[0]) if len(inner) == 1 else ""
    if isinstance(content, str):
        return " ".join(content.split())[:_LONGEST_WORDS]
    return ""


def _data(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return str(error) or type(error).__name__


def _told_pause(headers: Mapping[str, str]) -> float:
    """Return how many seconds the server wants us to wait; a date counts as 0."""
    told = headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else 0.0
