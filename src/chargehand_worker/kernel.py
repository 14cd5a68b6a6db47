"""What Linux offers to keep processes together: subreapers, death signals, lists of children."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Make orphans among our descendants our own children, so that none can escape us."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: signal.Signals) -> None:
    """Ask for a signal when our parent dies."""
    _prctl(_PR_SET_PDEATHSIG, number)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def children() -> list[int] | None:
    """Return our children, dead ones included; None where the kernel does not tell."""
    found: list[int] = []
    try:
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 - speed
            with open(f"/proc/self/task/{thread}/children", "rb") as file:  # noqa: PTH123 - speed
                found += map(int, file.read().split())
    except OSError:
        return None
    return found


class Process(NamedTuple):
    """A living process, as ``/proc`` shows it."""

    id: int
    parent: int
    group: int
    session: int


def processes() -> Iterator[Process]:
    """Yield every process there is, without those that are dead already."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - speed
            if name.isdigit() and (found := _read(name)) is not None:
                yield found


def _read(name: str) -> Process | None:
    try:
        with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - speed
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    return Process(int(name), int(fields[1]), int(fields[2]), int(fields[3]))


def environment_of(process_id: int) -> bytes:
    """Return the environment that a process was started with; empty if it is not readable."""
    try:
        with open(f"/proc/{process_id}/environ", "rb") as file:  # noqa: PTH123 - speed
            return b"\0" + file.read() + b"\0"
    except OSError:
        return b""


def has_open(process_id: int, streams: frozenset[str]) -> bool:
    """Return whether one of a process's descriptors is one of *streams*, as `stream_of` names."""
    directory = f"/proc/{process_id}/fd"
    try:
        numbers = os.listdir(directory)  # noqa: PTH208 - speed
    except OSError:
        return False
    return any(_link(f"{directory}/{number}") in streams for number in numbers)


def stream_of(descriptor: int) -> str:
    """Return by which name the other end of a pipe or terminal is known; empty if by none."""
    return _link(f"/proc/self/fd/{descriptor}")


def directory_of(process_id: int) -> str:
    """Return the working directory of a process; empty if it is not readable."""
    return _link(f"/proc/{process_id}/cwd")


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - speed
    except OSError:
        return ""


def kill(process_id: int, number: int = signal.SIGKILL) -> None:
    """Send a signal; a process that is gone or not ours is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process_id, number)


def kill_group(group: int, number: int) -> None:
    """Send a signal to a process group; one that is gone is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
