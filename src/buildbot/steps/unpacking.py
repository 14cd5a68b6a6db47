"""Archives that are unpacked while they arrive, so that they need no room of their own."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import queue
import tarfile as _tarfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import zstandard

# Python 3.11.2, which Debian 12 has, cannot keep an archive from leaving its directory.
_CAN_FILTER = hasattr(_tarfile, "data_filter")
tarfile: Any = _tarfile if _CAN_FILTER else importlib.import_module("backports.tarfile")

_WAITING = 2
"""How many pieces wait until they are unpacked; then the worker waits."""
_BLOCK = 120 * 1024
"""Bytes that are written to a file at once: less than what the C library maps afresh each time."""
_LONGEST_MAGIC = 6
_OPENERS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": lambda file: zstandard.ZstdDecompressor().stream_reader(file),
}
"""How to read what begins so."""
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)

_Read = Callable[[int], bytes]


class Unpacking:
    """Unpacks an archive (tar; with gzip, bzip2, xz or zstd) into a directory while it arrives.

    `write` may be called in any thread, and waits when the disk is slower than the worker. Use
    `finish` after the last piece, or `give_up`.
    """

    def __init__(self, directory: Path) -> None:
        self._pieces: queue.Queue[bytes] = queue.Queue(_WAITING)
        self._is_over = False
        self._is_given_up = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="unpack")
        self._unpacked = self._thread.submit(self._run, directory)

    def write(self, piece: bytes) -> int:
        """Take the next piece. What was unpacked of an archive that is refused stays there."""
        if piece:
            self._pieces.put(piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: `finish` waits."""

    def finish(self) -> None:
        """Wait until everything is unpacked. Raises OSError, TarError."""
        self._end()
        self._unpacked.result()

    def give_up(self) -> None:
        """Stop, and wait for that; has no effect after `finish`."""
        self._is_given_up = True
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._pieces.put(b"")
        self._thread.shutdown()

    def _run(self, directory: Path) -> None:
        pieces = _Pieces(self._pieces.get)
        try:
            _unpack(_Forward(pieces.read), directory, lambda: self._is_given_up)
        finally:
            pieces.skip()


def _unpack(raw: _Forward, directory: Path, is_given_up: Callable[[], bool]) -> None:
    magic = raw.peek(_LONGEST_MAGIC)
    opener = next((one for start, one in _OPENERS.items() if magic.startswith(start)), None)
    try:
        tar = raw if opener is None else _Forward(opener(raw).read)
        with tarfile.open(fileobj=tar, mode="r:", copybufsize=_BLOCK) as archive:
            archive.extractall(directory, _members(archive, is_given_up), filter="data")
        while tar.read(_BLOCK):
            pass  # Sums of what was compressed come last.
    except _DAMAGED as error:
        raise tarfile.ReadError(f"the archive is damaged: {error}") from error
    except OSError as error:
        if error.errno is None:  # It is about the archive, not about a file.
            raise tarfile.ReadError(f"the archive is damaged: {error}") from error
        raise


def _members(archive: Any, is_given_up: Callable[[], bool]) -> Any:
    """Yield what the archive has, as it comes, unless nobody wants it any more."""
    for member in archive:
        if is_given_up():
            return
        yield member


class _Pieces:
    """Reads pieces as one file; an empty one is the last."""

    def __init__(self, next_piece: Callable[[], bytes]) -> None:
        self._next = next_piece
        self._piece = memoryview(b"")
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Return some of the next *size* bytes, nothing at the end."""
        if not self._piece and not self._is_over:
            self._piece = memoryview(self._next())
            self._is_over = not self._piece
        part, self._piece = self._piece[:size], self._piece[size:]
        return bytes(part)

    def skip(self) -> None:
        """Take the rest, so that nobody waits for its being read."""
        self._piece = memoryview(b"")
        while self.read(1):
            self._piece = memoryview(b"")


class _Forward:
    """A file that is read from its beginning to its end, in which nothing can go back."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._peeked = b""
        self._at = 0

    def peek(self, size: int) -> bytes:
        """Return what `read` will return."""
        self._peeked = self._all(size)
        return self._peeked

    def read(self, size: int = -1) -> bytes:
        """Return *size* bytes, fewer at the end; of a negative number: all."""
        if size < 0:
            parts = []
            while part := self.read(_BLOCK):
                parts.append(part)
            return b"".join(parts)
        data = self._all(size)
        self._at += len(data)
        return data

    def tell(self) -> int:
        """Return how much was read."""
        return self._at

    def seek(self, position: int) -> int:
        """Go forward. Raises ReadError."""
        if position < self._at:
            raise tarfile.ReadError("the archive refers to what came before")
        while (left := position - self._at) and self.read(min(left, _BLOCK)):
            pass
        return self._at

    def _all(self, size: int) -> bytes:
        peeked, self._peeked = self._peeked[:size], self._peeked[size:]
        parts = [peeked] if peeked else []
        left = size - len(peeked)
        while left and (part := self._read(left)):
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
