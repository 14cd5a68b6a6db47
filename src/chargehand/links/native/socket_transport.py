"""Lets a channel write to a websocket as if that was a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from chargehand.links.native.farewell import FarewellTransport

_PIECE = 256 * 1024


class SocketTransport(FarewellTransport):
    """Sends what is written as binary messages, whose borders mean nothing.

    `send` has to run as long as the websocket is open.
    """

    def __init__(self, socket: web.WebSocketResponse, abort: Callable[[], None]) -> None:
        super().__init__()
        self._socket = socket
        self._abort = abort
        self._parts: list[bytes] = []
        self._woken = asyncio.Event()
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if not self._is_closing:
            self._parts.append(bytes(data))
            self._woken.set()

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self._is_closing

    def close(self) -> None:
        """Close the websocket after all written bytes are sent."""
        self._is_closing = True
        self._woken.set()

    def abort(self) -> None:
        """Close the connection immediately."""
        self._is_closing = True
        self._parts.clear()
        self._abort()

    async def send(self) -> None:
        """Send what is written, until it is closed."""
        try:
            while self._parts or not self._is_closing:
                await self._woken.wait()
                self._woken.clear()
                data, self._parts = b"".join(self._parts), []
                for start in range(0, len(data), _PIECE):
                    piece = data[start : start + _PIECE]
                    await self._socket.send_frame(piece, WSMsgType.BINARY)
            await self._socket.close(code=self.farewell.code, message=self.farewell.encoded)
        except ConnectionError:
            pass  # The side that reads notices as well.
