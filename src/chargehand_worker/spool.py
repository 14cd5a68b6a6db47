"""Output of commands on disk, while there is no connection to the master that wants it."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Optional

from chargehand_wire.framing import Bytes
from chargehand_wire.numbering import Place

_log = logging.getLogger(__name__)

_FILE = ".spool"
_IS_TEMPORARY: int = getattr(os, "O_TEMPORARY", 0)
"""With this flag Windows removes the file when its process ends; it cannot be removed before."""
_FLAGS: int = _IS_TEMPORARY
for _name in ("O_CLOEXEC", "O_NOINHERIT", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
_TRY_AGAIN_SECONDS = 5.0


class DiskSpool:
    """Keeps frames in a file that nobody else sees, and that is gone when its process ends.

    It takes up to *limit* bytes. A full disk costs nothing but its room: commands wait then, as
    they do when a master is slow.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self._path = directory / _FILE
        self._descriptor = -1
        self._limit = limit
        self._end = 0
        self._used = 0
        self._full_until = 0.0

    @property
    def has_room(self) -> bool:
        """Whether it takes more."""
        return self._end < self._limit and time.monotonic() >= self._full_until

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing."""
        return self._used == 0

    def put(self, frame: Bytes) -> Optional[Place]:
        """Keep a frame; None if that is not possible."""
        if not self.has_room:
            return None
        try:
            if self._descriptor < 0:
                self._descriptor = self._opened()
            os.lseek(self._descriptor, self._end, os.SEEK_SET)
            written = os.write(self._descriptor, frame)
        except OSError as error:
            self._full(str(error.strerror))
            return None
        if written < len(frame):
            self._full("the disk is full")
            return None
        place = (self._end, len(frame))
        self._end += len(frame)
        self._used += len(frame)
        return place

    def get(self, place: Place) -> bytes:
        """Return a frame. Raises OSError."""
        os.lseek(self._descriptor, place[0], os.SEEK_SET)
        frame = os.read(self._descriptor, place[1])
        if len(frame) != place[1]:
            raise OSError("the spool of output is damaged")
        return frame

    def release(self, place: Place) -> None:
        """Forget a frame; the file becomes empty with the last one."""
        self._used -= place[1]
        if not self._used:
            self._end = 0
            os.ftruncate(self._descriptor, 0)

    def _opened(self) -> int:
        """Return the file; it is made when there is something to keep. Raises OSError."""
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        if not _IS_TEMPORARY:
            self._path.unlink()
        return descriptor

    def _full(self, why: str) -> None:
        self._full_until = time.monotonic() + _TRY_AGAIN_SECONDS
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, self._end)
        _log.warning(
            "cannot keep more output of commands on disk (%s): they wait for the master", why
        )
