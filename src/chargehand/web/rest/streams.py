"""Answers that are sent while they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from chargehand.web.live.client import abort


async def send_pieces(
    request: web.BaseRequest, response: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> None:
    """Send a body piece by piece, as fast as the client reads; to `HEAD` only the headers.

    A client that disconnects ends it. An error breaks the connection before it is raised: part
    has been sent, and nothing else shows that more is missing.
    """
    is_whole = request.method == "HEAD"
    try:
        await response.prepare(request)
        if not is_whole:
            async for piece in pieces:
                await response.write(piece)
            is_whole = True
        await response.write_eof()
    except ConnectionError:
        pass  # The client disconnected.
    finally:
        if not is_whole:
            abort(request)
