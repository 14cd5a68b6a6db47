"""Opening files that must be regular ones, so that a FIFO, a device or a directory hangs nobody."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path) -> int:
    """Open a regular file for reading. Raises OSError for others, without waiting for anything."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            require_regular(path.stat().st_mode)
        raise
    try:
        require_regular(os.fstat(file).st_mode)
    except OSError:
        os.close(file)
        raise
    return file


def require_regular(mode: int) -> None:
    """Raise OSError for the mode of anything but a regular file."""
    if not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise OSError(errno.EINVAL, f"It is {kind}, not a regular file")


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError, also for what is no such file."""
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read()
