"""A log file that a command writes by itself, followed while the command runs."""

from __future__ import annotations

import os
from pathlib import Path

from chargehand_worker.output import LineCutter
from chargehand_worker.pipes import READ_SIZE


class WatchedFile:
    """Reads what is added to a file; one that was there before and does not change is ignored."""

    def __init__(self, path: Path, *, follow: bool, encoding: str | None) -> None:
        self._path = path
        self._cutter = LineCutter(b"o", encoding)
        self._descriptor = -1
        self._before = self._fingerprint()
        self._offset = self._before[2] if follow and self._before else 0

    def read(self) -> tuple[bytes, int, bool]:
        """Return new lines, their number, and whether there may be more to read at once."""
        if self._descriptor < 0 and not self._open():
            return b"", 0, False
        data = os.pread(self._descriptor, READ_SIZE, self._offset)
        if not data:
            if os.fstat(self._descriptor).st_size < self._offset:
                self._offset = 0  # It was truncated and is written anew.
            return b"", 0, False
        self._offset += len(data)
        text, line_count = self._cutter.feed(data)
        return text, line_count, True

    def finish(self) -> tuple[bytes, int]:
        """Close the file and return its last line where that has no newline."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        return self._cutter.finish()

    def _open(self) -> bool:
        now = self._fingerprint()
        if now is None or now == self._before:
            return False
        if self._before is not None and now[:2] != self._before[:2]:
            self._offset = 0  # Another file in its place.
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True

    def _fingerprint(self) -> tuple[int, int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
