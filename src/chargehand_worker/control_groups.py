"""Control groups (version 2): what a command starts stays in its group, wherever it hides.

The kernel kills all processes of a group at once. Without a group that we may use, `processes`
looks for them in ``/proc``, which it does in any case for those that were faster than their move
into the group.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

_OURS = "chargehand-"
_OCTAL = re.compile(r"\\(\d{3})")
_SYSTEMD = Path("/run/systemd/system")
_DELEGATED = ("user.delegate", "trusted.delegate")


class ControlGroup:
    """The group of one command."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, process_id: int) -> bool:
        """Move a process into it; return whether that worked."""
        return self._write("cgroup.procs", str(process_id))

    def has_processes(self) -> bool:
        """Return whether any of its processes lives."""
        try:
            return "populated 1" in (self._path / "cgroup.events").read_text()
        except OSError:
            return False

    def kill(self) -> None:
        """Kill all its processes, and those that they start meanwhile."""
        self._write("cgroup.kill", "1")

    def remove(self) -> None:
        """Remove it, if it is empty."""
        with contextlib.suppress(OSError):
            self._path.rmdir()

    def _write(self, name: str, text: str) -> bool:
        try:
            (self._path / name).write_text(text)
        except OSError:
            return False
        return True


class ControlGroups:
    """The groups of an agent's commands, below the agent's own."""

    def __init__(self, parent: Path) -> None:
        """Raises OSError when there can be none."""
        _remove_empty(parent)
        self._path = parent / f"{_OURS}{os.getpid()}"
        self._count = 0
        probe = self.create()
        if not (self._path / "cgroup.kill").exists():
            probe.remove()
            self.remove()
            raise FileNotFoundError("the kernel has no cgroup.kill")
        probe.remove()

    def create(self) -> ControlGroup:
        """Return a new group. Raises OSError."""
        self._count += 1
        path = self._path / str(self._count)
        path.mkdir(parents=True)  # Another agent may have taken ours for a left one.
        return ControlGroup(path)

    def kill_all(self) -> None:
        """Kill everything in all groups."""
        ControlGroup(self._path).kill()

    def remove(self) -> None:
        """Remove those that are empty."""
        _remove_empty(self._path)
        ControlGroup(self._path).remove()


def usable_groups(proc: Path = Path("/proc/self")) -> Optional[ControlGroups]:
    """Return the groups that we may make, None if there are none.

    Only below a group that was given to us: where systemd runs, all others are its own.
    """
    try:
        mounts = (proc / "mountinfo").read_text(errors="surrogateescape")
        membership = (proc / "cgroup").read_text(errors="surrogateescape")
        for directory in directories_of(mounts, membership):
            if _is_given_to_us(directory):
                return ControlGroups(directory)
    except OSError:
        pass
    return None


def directories_of(mounts: str, membership: str) -> Iterator[Path]:
    """Yield where the group of a process is, of its ``mountinfo`` and its ``cgroup`` in ``/proc``.

    There may be several mounts, of all or of a part of the tree, beside those of version 1.
    """
    own = next((line[3:] for line in membership.splitlines() if line.startswith("0::")), None)
    if own is None:
        return
    for line in mounts.splitlines():
        fields, is_mount, kind = line.partition(" - ")
        if not is_mount or not kind.startswith("cgroup2 "):
            continue
        root, place = (_unescaped(field) for field in fields.split(" ")[3:5])
        if root == "/":
            yield Path(place + own)
        elif own == root or own.startswith(root + "/"):
            yield Path(place + own[len(root) :])


def _is_given_to_us(directory: Path) -> bool:
    if not os.access(directory, os.W_OK) or not os.access(directory / "cgroup.procs", os.W_OK):
        return False
    if os.geteuid() != 0 or not _SYSTEMD.exists():
        return True
    return any(_attribute(directory, name) == b"1" for name in _DELEGATED)


def _attribute(directory: Path, name: str) -> bytes:
    try:
        return os.getxattr(directory, name)
    except OSError:
        return b""


def _remove_empty(parent: Path) -> None:
    """Remove groups of ours that agents left which had no time to."""
    for group in list(parent.glob("*/")):
        if group.name.startswith(_OURS):
            _remove_empty(group)
        if group.name.startswith(_OURS) or group.name.isdigit():
            ControlGroup(group).remove()


def _unescaped(field: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), field)
