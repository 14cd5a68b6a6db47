"""What systems offer to keep processes together: subreapers, death signals, lists of processes.

Linux shows its processes in ``/proc``; macOS and the BSDs have ``ps``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_P_PID = 0
_PROC_REAP_ACQUIRE = 2
_NOT_THERE: tuple[type[OSError], ...] = (ProcessLookupError, PermissionError)
if sys.platform == "win32":
    _NOT_THERE = (OSError,)  # Of a process that is gone it says that an argument is invalid.
_HAS_PROC = Path("/proc/self/stat").exists()
_LIST = ("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=")
_WITH_ENVIRONMENT = "-E" if sys.platform == "darwin" else "-e"
_LIST_ENVIRONMENTS = ("ps", "-A", _WITH_ENVIRONMENT, "-ww", "-o", "pid=", "-o", "command=")


def become_subreaper() -> None:
    """Make orphans among our descendants our own children, so that none can escape us."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if sys.platform.startswith("freebsd"):
        ctypes.CDLL(None).procctl(_P_PID, ctypes.c_int64(os.getpid()), _PROC_REAP_ACQUIRE, None)


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
    if not _HAS_PROC:
        yield from _listed()
        return
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


def _listed() -> Iterator[Process]:
    """Yield the processes that ``ps`` shows, but for ``ps`` itself."""
    lister, text = _output(_LIST)
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3][:1] in (b"Z", b"X"):
            continue
        number, parent, group = map(int, fields[:3])
        if number == lister:
            continue
        try:
            session = os.getsid(number)
        except OSError:
            continue
        yield Process(number, parent, group, session)


def _output(command: tuple[str, ...]) -> tuple[int, bytes]:
    """Run a program; return its process, and what it wrote."""
    nowhere = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            command, stdin=nowhere, stdout=subprocess.PIPE, stderr=nowhere
        ) as process:
            return process.pid, process.communicate()[0]
    except OSError:
        return 0, b""


def marked(variable: bytes) -> set[int]:
    """Return the processes that have *variable* (``NAME=value``) in their environment.

    Only where there is no ``/proc``, in which `environment_of` looks: there an orphan has left us.
    """
    if _HAS_PROC:
        return set()
    found = set()
    for line in _output(_LIST_ENVIRONMENTS)[1].splitlines():
        number, _, words = line.strip().partition(b" ")
        if number.isdigit() and variable in words.split(b" "):
            found.add(int(number))
    return found


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


def kill(process_id: int, number: int = getattr(signal, "SIGKILL", signal.SIGTERM)) -> None:
    """Send a signal; a process that is gone or not ours is left alone."""
    with contextlib.suppress(*_NOT_THERE):
        os.kill(process_id, number)


def kill_group(group: int, number: int) -> None:
    """Send a signal to a process group; one that is gone is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
