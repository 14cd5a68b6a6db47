"""The agent's child processes: started, reaped, and killed with all that they leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chargehand_worker import kernel

COMMAND_MARKER = "CHARGEHAND_COMMAND"
"""The variable in the environment of each process of a command, by which strays are recognised."""
_KILL_ROUNDS = 50
_ROUND = 0.02


class Processes:
    """Owns all processes of the agent. Reaps every child, orphans of commands included."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._markers: dict[int, bytes] = {}

    def watch(self) -> None:
        """Begin to reap; to be called once, in the loop."""
        kernel.become_subreaper()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        arguments: Sequence[str],
        *,
        command_id: str,
        directory: str,
        environment: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        before: Callable[[], None] | None = None,
    ) -> int:
        """Start a process in a session of its own and return its id. Raises OSError, ValueError."""
        process: subprocess.Popen[Any] = subprocess.Popen(
            arguments,
            cwd=directory,
            env={**environment, COMMAND_MARKER: command_id},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=before,
        )
        process.returncode = 0  # We reap it ourselves; Popen shall not try.
        self._waiting[process.pid] = asyncio.get_running_loop().create_future()
        self._markers[process.pid] = f"\0{COMMAND_MARKER}={command_id}\0".encode()
        return process.pid

    async def ended(self, process_id: int) -> int:
        """Wait for its end; return the exit code, or minus the number of the signal."""
        return await asyncio.shield(self._waiting[process_id])

    def is_running(self, process_id: int) -> bool:
        """Return whether the process itself has not ended."""
        future = self._waiting.get(process_id)
        return future is not None and not future.done()

    def signal_group(self, process_id: int, number: int) -> None:
        """Send a signal to the process and its group, unless it has ended."""
        if self.is_running(process_id):
            kernel.kill_group(process_id, number)

    async def sweep(self, process_id: int) -> bool:
        """Kill the process and all that came of it; return whether all are dead."""
        for _ in range(_KILL_ROUNDS):
            if process_id not in self._markers:
                return True
            if not self._has_strays(process_id):
                return True
            survivors = self._survivors(process_id)
            for survivor in survivors:
                kernel.kill(survivor)
            if not survivors:
                return True
            await asyncio.sleep(_ROUND)
        return False

    def forget(self, process_id: int) -> None:
        """Say that nobody will ask about the process again."""
        if not self.is_running(process_id):
            self._waiting.pop(process_id, None)
        self._markers.pop(process_id, None)

    def kill_all(self) -> None:
        """Kill every process below us, at once."""
        me = os.getpid()
        for _ in range(_KILL_ROUNDS):
            survivors = self._descendants({me}) - {me}
            if not survivors:
                return
            for survivor in survivors:
                kernel.kill(survivor)
            self._reap()

    def _has_strays(self, process_id: int) -> bool:
        """Tell cheaply that nothing is left: as a subreaper we are the parent of all orphans."""
        if self.is_running(process_id):
            return True
        ours = kernel.children()
        if ours is None:
            return True
        return any(not self.is_running(child) for child in ours)

    def _survivors(self, process_id: int) -> set[int]:
        everything = list(kernel.processes())
        me = os.getpid()
        marker = self._markers[process_id]
        others = [marker for main, marker in self._markers.items() if main != process_id]
        roots = {process_id} if self.is_running(process_id) else set()
        for process in everything:
            if process.group == process_id or process.session == process_id:
                roots.add(process.id)
            elif process.parent == me and process.id not in self._waiting:
                environment = kernel.environment_of(process.id)
                # An orphan without any marker is ours as well when there is nobody else's.
                if marker in environment or not others:
                    roots.add(process.id)
        return self._descendants(roots, everything)

    @staticmethod
    def _descendants(roots: set[int], everything: list[kernel.Process] | None = None) -> set[int]:
        below: dict[int, list[int]] = {}
        alive: set[int] = set()
        for process in kernel.processes() if everything is None else everything:
            below.setdefault(process.parent, []).append(process.id)
            alive.add(process.id)
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            process_id = waiting.pop()
            if process_id not in found:
                found.add(process_id)
                waiting += below.get(process_id, ())
        return found & alive

    def _reap(self) -> None:
        while True:
            try:
                process_id, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process_id == 0:
                return
            future = self._waiting.get(process_id)
            if future is not None and not future.done():
                future.set_result(os.waitstatus_to_exitcode(status))
            if process_id not in self._markers:
                self._waiting.pop(process_id, None)
