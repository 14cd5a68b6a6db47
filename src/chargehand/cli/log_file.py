"""The file of the master's own messages: rotated by size, and followed when others move it."""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path

from chargehand.kit.guard import Guard

_LOOK_SECONDS = 1.0
"""How often it looks whether the file is still in its place."""
_MOST_WAITING = 64 * 1024
"""Bytes of messages that are kept while the file cannot be written."""


class LogFile(logging.Handler):
    """Appends messages to a file; each is in it when the call returns.

    A file that would grow beyond *max_size* bytes becomes ``NAME.1``, what was that ``NAME.2`` …;
    *count* of these are kept, all if it is None. With 0 for either of them nothing is rotated.
    It counts what it writes, and looks at the file once a second: if somebody moved or removed it,
    it creates a new one. While the disk is full some messages wait; how many are lost beyond that
    is logged afterwards. Raises OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, *, max_size: int, count: int | None) -> None:
        super().__init__()
        self._path = path.absolute()
        self.max_size = max_size if count is None or count > 0 else 0
        self.count = count
        self._guard = Guard(lambda _: None)  # An argument that cannot be shown, say.
        self._waiting = b""
        self._lost = 0
        self._looked_at = 0.0
        self._file = self._opened()
        self._size = 0
        self._rotate_beyond = self.max_size
        self._measure(os.fstat(self._file))

    def limit(self, max_size: int | None, count: int | None) -> None:
        """Rotate by other limits from now on."""
        self.acquire()
        try:
            self.max_size = (max_size or 0) if count is None or count > 0 else 0
            self.count = count
            self._rotate_beyond = self.max_size
            if self._file >= 0:
                self._measure(os.fstat(self._file))
        finally:
            self.release()

    def handle(self, record: logging.LogRecord) -> bool:
        """Append a message, unless a filter is against it."""
        if self.filters or self.lock is None:
            return bool(super().handle(record))
        with self.lock:
            self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Append a message."""
        self._guard.call(self._emit, record)
        self._guard.failure = None

    def _emit(self, record: logging.LogRecord) -> None:
        line = self._line(record)
        if self._file >= 0:
            self._append(line, record.created)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.acquire()
        try:
            file, self._file = self._file, -1
            if file >= 0:
                _written(file, self._waiting)
                os.close(file)
        finally:
            self.release()
        super().close()

    def _line(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode("utf-8", "replace")

    def _append(self, line: bytes, now: float) -> None:
        if not 0 <= now - self._looked_at < _LOOK_SECONDS:  # The clock may have been set back.
            self._looked_at = now
            self._follow()
        if 0 < self._rotate_beyond < self._size + len(line) and self._size:
            self._rotate()
        if self._waiting and len(self._waiting) + len(line) > _MOST_WAITING:
            self._lost += 1
            line = b""
        self._write(line)
        if self._lost and not self._waiting:
            words = f"{self._lost} messages were lost because this file could not be written"
            self._lost = 0
            warning = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
            self._write(self._line(logging.makeLogRecord({**warning, "msg": words})))

    def _write(self, line: bytes) -> None:
        before = self._waiting + line if self._waiting else line
        self._waiting = _written(self._file, before)
        self._size += len(before) - len(self._waiting)

    def _follow(self) -> None:
        """Create a new file if the one it writes to is no longer in its place."""
        ours = os.fstat(self._file)
        try:
            there = self._path.stat()
            is_ours = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        except OSError:
            is_ours = False
        if is_ours or not self._reopen():
            self._measure(ours)

    def _rotate(self) -> None:
        """Move the file away, and the older ones before it."""
        self._rotate_beyond = self._size + self.max_size  # When it fails, it is retried then.
        number = 1
        while number != self.count and os.path.lexists(self._older(number)):
            number += 1
        try:
            for older in range(number, 1, -1):
                self._older(older - 1).rename(self._older(older))
            self._path.rename(self._older(1))
        except OSError:
            return
        self._reopen()

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _reopen(self) -> bool:
        try:
            file = self._opened()
        except OSError:  # It goes on in the old one, wherever that is now.
            return False
        os.close(self._file)
        self._file = file
        self._rotate_beyond = self.max_size
        self._measure(os.fstat(file))
        return True

    def _measure(self, found: os.stat_result) -> None:
        """Take the size of the file as it is; of devices and FIFOs there is none."""
        self._size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        if not stat.S_ISREG(found.st_mode):
            self._rotate_beyond = 0

    def _opened(self) -> int:
        # O_NONBLOCK: a FIFO that nobody reads is an error instead of a wait without end.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            file = os.open(self._path, flags, 0o666)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            words = "It is a FIFO or a socket that nobody reads"
            raise OSError(errno.ENXIO, words, str(self._path)) from None
        os.set_blocking(file, True)
        return file


def _written(file: int, data: bytes) -> bytes:
    """Write as much as there is room for; return the rest."""
    while data:
        try:
            count = os.write(file, data)
        except OSError:
            break
        data = data[count:]
    return data
