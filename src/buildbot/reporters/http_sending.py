"""Requests that report something to a web service."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from buildbot._border.http_security import authorization
from buildbot._border.times import toJson
from buildbot.reporters.outbox import NotNow, Refused, Unavailable
from chargehand.kit.error_text import message_of
from chargehand.kit.values import shown_without

_SECONDS = 60.0
_MOST_LETTERS = 300
_LATER = frozenset({408, 425, 429})
"""Answers below 500 that are not the last word."""


@shown_without("headers", "auth")
class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request with a JSON body."""

    url: str
    body: Any
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    auth: tuple[str, str] | None = None
    verification: bool | ssl.SSLContext = True


def encoded(body: Any) -> bytes:
    """Return a body as JSON; times are seconds since 1970."""
    return json.dumps(body, default=_plain, allow_nan=False).encode()


async def post(request: Request) -> None:
    """Send it. Raises Unavailable, NotNow or Refused."""
    try:
        body = encoded(request.body)
    except (TypeError, ValueError) as error:
        raise Refused(f"the message cannot be written as JSON: {error}") from error
    headers = {
        "Content-Type": "application/json",
        **request.headers,
        **authorization(request.auth),
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
            session.post(
                request.url,
                data=body,
                headers=headers,
                ssl=request.verification,
            ) as response,
        ):
            status = response.status
            answer = await response.content.read(4 * _MOST_LETTERS)
    except aiohttp.InvalidURL as error:
        raise Refused(f"{request.url!r} is not a valid address") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"{request.url}: {_reason(error)}") from error
    if 200 <= status < 300:
        return
    said = " ".join(answer.decode(errors="replace").split())[:_MOST_LETTERS]
    kind = NotNow if status >= 500 or status in _LATER else Refused
    raise kind(f"{request.url} answered {status} {said}".rstrip())


def _plain(value: Any) -> Any:
    found = toJson(value)
    if found is None:
        raise TypeError(f"{value!r} is a {type(value).__name__}")
    return found


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_SECONDS:g} s"
    return " ".join(message_of(error).split()) or type(error).__name__
