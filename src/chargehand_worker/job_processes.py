"""The agent's child processes on Windows: each command is a job, with all that it leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from chargehand_worker.processes import COMMAND_MARKER
from chargehand_worker.windows_jobs import CREATE_NEW_PROCESS_GROUP, CREATE_SUSPENDED, Job

_ROUNDS = 50
_ROUND = 0.02


@dataclass(frozen=True)
class _Started:
    process: subprocess.Popen[Any]
    job: Job
    ended: asyncio.Future[int]


class JobProcesses:
    """Owns all processes of commands, as `chargehand_worker.processes.Processes` does elsewhere."""

    def __init__(self, make_job: Callable[[], Job]) -> None:
        self._make_job = make_job
        self._started: dict[int, _Started] = {}

    def watch(self) -> None:
        """Do nothing: each process has a thread that waits for its end."""

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
        """Start a process in a job of its own and return its id. Raises OSError, ValueError."""
        assert before is None, "there are no pseudo-terminals here"
        job = self._make_job()
        try:
            process: subprocess.Popen[Any] = subprocess.Popen(
                arguments,
                cwd=directory,
                env={**environment, COMMAND_MARKER: command_id},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                creationflags=CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP,
            )
            job.begin(process)
        except BaseException:
            job.close()
            raise
        loop = asyncio.get_running_loop()
        started = _Started(process, job, loop.create_future())
        self._started[process.pid] = started
        threading.Thread(target=_wait, args=(started, loop), daemon=True).start()
        return process.pid

    def ending(self, process_id: int) -> asyncio.Future[int]:
        """Return what is done when it has ended; only to be looked at."""
        return self._started[process_id].ended

    def is_running(self, process_id: int) -> bool:
        """Return whether the process itself has not ended."""
        started = self._started.get(process_id)
        return started is not None and not started.ended.done()

    def signal_group(self, process_id: int, number: int) -> None:
        """Interrupt the process, as Ctrl+Break does, unless it has ended."""
        if self.is_running(process_id):
            try:
                os.kill(process_id, getattr(signal, "CTRL_BREAK_EVENT", number))
            except OSError:  # It has no console: nothing but its end is left.
                self._started[process_id].job.kill()

    async def sweep(self, process_id: int) -> bool:
        """Kill the process and all that came of it; return whether all are dead."""
        started = self._started.get(process_id)
        for _ in range(_ROUNDS):
            if started is None or not started.job.count():
                return True
            started.job.kill()
            await asyncio.sleep(_ROUND)
        return False

    def forget(self, process_id: int) -> None:
        """Forget the process; nobody will ask about it again."""
        started = self._started.pop(process_id, None)
        if started is not None:
            started.job.close()

    def kill_all(self) -> None:
        """Kill every process below us, at once."""
        for started in self._started.values():
            started.job.kill()


def _wait(started: _Started, loop: asyncio.AbstractEventLoop) -> None:
    code = started.process.wait()

    def settle() -> None:
        if not started.ended.done():
            started.ended.set_result(code)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        pass  # The agent has ended.
