"""What a command writes, cut into compressed segments of whole lines."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable
from typing import Protocol

from chargehand_wire.addresses import without_secrets
from chargehand_wire.pacing import Pace
from chargehand_worker.redaction import Redactor
from chargehand_worker.system_text import bytes_of

SEGMENT_SIZE = 256 * 1024
"""Bytes of text after which a segment is cut."""
LONGEST_LINE = 1024 * 1024
"""Longer lines are split there, so that memory has a bound."""
STDIO = "stdio"


class Outlet(Protocol):
    """Where a command's updates go."""

    def output(self, log: str, data: bytes, line_count: int, size: int) -> None:
        """Send a segment."""

    def value(self, key: str, value: object) -> None:
        """Send a value."""

    def has_room(self) -> bool:
        """Return whether the receiver keeps up; if not, stop reading until it does."""


class LineCutter:
    """Turns bytes as they come into whole lines without secrets, each with its channel's letter
    before it.

    How the bytes were cut does not matter for what comes of them.
    """

    def __init__(
        self, letter: bytes, encoding: str | None = None, redactor: Redactor | None = None
    ) -> None:
        self._letter = letter
        self._newline = b"\n" + letter
        self._partial = b""
        self._redactor = redactor or Redactor(())
        self._longest_partial = LONGEST_LINE + self._redactor.overlap
        self._decoder = None
        if encoding is not None and codecs.lookup(encoding).name not in ("utf-8", "ascii"):
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def feed(self, data: bytes) -> tuple[bytes, int]:
        """Return the lines that *data* completes, with letters, and their number."""
        if self._decoder is not None:
            data = self._decoder.decode(data).encode("utf-8", "replace")
        end = data.rfind(b"\n")
        if end < 0:
            self._partial += data
            return self._overlong()
        lines = self._partial + data[:end]
        self._partial = data[end + 1 :]
        if len(lines) > LONGEST_LINE:
            lines = self._split(lines)
        return self._lettered(lines)

    def finish(self) -> tuple[bytes, int]:
        """Return the last line, where it had no newline of its own."""
        if self._decoder is not None:
            self._partial += self._decoder.decode(b"", final=True).encode("utf-8", "replace")
        last, self._partial = self._partial, b""
        return self._lettered(self._split(last)) if last else (b"", 0)

    def _overlong(self) -> tuple[bytes, int]:
        if len(self._partial) <= self._longest_partial:
            return b"", 0
        pieces = []
        while len(self._partial) > self._longest_partial:
            border = self._redactor.border(self._partial, LONGEST_LINE)
            pieces.append(self._partial[:border])
            self._partial = self._partial[border:]
        return self._lettered(b"\n".join(pieces))

    def _split(self, lines: bytes) -> bytes:
        """Split the lines that are too long."""
        pieces = []
        for line in lines.split(b"\n"):
            rest = line
            while len(rest) > LONGEST_LINE:
                border = self._redactor.border(rest, LONGEST_LINE)
                pieces.append(rest[:border])
                rest = rest[border:]
            pieces.append(rest)
        return b"\n".join(pieces)

    def _lettered(self, lines: bytes) -> tuple[bytes, int]:
        lines = self._redactor.redacted(lines)
        lettered = lines.replace(b"\n", self._newline)
        # To count ends of lines takes longer than to replace them.
        line_count = (len(lettered) - len(lines)) // len(self._letter) + 1
        return b"".join((self._letter, lettered, b"\n")), line_count


class _Buffer:
    """Lines of one log that are not sent yet."""

    __slots__ = ("line_count", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.line_count = 0


class Output:
    """All logs of one command.

    Segments are cut when they are large enough or their first line has waited long enough, and only
    while the receiver keeps up. Callers check `has_room` first, which bounds memory.
    """

    def __init__(
        self,
        outlet: Outlet,
        compress: Callable[[bytes], bytes],
        redactor: Redactor | None = None,
    ) -> None:
        self._outlet = outlet
        self._compress = compress
        self.redactor = redactor or Redactor(())
        self._buffers: dict[str, _Buffer] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()
        self.line_count = 0

    def has_room(self) -> bool:
        """Return whether more may be written now."""
        return self._outlet.has_room()

    def write(self, log: str, text: bytes, line_count: int) -> None:
        """Add whole, lettered lines without secrets."""
        if not line_count:
            return
        buffer = self._buffers.get(log)
        if buffer is None:
            buffer = self._buffers[log] = _Buffer()
        buffer.parts.append(text)
        buffer.size += len(text)
        buffer.line_count += line_count
        if buffer.size >= SEGMENT_SIZE and self._outlet.has_room():
            self._cut(log, buffer)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._pace.delay(loop.time()), self.flush)

    def header(self, text: str) -> None:
        """Add lines of our own to the main log; passwords in addresses are not shown in them."""
        lines = self.redactor.redacted(bytes_of(without_secrets(text)).rstrip(b"\n"))
        self.write(STDIO, b"h" + lines.replace(b"\n", b"\nh") + b"\n", lines.count(b"\n") + 1)

    def flush(self) -> None:
        """Send what waits, as far as the receiver has room; the rest goes when it has again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._pace.sent(asyncio.get_running_loop().time())
        for log, buffer in self._buffers.items():
            if buffer.size and self._outlet.has_room():
                self._cut(log, buffer)

    @property
    def is_empty(self) -> bool:
        """Whether everything has been sent."""
        return not any(buffer.size for buffer in self._buffers.values())

    def _cut(self, log: str, buffer: _Buffer) -> None:
        text = buffer.parts[0] if len(buffer.parts) == 1 else b"".join(buffer.parts)
        self._outlet.output(log, self._compress(text), buffer.line_count, buffer.size)
        self._buffers[log] = _Buffer()
