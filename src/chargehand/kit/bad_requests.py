"""Answers to what is no HTTP, and to those who are gone."""

from __future__ import annotations

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

_LONGEST = 200
"""Characters of what is said of a request that cannot be read."""


class TerseHandler(RequestHandler):
    """Does not send back what it could not read: that can be long, and whose it is is unknown."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say what is wrong in few words; nothing, not even in the log, if nobody is there."""
        if isinstance(exc, ConnectionError) and (
            self.transport is None or self.transport.is_closing()
        ):
            return web.Response(status=status)
        if message is not None and len(message) > _LONGEST:
            message = f"{message[:_LONGEST]}...\n"
        return super().handle_error(request, status, exc, message)
