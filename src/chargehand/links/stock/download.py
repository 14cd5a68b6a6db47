"""A file that a stock worker receives: the engine sends it in pieces, each as a command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from chargehand.domain.command import Value
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Receipt
from chargehand.links.stock.running import RunningCommand

_IDLE = 300.0
"""Seconds without a piece after which the master has forgotten the file."""


class Download(RunningCommand):
    """The pieces of one file, which the worker reads in their order."""

    def __init__(
        self,
        command_id: CommandId,
        *,
        taken: Callable[[int], None],
        abandon: Callable[[], None],
    ) -> None:
        super().__init__(command_id, self._keep, taken=taken)
        self.command_id = command_id
        self.why = ""
        self._abandon = abandon
        self._pieces: dict[int, bytes] = {}
        self._position = 0
        self._size: int | None = None
        """Of the whole file, when the last piece has come."""
        self._changed = asyncio.Event()
        self._idle: asyncio.TimerHandle | None = None
        self.on_end(self._wake)

    @property
    def has_begun(self) -> bool:
        """Whether the worker has taken something of it."""
        return self._position > 0

    async def take(self, arguments: Mapping[str, Any]) -> None:
        """Take a piece; return when the worker has it, or has ended."""
        content, offset = bytes(arguments["content"]), int(arguments.get("offset") or 0)
        if not arguments.get("more"):
            self._size = offset + len(content)
        if content:
            self._pieces[offset] = content
        self._wake()
        while not self.is_over and self._position < offset + len(content):
            await self._changed.wait()
        self._watch()

    async def read(self, length: int) -> bytes:
        """Return the next bytes; wait for them where they have not come."""
        while (piece := self._pieces.get(self._position)) is None:
            if self._size is not None and self._position >= self._size:
                return b""
            if self.is_over:
                return b""
            await self._changed.wait()
        start = self._position
        data, rest = piece[:length], piece[length:]
        del self._pieces[start]
        self._position = start + len(data)
        if rest:
            self._pieces[self._position] = rest
        self._wake()
        return data

    def _keep(self, update: object) -> Receipt | None:
        if isinstance(update, Value) and update.key == "why":
            self.why = str(update.value)
        return None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _watch(self) -> None:
        """Give up a file of which nothing more comes."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if not self.is_over and self._size is None:
            self._idle = asyncio.get_running_loop().call_later(_IDLE, self._abandon)
