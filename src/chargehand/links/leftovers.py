"""Killing what a worker left behind that was itself killed together with its guard."""

from __future__ import annotations

import contextlib
import logging
import os
import signal

_log = logging.getLogger(__name__)

_ROUNDS = 20


def kill_leftovers(variable: str, value: str) -> None:
    """Kill every process that was started with this variable in its environment."""
    needle = f"\0{variable}={value}\0".encode()
    for _ in range(_ROUNDS):
        found = [process_id for process_id in _process_ids() if needle in _environment(process_id)]
        if not found:
            return
        _log.warning("killing processes that an earlier worker left behind: %s", found)
        for process_id in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, signal.SIGKILL)


def _process_ids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - speed
    except FileNotFoundError:
        return []


def _environment(process_id: int) -> bytes:
    try:
        with open(f"/proc/{process_id}/environ", "rb") as file:  # noqa: PTH123 - speed
            return b"\0" + file.read() + b"\0"
    except OSError:
        return b""
