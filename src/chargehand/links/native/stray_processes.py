"""Kills the leftover processes of a worker that was killed together with its guard."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time

_log = logging.getLogger(__name__)

WORKER_MARKER = "CHARGEHAND_WORKER"
"""The environment variable that marks an agent and all its commands."""

_PAUSES = [0.0] + [0.01] * 20 + [0.1] * 100
"""Rounds of killing: on a busy machine, killed processes take a while to end, and may have started
others."""


def kill_stray_processes(variable: str, value: str) -> None:
    """Kill every process that has this variable in its environment, with all below it, which may
    have cleared theirs; and wait for their end."""
    needle = f"\0{variable}={value}\0".encode()
    killed: set[int] = set()
    for pause in _PAUSES:
        time.sleep(pause)
        found = {process_id for process_id in _process_ids() if needle in _environment(process_id)}
        if found:
            found |= _descendants_of(found)
        if new := found - killed:
            _log.warning("killing leftover processes of an earlier worker: %s", sorted(new))
        for process_id in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, signal.SIGKILL)
        killed |= found
        if not any(_is_running(process_id) for process_id in killed):
            return


def _process_ids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - speed
    except FileNotFoundError:
        return []


def _descendants_of(roots: set[int]) -> set[int]:
    """Return what was started by these processes, and by those."""
    parents = {process_id: _parent_of(process_id) for process_id in _process_ids()}
    family = set(roots)
    while more := {one for one, parent in parents.items() if parent in family} - family:
        family |= more
    return family - roots


def _parent_of(process_id: int) -> int:
    fields = _read(process_id, "stat").rpartition(b")")[2].split()[:2]
    return int(fields[1]) if len(fields) == 2 else 0


def _environment(process_id: int) -> bytes:
    return b"\0" + _read(process_id, "environ") + b"\0"


def _is_running(process_id: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    state = _read(process_id, "stat").rpartition(b")")[2].split()[:1]
    return bool(state) and state[0] not in (b"Z", b"X")


def _read(process_id: int, name: str) -> bytes:
    try:
        with open(f"/proc/{process_id}/{name}", "rb") as file:  # noqa: PTH123 - speed
            return file.read()
    except OSError:
        return b""
