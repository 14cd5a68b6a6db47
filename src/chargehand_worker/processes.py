"""The agent's child processes: started, reaped, and killed with all that they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Union

from chargehand_worker import kernel
from chargehand_worker.control_groups import ControlGroup, ControlGroups

COMMAND_MARKER = "CHARGEHAND_COMMAND"
"""The variable in the environment of each process of a command, by which strays are recognised."""
_KILL_ROUNDS = 50
_ROUND = 0.02


class CommandProcesses(Protocol):
    """The processes of commands: each with all that came of it."""

    def watch(self) -> None:
        """Begin to notice their ends; call once, in the loop."""

    def start(
        self,
        arguments: Union[str, Sequence[str]],
        *,
        command_id: str,
        directory: str,
        environment: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        before: Optional[Callable[[], None]] = None,
    ) -> int:
        """Start a process and return its id. Raises OSError, ValueError."""

    def ending(self, process_id: int) -> asyncio.Future[int]:
        """Return what is done when it has ended, with its exit code; only to be looked at."""

    def is_running(self, process_id: int) -> bool:
        """Return whether the process itself has not ended."""

    def signal_group(self, process_id: int, number: int) -> None:
        """Send a signal to the process and its group, unless it has ended."""

    async def sweep(self, process_id: int) -> bool:
        """Kill the process and all that came of it; return whether all are dead."""

    def forget(self, process_id: int) -> None:
        """Forget the process; nobody will ask about it again."""

    def kill_all(self) -> None:
        """Kill every process below us, at once."""


@dataclass(frozen=True)
class _Started:
    """By what the processes of a command are recognised, besides their group and session."""

    marker: bytes
    streams: frozenset[str]
    """The ends of its pipes that only its processes have."""
    directory: str
    group: Optional[ControlGroup]


class Processes:
    """Owns all processes of the agent. Reaps every child, orphans of commands included."""

    def __init__(self, groups: Optional[ControlGroups] = None) -> None:
        self._groups = groups
        self._moving: set[int] = set()
        """Processes that are being moved into their groups; they are not reaped meanwhile, so that
        their identifiers are not those of others."""
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._started: dict[int, _Started] = {}

    def watch(self) -> None:
        """Start reaping; call once, in the loop."""
        kernel.become_subreaper()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        arguments: Union[str, Sequence[str]],
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
        group = self._new_group()
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
        self._started[process.pid] = _Started(
            f"\0{COMMAND_MARKER}={command_id}\0".encode(),
            frozenset({kernel.stream_of(stdout), kernel.stream_of(stderr)} - {""}),
            directory,
            group,
        )
        if group is not None:
            self._move(process.pid, group)
        return process.pid

    def _new_group(self) -> Optional[ControlGroup]:
        if self._groups is None:
            return None
        try:
            return self._groups.take()
        except OSError:  # There are as many as there may be.
            return None

    def _move(self, process_id: int, group: ControlGroup) -> None:
        """Move a process into its group, in a thread: it takes the kernel some milliseconds."""
        self._moving.add(process_id)
        moving = asyncio.get_running_loop().run_in_executor(None, group.add, process_id)
        moving.add_done_callback(lambda _: self._moved(process_id))

    def _moved(self, process_id: int) -> None:
        self._moving.discard(process_id)
        self._reap()

    def start_helper(self, arguments: Sequence[str], *, descriptors: Sequence[int]) -> int:
        """Start a process of the agent's own, which is of no command. Raises OSError."""
        process: subprocess.Popen[Any] = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, pass_fds=descriptors, start_new_session=True
        )
        process.returncode = 0
        self._waiting[process.pid] = asyncio.get_running_loop().create_future()
        return process.pid

    async def ended(self, process_id: int) -> int:
        """Wait for its end; return the exit code, or minus the number of the signal."""
        return await asyncio.shield(self._waiting[process_id])

    def ending(self, process_id: int) -> asyncio.Future[int]:
        """Return what is done when it has ended; only to be looked at."""
        return self._waiting[process_id]

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
            if (started := self._started.get(process_id)) is None:
                return True
            is_populated = started.group is not None and started.group.has_processes()
            if started.group is not None and is_populated:
                started.group.kill()
            elif not self._has_strays(process_id):
                return True
            survivors = self._survivors(process_id)
            for survivor in survivors:
                kernel.kill(survivor)
            if not survivors and not is_populated:
                return True
            await asyncio.sleep(_ROUND)
        return False

    def forget(self, process_id: int) -> None:
        """Forget the process; nobody will ask about it again."""
        if not self.is_running(process_id):
            self._waiting.pop(process_id, None)
        started = self._started.pop(process_id, None)
        if self._groups is not None and started is not None and started.group is not None:
            self._groups.free(started.group)

    def kill_all(self) -> None:
        """Kill every process below us, at once."""
        me = os.getpid()
        self._moving.clear()  # No identifier is used again: this process ends.
        if self._groups is not None:
            self._groups.kill_all()
        for _ in range(_KILL_ROUNDS):
            survivors = self._descendants({me}) - {me}
            if not survivors:
                break
            for survivor in survivors:
                kernel.kill(survivor)
            self._reap()
        if self._groups is not None:
            self._groups.remove()

    def _has_strays(self, process_id: int) -> bool:
        """Tell cheaply that nothing is left: as a subreaper we are the parent of all orphans."""
        if self.is_running(process_id):
            return True
        ours = kernel.children()
        if ours is None:
            return True
        return any(not self.is_running(child) for child in ours if not self._is_kept(child))

    def _is_kept(self, process_id: int) -> bool:
        """Return whether a process has ended, and is not reaped because it is being moved."""
        return process_id in self._moving and not self.is_running(process_id)

    def _survivors(self, process_id: int) -> set[int]:
        everything = list(kernel.processes())
        me = os.getpid()
        roots = {process_id} if self.is_running(process_id) else set()
        roots |= kernel.marked(self._started[process_id].marker.strip(b"\0"))
        for process in everything:
            if process_id in (process.group, process.session):
                roots.add(process.id)
            elif process.parent == me and process.id not in self._waiting:
                family = self._descendants({process.id}, everything)
                roots |= family if self._is_of(process_id, family, process.id) else set()
        return self._descendants(roots, everything)

    def _is_of(self, process_id: int, family: set[int], orphan: int) -> bool:
        """Return whether an orphan, with all below it, is of the command of this process."""
        started = self._started[process_id]
        others = [one for main, one in self._started.items() if main != process_id]
        if not others:
            return True  # There is nobody else's.
        environment = kernel.environment_of(orphan)
        if started.marker in environment:
            return True
        if any(other.marker in environment for other in others):
            return False
        if any(kernel.has_open(one, started.streams) for one in family):
            return True
        # It has hidden well. Builders have directories of their own: its place may tell.
        place = kernel.directory_of(orphan)
        return _is_below(place, started.directory) and not any(
            _is_below(place, other.directory) for other in others
        )

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
        """Take note of all that have ended; a command need not wait for any move."""
        while not self._moving:
            try:
                process_id, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process_id == 0:
                return
            self._note(process_id, os.waitstatus_to_exitcode(status))
        ours = kernel.children()
        for process_id in list(self._waiting) if ours is None else ours:
            self._look(process_id)

    def _look(self, process_id: int) -> None:
        """Take note of a process if it has ended; reap it unless it is being moved."""
        if sys.platform != "linux":
            return  # There are no control groups, so that nothing is ever moved.
        keeping = os.WNOWAIT if process_id in self._moving else 0
        with contextlib.suppress(ChildProcessError):
            found = os.waitid(os.P_PID, process_id, os.WEXITED | os.WNOHANG | keeping)
            if found is not None:
                has_exited = found.si_code == os.CLD_EXITED
                self._note(process_id, found.si_status if has_exited else -found.si_status)

    def _note(self, process_id: int, code: int) -> None:
        future = self._waiting.get(process_id)
        if future is not None and not future.done():
            future.set_result(code)
        if process_id not in self._started:
            self._waiting.pop(process_id, None)


def _is_below(place: str, directory: str) -> bool:
    return f"{place}/".startswith(f"{directory.rstrip('/')}/")
