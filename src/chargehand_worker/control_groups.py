"""Control groups (version 2): what a command starts stays in its group, wherever it hides.

The kernel kills all processes of a group at once. Without a group that we may use, `processes`
looks for them in ``/proc``, which it does in any case for those that were faster than their move
into the group.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

_OURS = "chargehand-"
_OCTAL = re.compile(r"\\(\d{3})")
_SYSTEMD = Path("/run/systemd/system")
_LONGEST_EVENTS = 4096
_DELEGATED = ("user.delegate", "trusted.delegate")


class ControlGroup:
    """The group of one command, and of others later."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the kernel does not offer what is needed."""
        self._path = path
        self._kill = os.open(path / "cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
        self._processes = os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        self._events = os.open(path / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)

    def add(self, process_id: int) -> None:
        """Move a process into it, if that is possible."""
        with contextlib.suppress(OSError):
            os.write(self._processes, b"%d" % process_id)

    def has_processes(self) -> bool:
        """Return whether any of its processes lives."""
        try:
            return b"populated 1" in os.pread(self._events, _LONGEST_EVENTS, 0)
        except OSError:
            return False

    def kill(self) -> None:
        """Kill all its processes, and those that they start meanwhile."""
        with contextlib.suppress(OSError):
            os.write(self._kill, b"1")

    def remove(self) -> None:
        """Remove it, if it is empty; use it no more."""
        for descriptor in (self._kill, self._processes, self._events):
            os.close(descriptor)
        _remove(self._path)


class ControlGroups:
    """The groups of an agent's commands, below the agent's own."""

    def __init__(self, parent: Path) -> None:
        """Raises OSError when there can be none."""
        _remove_empty(parent)
        self._path = parent / f"{_OURS}{os.getpid()}"
        self._count = 0
        self._free: list[ControlGroup] = []
        try:
            self.free(self.take())
        except OSError:
            _remove_empty(self._path)
            _remove(self._path)
            raise

    def take(self) -> ControlGroup:
        """Return an empty group. Raises OSError."""
        if self._free:
            return self._free.pop()
        self._count += 1
        path = self._path / str(self._count)
        path.mkdir(parents=True)
        return ControlGroup(path)

    def free(self, group: ControlGroup) -> None:
        """Keep a group for another command, if it is empty."""
        if group.has_processes():
            group.remove()
        else:
            self._free.append(group)

    def kill_all(self) -> None:
        """Kill everything in all groups."""
        with contextlib.suppress(OSError):
            (self._path / "cgroup.kill").write_text("1")

    def remove(self) -> None:
        """Remove those that are empty."""
        _remove_empty(self._path)
        _remove(self._path)


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
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.getxattr(directory, name)
    return b""


def _remove_empty(parent: Path) -> None:
    """Remove empty groups of ours: agents that were killed have left them."""
    for group in list(parent.glob("*/")):
        if group.name.startswith(_OURS) and _agent_has_ended(group):
            _remove_empty(group)
            _remove(group)
        elif group.name.isdigit():
            _remove(group)


def _agent_has_ended(group: Path) -> bool:
    return not Path("/proc", group.name[len(_OURS) :]).exists()


def _remove(group: Path) -> None:
    with contextlib.suppress(OSError):
        group.rmdir()


def _unescaped(field: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), field)
