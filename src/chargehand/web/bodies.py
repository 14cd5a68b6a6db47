"""Request bodies: limits for size, time and concurrency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.kit.limits import TimeLimit

SMALL = 128 * 1024
"""Bytes that every request may send, regardless of the others."""

_MAX_ELEMENTS = 1_000_000


class BodyRefused(Exception):
    """A request body was refused; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Bodies:
    """Reads bodies within a total memory limit for large ones."""

    def __init__(self, limits: Callable[[], WebLimits]) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(
        self,
        request: web.BaseRequest,
        *,
        is_large: bool,
        hold: Callable[[int], None] = lambda _: None,
    ) -> AsyncIterator[bytes]:
        """Provide the body within the context; *hold* counts its bytes. Raises BodyRefused."""
        limits = self._limits()
        limit = limits.body_bytes if is_large else min(SMALL, limits.body_bytes)
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        held = 0
        chunks: list[bytes] = []
        size = 0
        try:
            try:
                # What has come already is not waited for.
                seconds = None if request.content.is_eof() else limits.body_seconds
                async with TimeLimit(seconds):
                    while chunk := await _next(request):
                        chunks.append(chunk)
                        size += len(chunk)
                        if size > limit:
                            raise _too_large(limit)
                        more = max(0, size - SMALL) - held
                        if self._held + more > limits.bodies_bytes:
                            raise BodyRefused(503, "too many large requests at once; try again")
                        hold(more)
                        held += more
                        self._held += more
            except TimeoutError:
                raise BodyRefused(
                    408, f"the body did not arrive within {limits.body_seconds:g} seconds"
                ) from None
            body = b"".join(chunks)
            chunks.clear()
            if sum(map(body.count, (b",", b"[", b"{"))) > _MAX_ELEMENTS:
                raise BodyRefused(413, f"the request has more than {_MAX_ELEMENTS} elements")
            yield body
        finally:
            self._held -= held
            hold(-held)


def _too_large(limit: int) -> BodyRefused:
    return BodyRefused(413, f"the request is larger than {limit} bytes")


async def _next(request: web.BaseRequest) -> bytes:
    if request.transport is None and not request.content.is_eof():
        raise ConnectionResetError("the client left while it sent the body")
    return await request.content.readany()
