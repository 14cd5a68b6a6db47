"""Copying between files of one machine, by the kernel where it can."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

_F_SETPIPE_SZ = 1031
_AT_ONCE = 8 * 1024 * 1024
_BY_HAND = 1024 * 1024
_CANNOT = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF})
"""What `copy_file_range` says when it cannot copy between two files."""


def open_for_copies(name: str) -> int:
    """Open an existing file, to write it from its beginning. Raises OSError."""
    return os.open(name, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))


def widen(pipe: int, size: int = _BY_HAND) -> bool:
    """Let a pipe hold more, where the system allows it; return whether it does."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, size)
    except OSError:
        return False
    return True


def copy(source: int, target: int, take: Callable[[int], None], length: int | None = None) -> int:
    """Copy from where *source* is to where *target* is: all, or *length* bytes.

    *take* is called with the size of each piece that was copied; what it raises ends the copying.
    Return how many bytes there were. Raises OSError.
    """
    copied = 0
    by_kernel = sys.platform == "linux" and hasattr(os, "copy_file_range")
    while length is None or copied < length:
        most = _AT_ONCE if length is None else min(_AT_ONCE, length - copied)
        size = 0
        if by_kernel:
            size = _by_kernel(source, target, most)
            # Files without a size (below /proc, say) have to be read.
            by_kernel = size > 0
        if not size:
            size = _by_hand(source, target, most)
        if not size:
            break
        copied += size
        take(size)
    return copied


def _by_kernel(source: int, target: int, most: int) -> int:
    if sys.platform == "linux":
        try:
            return os.copy_file_range(source, target, most)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
    return 0


def _by_hand(source: int, target: int, most: int) -> int:
    data = memoryview(os.read(source, min(most, _BY_HAND)))
    left = data
    while left:
        left = left[os.write(target, left) :]
    return len(data)
