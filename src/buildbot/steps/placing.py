"""Puts a directory that has arrived where it belongs."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4


class LeadsOutside(Exception):
    """An entry would lead out of the directory; the message says which, and where to."""


def staging_directory(target: Path) -> Path:
    """Make an empty directory from which entries can be moved into *target*. Raises OSError."""
    beside = target.parent
    beside.mkdir(parents=True, exist_ok=True)
    is_separate = target.is_dir() and target.stat().st_dev != beside.stat().st_dev
    stage = (target if is_separate else beside).absolute() / f".upload-{uuid4().hex}"
    stage.mkdir()
    return stage


def place_tree(stage: Path, target: Path) -> None:
    """Move all that *stage* contains into *target*, over what is there under the same names.

    Directories are merged. Nothing is moved if a link leads out of the directory. Raises
    LeadsOutside and OSError.
    """
    _check_links(stage, target)
    _Placing(target).merge(stage, target)


def _check_links(stage: Path, target: Path) -> None:
    for link in _links(stage):
        name = link.relative_to(stage)
        pointed = link.readlink()
        if pointed.is_absolute():
            raise LeadsOutside(f"'{name}' is a link to an absolute path")
        # Among what has arrived, and among what is there already.
        for root in (stage, target):
            _check_inside(root, root / name.parent / pointed, f"'{name}' links")


def _links(directory: Path) -> Iterator[Path]:
    waiting = [directory]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield Path(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))


def _check_inside(root: Path, place: Path, subject: str) -> None:
    real_root, real = (Path(os.path.realpath(path)) for path in (root, place))
    if not real.is_relative_to(real_root):
        raise LeadsOutside(f"{subject} to {real}, which is outside of the directory")


class _Placing:
    def __init__(self, root: Path) -> None:
        self._root = root

    def merge(self, source: Path, target: Path) -> None:
        """Move the entries of one directory into another one, which need not exist."""
        if not os.path.lexists(target) and _moved(source, target):
            return
        target.mkdir(exist_ok=True)
        _check_inside(self._root, target, f"'{target}' leads")
        status = source.stat()
        for entry in list(source.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                self.merge(entry, target / entry.name)
            elif not _moved(entry, target / entry.name):
                _copy_over(entry, target / entry.name)
        os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _moved(source: Path, target: Path) -> bool:
    """Move an entry, if the target is on the same file system; return whether it is."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _copy_over(source: Path, target: Path) -> None:
    copied = target.with_name(f".upload-{uuid4().hex}")
    try:
        shutil.copy2(source, copied, follow_symlinks=False)
        copied.replace(target)
    finally:
        copied.unlink(missing_ok=True)
