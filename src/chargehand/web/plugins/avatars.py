"""Pictures of people, at ``/avatar``: fetched by the master, so that browsers ask nobody else.

What is fetched depends on the configured methods; a visitor chooses whose picture, not from where.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from html import escape

import aiohttp
import msgspec
from aiohttp import web

from chargehand.config.avatars import AvatarMethod, Elsewhere, Picture
from chargehand.config.model import MasterConfig
from chargehand.kit.clock import Clock
from chargehand.kit.guard import Guard
from chargehand.kit.limits import TimeLimit
from chargehand.kit.tasks import Tasks
from chargehand.resources.policy import Visitor

_log = logging.getLogger("chargehand.avatars")

_SECONDS = 10.0
"""Seconds for all methods together."""
_KEPT_SECONDS = 24 * 3600.0
_KEPT_AFTER_FAILURE = 600.0
_MOST_KEPT = 1000
_MOST_AT_ONCE = 8
_MOST_BYTES = 256 * 1024
_MOST_REDIRECTS = 3
_LONGEST = 254
_SIZES = (16, 24, 32, 48, 64, 96, 128, 256)
_DEFAULT_SIZE = 32

_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""The pictures that are shown, and what their files begin with. Others may contain scripts."""


class _Kept(msgspec.Struct, frozen=True):
    picture: Picture | None
    until: float


_Key = tuple[str, str, int]


class Avatars:
    """Asks the methods one after the other, and keeps what they found for a day."""

    def __init__(self, config: Callable[[], MasterConfig], clock: Clock, tasks: Tasks) -> None:
        self._config = config
        self._clock = clock
        self._tasks = tasks
        self._methods: tuple[AvatarMethod, ...] = ()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[Picture | None]] = {}

    async def serve(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        """Answer with a person's picture, or one that is drawn."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        asked = request.query
        email = asked.get("email", "").strip().lower()
        username = asked.get("username", "").strip()
        if len(email) > _LONGEST or len(username) > _LONGEST:
            return web.Response(status=400, text="nobody has such a long name\n")
        size = _size(asked.get("size", ""))
        found = None
        if (email or username) and email.isprintable() and username.isprintable():
            found = await self._picture((email, username, size))
        shown = found or _drawn(username or email, size)
        headers = {"Content-Type": shown.media_type, "Cache-Control": "private, max-age=3600"}
        return web.Response(body=shown.body, headers=headers)

    async def _picture(self, key: _Key) -> Picture | None:
        methods = self._config().web.avatars
        if methods != self._methods:
            self._methods = methods
            self._kept.clear()
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._clock.timestamp():
            self._kept.move_to_end(key)
            return kept.picture
        if not methods:
            return None
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= _MOST_AT_ONCE:
                return None
            asking = self._tasks.spawn(self._ask(key), name="ask for a picture")
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        # Others may wait for the same: it is not given up when this visitor leaves.
        return await asyncio.shield(asking)

    async def _ask(self, key: _Key) -> Picture | None:
        picture, seconds = None, _KEPT_SECONDS
        with Guard(partial(_failed, key)) as guard:
            async with TimeLimit(_SECONDS):
                picture = await self._first(key)
        if guard.failure is not None:
            seconds = _KEPT_AFTER_FAILURE
        self._kept[key] = _Kept(picture, self._clock.timestamp() + seconds)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return picture

    async def _first(self, key: _Key) -> Picture | None:
        """Return the picture of the first method that has one. Raises what the last one raises."""
        failure: Exception | None = None
        for method in self._methods:
            with Guard(lambda _: None) as guard:
                found = await method.find(*key)
                if isinstance(found, Elsewhere):
                    found = await _fetched(found.url)
                if found is not None:
                    return _checked(found)
            failure = guard.failure or failure
        if failure is not None:
            raise failure
        return None


class NoPicture(Exception):
    """What was found is no picture that can be shown; the message says why."""


def _failed(key: _Key, error: Exception) -> None:
    _log.warning("no picture of %r: %s", key[1] or key[0], error or type(error).__name__)


def _size(asked: str) -> int:
    """Return one of few sizes: each is fetched, and kept."""
    size = int(asked) if asked.isdecimal() and len(asked) < 6 else _DEFAULT_SIZE
    return next((one for one in _SIZES if one >= size), _SIZES[-1])


def _checked(found: Picture) -> Picture:
    media_type = found.media_type.partition(";")[0].strip().lower()
    beginning = _BEGINNINGS.get(media_type)
    if beginning is None or not found.body.startswith(beginning):
        raise NoPicture(f"this is no picture of a known kind: {media_type[:100]!r}")
    if len(found.body) > _MOST_BYTES:
        raise NoPicture(f"it has more than {_MOST_BYTES} bytes")
    return Picture(media_type, found.body)


async def _fetched(url: str) -> Picture | None:
    """Return the picture at an address, None if there is none."""
    if not url.startswith(("https://", "http://")):
        raise NoPicture(f"the master does not fetch {url[:200]!r}")
    limit = aiohttp.ClientTimeout(total=_SECONDS)
    headers = {"Accept": "image/*", "User-Agent": "Chargehand"}
    async with (
        aiohttp.ClientSession(timeout=limit, headers=headers, trust_env=True) as session,
        session.get(url, max_redirects=_MOST_REDIRECTS) as answer,
    ):
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise NoPicture(f"{answer.url.host} answered {answer.status}")
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > _MOST_BYTES:
                raise NoPicture(f"it has more than {_MOST_BYTES} bytes")
        return Picture(answer.headers.get("Content-Type", ""), bytes(body))


def _drawn(name: str, size: int) -> Picture:
    """Return a circle with a letter, in a colour that stays that of the name."""
    letter = next((one for one in name if one.isalnum()), "?").upper()
    hue = hashlib.sha256(name.encode(errors="replace")).digest()[0] * 360 // 256
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="hsl({hue},45%,40%)"/>'
        '<text x="16" y="21.5" text-anchor="middle" font-family="sans-serif" font-size="16" '
        f'fill="#fff">{escape(letter)}</text></svg>'
    )
    return Picture("image/svg+xml", text.encode())
