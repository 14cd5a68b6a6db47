"""Paths of a master's agents: their socket, and a lock file of each live agent."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from chargehand.links.native.stray_processes import WORKER_MARKER, kill_stray_processes

_SUFFIX = ".lock"
_LOOK_EVERY = 0.02


class AgentPlaces(msgspec.Struct, frozen=True):
    """A directory with a socket, and a lock file for each worker that ever ran here.

    An agent and its guard hold the lock while either of them is alive.
    """

    directory: Path

    @property
    def door(self) -> Path:
        """The socket that agents connect to."""
        return self.directory / "door"

    def lock(self, worker_name: str) -> Path:
        """The lock file of the worker's agent and its guard."""
        return self.directory / f"{quote(worker_name, safe='')}{_SUFFIX}"

    def living(self) -> list[str]:
        """Return the names of workers whose agent or guard is alive."""
        try:
            names = [unquote(path.name[: -len(_SUFFIX)]) for path in self._locks()]
        except FileNotFoundError:
            return []
        return [name for name in sorted(names) if self.is_alive(name)]

    def is_alive(self, worker_name: str) -> bool:
        """Return whether the worker's agent or guard is alive."""
        try:
            lock = os.open(self.lock(worker_name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def ends_within(self, worker_name: str, seconds: float) -> bool:
        """Wait up to *seconds* for the agent and its guard to end; return whether they did."""
        deadline = time.monotonic() + seconds
        while self.is_alive(worker_name):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def kill(self, worker_name: str) -> None:
        """Kill the guard and the agent, if they are alive, and all their processes."""
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            group, marker = self.lock(worker_name).read_text().splitlines()
            if self.is_alive(worker_name):  # While they hold the lock, the process id is theirs.
                os.killpg(int(group), signal.SIGKILL)
                kill_stray_processes(WORKER_MARKER, marker)

    def _locks(self) -> list[Path]:
        return [path for path in self.directory.iterdir() if path.name.endswith(_SUFFIX)]
