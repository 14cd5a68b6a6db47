"""Who may read a master's files: its user, and others only where its settings say so."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_PRIVATE = 0o077
_STATE = ("*.sqlite*", "*.log", "*.log.*", "*.pid", "logs", "agents")


def keep_private(basedir: Path, umask: int | None = None) -> None:
    """Close what this process makes to others, and the master's state that is there already.

    *umask* is what the settings say, if anything; 0o027 lets the group read.
    """
    mask = _PRIVATE if umask is None else umask
    for pattern in _STATE:
        for path in basedir.glob(pattern):
            _close(path, mask)
    os.umask(mask)


def _close(path: Path, mask: int) -> None:
    with contextlib.suppress(OSError):  # Of another user, who cares for it.
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & mask:
            path.chmod(mode & ~mask)
