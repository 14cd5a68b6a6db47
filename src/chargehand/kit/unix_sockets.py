"""Unix sockets at paths of any length."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_LONGEST_ADDRESS = 107


@contextlib.contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Provide an address for *path* within the context.

    Addresses of unix sockets are limited in length: for longer paths it uses an open directory.
    Raises OSError.
    """
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def bound(path: Path, mode: int | None = None) -> socket.socket:
    """Return a socket bound to *path*, with its *mode* set before clients can connect."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address_of(path) as address:
            listener.bind(address)
        if mode is not None:
            path.chmod(mode)
    except BaseException:
        listener.close()
        raise
    return listener
