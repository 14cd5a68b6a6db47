"""What to do about a port that cannot be opened."""

from __future__ import annotations

import errno
import socket

_NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)


def what_to_do(error: OSError, setting: str) -> str:
    """Return what to change in *setting*, such as ``c['www']['port']``."""
    if isinstance(error, socket.gaierror) or error.errno in _NOT_OURS:
        return f"Give {setting} an address of this machine."
    if error.errno in _NOT_ALLOWED:
        return f"Set another port in {setting}; those below 1024 need special rights."
    return f"Set another port in {setting}, or stop what uses it."
