"""Writing one log: own text becomes segments, the worker's segments pass through, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chargehand.domain.build import Channel, LogType, Segment
from chargehand.kit.tasks import Tasks
from chargehand.logs.segments import pieces_of, segment_of, with_letter

_ENOUGH = 64 * 1024
_SOON = 0.1


class LogWriter:
    """Keeps partial lines back, and hands on whole ones when there is enough, or soon.

    *append* is what makes a segment durable. Its failure is raised to whoever writes next, or
    closes.
    """

    def __init__(
        self, *, kind: LogType, append: Callable[[Segment], Awaitable[None]], tasks: Tasks
    ) -> None:
        self._kind = kind
        self._append = append
        self._tasks = tasks
        self._partial: dict[Channel, list[str]] = {}
        self._whole: list[bytes] = []
        self._size = 0
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait for `flush` before writing more."""
        return self._size >= _ENOUGH

    def write(self, channel: Channel, text: str) -> str:
        """Take *text*; return the lines that are whole now."""
        pending = self._partial.setdefault(channel, [])
        whole, newline, rest = text.rpartition("\n")
        if not newline:
            if rest:
                pending.append(rest)
            return ""
        lines = "".join([*pending, whole, "\n"])
        self._partial[channel] = [rest] if rest else []
        self._take(channel, lines)
        return lines

    def rest(self) -> list[tuple[Channel, str]]:
        """End the partial lines, and return them as whole ones."""
        ended = []
        for channel, pending in self._partial.items():
            if pending:
                lines = "".join(pending) + "\n"
                self._take(channel, lines)
                ended.append((channel, lines))
        self._partial.clear()
        return ended

    async def flush(self) -> None:
        """Make durable what was written; partial lines stay."""
        async with self._turn:
            await self._flush()

    async def pass_through(self, segment: Segment) -> None:
        """Append the worker's segment as it is, after what was written before."""
        async with self._turn:
            await self._flush()
            await self._append(segment)

    async def close(self) -> None:
        """Make everything durable, partial lines as well."""
        self.rest()
        await self.flush()

    def _take(self, channel: Channel, lines: str) -> None:
        data = lines.encode("utf-8", "surrogateescape")
        self._whole.append(with_letter(channel, data) if self._kind is LogType.STDIO else data)
        self._size += len(data)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON, self._flush_soon)

    def _flush_soon(self) -> None:
        self._timer = None
        self._tasks.spawn(self._flush_quietly(), name="flush a log")

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # noqa: BLE001 - raised to the next who writes
            self._failure = failure

    async def _flush(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._whole:
            lines = b"".join(self._whole)
            self._whole.clear()
            self._size = 0
            for piece in pieces_of(lines):
                await self._append(segment_of(piece))
