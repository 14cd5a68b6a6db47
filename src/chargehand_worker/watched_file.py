"""A log file that a command writes by itself, followed while the command runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from chargehand_worker.output import LineCutter
from chargehand_worker.pipes import READ_SIZE
from chargehand_worker.redaction import Redactor

Lines = tuple[bytes, int]
"""Whole lines with their letters, and their number."""

_FLAGS: int = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOINHERIT", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class WatchedFile:
    """Reads what is added to a file; one that was there before and does not change is ignored.

    When another file takes its name (logs are rotated so), the rest of the old one is read first,
    and then the new one from its beginning. Only regular files are read: a pipe would take what is
    meant for others, and a device need not end.
    """

    def __init__(
        self,
        path: Path,
        *,
        follow: bool,
        encoding: str | None,
        redactor: Redactor | None = None,
    ) -> None:
        self._path = path
        self._cutter = LineCutter(b"o", encoding, redactor)
        self._descriptor = -1
        self._before = self._fingerprint()
        self._offset = self._before[2] if follow and self._before else 0
        self._largest = 0
        self._is_replaced = False
        self.complaint: str | None = None
        """Why the file is not read, if there is a reason."""

    def read(self) -> tuple[bytes, int, bool]:
        """Return new lines, their number, and whether there may be more to read at once."""
        try:
            return self._read(READ_SIZE)
        except OSError as error:
            self.complaint = f"cannot be read ({error.strerror})"
            self.close()
            return b"", 0, False

    def finish(self) -> Iterator[Lines]:
        """Read what is there now, of the file and of one that took its name, and close it.

        A file that grows on meanwhile is read up to the length that it has when this begins.
        """
        for _ in range(2):
            left = self._left()
            while left > 0:
                text, line_count, is_more = self.read()
                left -= READ_SIZE
                yield text, line_count
                if not is_more:
                    break
            self._is_replaced = True  # There is no later look to wait for.
            yield self.read()[:2]
        self.close()
        yield self._cutter.finish()

    def _read(self, size: int) -> tuple[bytes, int, bool]:
        if self._descriptor < 0 and not self._open():
            return b"", 0, False
        os.lseek(self._descriptor, self._offset, os.SEEK_SET)
        data = os.read(self._descriptor, size)
        if data:
            self._offset += len(data)
            self._largest = max(self._largest, os.fstat(self._descriptor).st_size)
            return *self._cutter.feed(data), True
        now = os.fstat(self._descriptor)
        if now.st_size < self._offset and now.st_size < self._largest:
            self._begin_again()  # It was truncated, and is written from its beginning.
            return *self._cutter.finish(), now.st_size > 0
        return self._look_for_another(now)

    def _look_for_another(self, now: os.stat_result) -> tuple[bytes, int, bool]:
        """Turn to the file that has taken the name, when the old one has had time to end."""
        other = self._fingerprint()
        if other is None or other[:2] == (now.st_dev, now.st_ino):
            self._is_replaced = False
            return b"", 0, False
        if not self._is_replaced:
            self._is_replaced = True
            return b"", 0, False
        self.close()
        self._before = None
        self._begin_again()
        return *self._cutter.finish(), True

    def _begin_again(self) -> None:
        self._offset = self._largest = 0
        self._is_replaced = False

    def _left(self) -> int:
        if self._descriptor < 0:
            found = self._fingerprint()
            return 0 if found is None else max(found[2] - self._offset, 1)
        return max(os.fstat(self._descriptor).st_size - self._offset, 1)

    def _open(self) -> bool:
        now = self._fingerprint()
        if now is None or now == self._before:
            return False
        kind = stat.S_IFMT(now[4])
        if kind != stat.S_IFREG:
            self.complaint = f"is {_KINDS.get(kind, 'no regular file')}"
            return False
        if self._before is not None and now[:2] != self._before[:2]:
            self._offset = 0  # Another file in its place.
        self.complaint = None
        self._descriptor = os.open(self._path, _FLAGS)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self.close()
            return False
        return True

    def close(self) -> None:
        """Stop reading; an incomplete last line stays incomplete."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _fingerprint(self) -> tuple[int, int, int, int, int] | None:
        try:
            found = self._path.stat()
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
