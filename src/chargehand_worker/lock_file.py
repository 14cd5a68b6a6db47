"""A lock that one process holds while it is alive, and the file that says which process that is."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

_MARKER = "CHARGEHAND_WORKER"
"""The variable in the environment of the worker's processes that says whose they are."""
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
_FAR_AWAY = 1 << 30
"""Which byte Windows locks: others could not read one that is there."""


def take_lock(path: Path) -> int:
    """Hold a lock that says that the worker is alive, as long as the guard or the agent is.

    The file says which processes those are, and how those of its commands are recognised. Returns
    its descriptor. Raises BlockingIOError when another one holds it, and OSError.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    _lock(lock, is_shared=False)
    try:
        name_holder(lock)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return lock


def name_holder(lock: int) -> None:
    """Write into the lock's file that this process holds it. Raises OSError."""
    text = f"{os.getpid()}\n{os.environ.get(_MARKER, '')}\n".encode()
    os.lseek(lock, 0, os.SEEK_SET)
    os.write(lock, text)  # First: on a full disk, what is cut off could not be written again.
    os.ftruncate(lock, len(text))


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock."""
    try:
        lock = os.open(path, os.O_RDWR | _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        _lock(lock, is_shared=True)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _lock(descriptor: int, *, is_shared: bool) -> None:
    if sys.platform != "win32":
        fcntl = importlib.import_module("fcntl")
        kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return
    _lock_byte(importlib.import_module("msvcrt"), descriptor)


def _lock_byte(msvcrt: Any, descriptor: int) -> None:
    """Lock as Windows does. Raises BlockingIOError."""
    os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BlockingIOError(error.errno, error.strerror) from error
