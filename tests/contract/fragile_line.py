"""A line to PostgreSQL that breaks when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class FragileLine:
    """Carries what is said to the server; breaks at a message, before or after it is carried out.

    ``outage`` is how long nobody can connect afterwards. What is carried out after the break is on
    its way until somebody says ``late_until`` on another line.
    """

    socket: Path
    port: int = 0
    outage: float = 0.0
    late_until: bytes = b""
    has_broken: bool = False
    _breaks_in: int | None = None
    _after: bool = False
    _words: bytes = b""
    _is_down: bool = False
    _arrives: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    def break_at(self, message: int, *, after: bool, of: bytes = b"") -> None:
        """Break at that message *of* those with these words from now on, the first being 0;
        *after* it was carried out, or before."""
        self._breaks_in, self._after, self.has_broken = message, after, False
        self._words = of

    def hold(self) -> None:
        """Do not break any more."""
        self._breaks_in = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what one client and the server say."""
        if self._is_down:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(self.socket)
        self._lines |= {writer, server_writer}
        answering = asyncio.ensure_future(_copy(server_reader, writer))
        try:
            await self._carry(reader, writer, server_writer, answering)
        finally:
            answering.cancel()
            for one in (writer, server_writer):
                one.transport.abort()
                self._lines.discard(one)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        answering: asyncio.Task[None],
    ) -> None:
        while message := await reader.read(1 << 16):
            if self._breaks_in is not None and self._words in message:
                if self._breaks_in == 0:
                    client.transport.abort()
                    await self._break(server, message, answering)
                    return
                self._breaks_in -= 1
            server.write(message)
            if self.late_until and self.late_until in message:
                self._arrives.set()

    async def _break(
        self, server: asyncio.StreamWriter, message: bytes, answering: asyncio.Task[None]
    ) -> None:
        self._breaks_in, self.has_broken = None, True
        answering.cancel()
        if self._after:
            if self.late_until:
                await self._arrives.wait()
            # The server carries out what it has received also when the line is closed.
            server.write(message)
            server.write_eof()
            await server.drain()
        if self.outage:
            self._is_down = True
            asyncio.get_running_loop().call_later(self.outage, self._come_back)

    def _come_back(self) -> None:
        self._is_down = False

    def cut(self) -> None:
        """End all lines."""
        for line in self._lines:
            line.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def fragile_line(directory: Path) -> AsyncIterator[FragileLine]:
    """Yield a line to the server whose socket is in *directory*."""
    line = FragileLine(socket=directory / ".s.PGSQL.5432")
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.cut()
