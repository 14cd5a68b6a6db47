"""Copying a directory with all it contains, between directories of one machine."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from chargehand_worker.copying import copy

_ENTRY = 512
"""Bytes that an entry counts besides its content, as it would in an archive."""
_KEPT_PERMISSIONS = 0o755
"""Nobody else may write to what was copied, nor does it run as somebody else."""
_OWN_PERMISSIONS = 0o600
_BINARY: int = getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | _BINARY | os.O_CREAT | os.O_EXCL


def copy_tree(source: Path, target: Path, take: Callable[[int], None]) -> None:
    """Copy what *source* contains into the empty directory *target*.

    *take* is called with the size of each piece; what it raises ends the copying. Links are copied
    as links, files that are one file stay one, sockets are left out. Raises OSError.
    """
    _Copying(take).run(source, target)


class _Copying:
    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self._linked: dict[tuple[int, int], Path] = {}
        self._copied: list[tuple[Path, int]] = []

    def run(self, source: Path, target: Path) -> None:
        waiting = [(source, target)]
        while waiting:
            from_, to = waiting.pop()
            self._copied.append((to, from_.stat().st_mtime_ns))
            with os.scandir(from_) as entries:
                for entry in entries:
                    self._take(_ENTRY)
                    place = to / entry.name
                    if entry.is_dir(follow_symlinks=False):
                        place.mkdir()
                        waiting.append((Path(entry.path), place))
                    else:
                        self._copy(entry, place)
        # Not before: each entry changes the time of its directory.
        for directory, time in reversed(self._copied):
            os.utime(directory, ns=(time, time))

    def _copy(self, entry: os.DirEntry[str], place: Path) -> None:
        status = entry.stat(follow_symlinks=False)
        file = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and file in self._linked:
            os.link(self._linked[file], place, follow_symlinks=False)
        elif stat.S_ISLNK(status.st_mode):
            place.symlink_to(Path(entry.path).readlink())
        elif stat.S_ISREG(status.st_mode):
            _copy_file(entry.path, place, status, self._take)
        elif stat.S_ISSOCK(status.st_mode):
            return
        else:
            raise OSError(errno.EINVAL, "not a file, directory, or link", entry.path)
        if status.st_nlink > 1:
            self._linked[file] = place


def _copy_file(name: str, place: Path, status: os.stat_result, take: Callable[[int], None]) -> None:
    source = os.open(name, _READ)
    try:
        target = os.open(place, _CREATE, _OWN_PERMISSIONS)
        try:
            copy(source, target, take, status.st_size)
            mode = status.st_mode & _KEPT_PERMISSIONS | _OWN_PERMISSIONS
            if sys.platform == "win32":
                place.chmod(mode)
            else:
                os.fchmod(target, mode)
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        except OSError as error:
            raise OSError(error.errno, error.strerror, error.filename or name) from error
        finally:
            os.close(target)
    finally:
        os.close(source)
