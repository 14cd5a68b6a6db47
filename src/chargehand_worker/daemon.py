"""Starting and stopping the worker of a directory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn, Optional

from chargehand_worker import kernel
from chargehand_worker.lock_file import is_locked, name_holder, take_lock
from chargehand_worker.program import program
from chargehand_worker.settings import WorkerSettings
from chargehand_worker.windows_jobs import CREATE_NEW_PROCESS_GROUP

LOCK_FILE = "worker.lock"
LOG_FILE = "worker.log"
CONNECTING = "connecting to "
"""What a worker's log has when it begins to connect."""
_LARGEST_LOG = 10 * 1024 * 1024
_DETACHED_PROCESS = 0x8
_LOOK_EVERY = 0.05
_LOADING_SECONDS = 60.0
"""Within so many seconds a worker begins to connect, on a machine that is very busy as well."""
_STARTING_SECONDS = 10.0
"""How long it may then take before its start is reported."""
_STOPPING_SECONDS = 30.0


class AlreadyRuns(Exception):
    """The worker of this directory is already running."""


class NotRunning(Exception):
    """The worker of this directory does not run."""


def process_of(directory: Path) -> Optional[int]:
    """Return the process of a directory's running worker."""
    lock = directory / LOCK_FILE
    if not is_locked(lock):
        return None
    first = lock.read_text().partition("\n")[0]
    return int(first) if first.isdigit() else None


def stop(directory: Path, number: signal.Signals = signal.SIGTERM) -> None:
    """Stop the worker, and wait for its end. Raises NotRunning, TimeoutError."""
    process = process_of(directory)
    if process is None:
        raise NotRunning
    kernel.kill(process, number)
    deadline = time.monotonic() + _STOPPING_SECONDS
    while is_locked(directory / LOCK_FILE):
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {process} did not end within {_STOPPING_SECONDS:g} s")
        time.sleep(_LOOK_EVERY)


def detach(directory: Path, settings: WorkerSettings, lock: int) -> None:
    """Return in a new process in the background; the old one says how that goes, and exits.

    The new one holds *lock*. Raises OSError.
    """
    handle, position = _open_log(directory)
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.close(lock)
        os._exit(_watch_start(partial(_has_ended, child), directory, settings, position))
    name_holder(lock)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def run_detached(directory: Path, settings: WorkerSettings) -> NoReturn:
    """Start the worker as a program in the background, say how that goes, and exit (Windows)."""
    handle, position = _open_log(directory)
    child = subprocess.Popen(
        [*program(), "start", "--nodaemon", str(directory)],
        stdin=subprocess.DEVNULL,
        stdout=handle,
        stderr=handle,
        creationflags=_DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
    )
    os._exit(_watch_start(lambda: child.poll() is not None, directory, settings, position))


def _open_log(directory: Path) -> tuple[int, int]:
    """Open the worker's log, and return it with its length. Raises OSError."""
    log = directory / LOG_FILE
    _rotate(log)
    position = log.stat().st_size if log.exists() else 0
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640), position


def lock(directory: Path) -> int:
    """Hold the lock of a directory from now on. Raises AlreadyRuns, OSError."""
    try:
        return take_lock(directory / LOCK_FILE)
    except BlockingIOError:
        raise AlreadyRuns from None


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))


def _has_ended(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] != 0


def _watch_start(
    has_ended: Callable[[], bool], directory: Path, settings: WorkerSettings, position: int
) -> int:
    """Say what becomes of a worker that has just been started; return the exit code."""
    code = _watched(has_ended, directory, settings, position)
    sys.stdout.flush()  # The caller exits at once.
    return code


def _watched(
    has_ended: Callable[[], bool], directory: Path, settings: WorkerSettings, position: int
) -> int:
    deadline = time.monotonic() + _LOADING_SECONDS
    trouble, has_begun = None, False
    while time.monotonic() < deadline:
        for line in _lines_after(directory / LOG_FILE, position):
            if CONNECTING in line and not has_begun:
                has_begun, deadline = True, time.monotonic() + _STARTING_SECONDS
            if "connected to " in line:
                print(f'worker "{settings.name}" is {line[line.index("connected to ") :]}')
                return 0
            if "cannot connect to" in line:
                trouble = line[line.index("cannot connect to") :]
        if has_ended():
            print(f'worker "{settings.name}" has ended; see {directory / LOG_FILE}')
            return 1
        if trouble is not None:
            break
        time.sleep(_LOOK_EVERY)
    print(f'worker "{settings.name}" is running, but not connected: {trouble or "no answer yet"}')
    print(f"It connects as soon as it can; see {directory / LOG_FILE}.")
    return 0


def _lines_after(log: Path, position: int) -> Iterator[str]:
    try:
        with log.open("rb") as file:
            file.seek(position)
            for line in file:
                yield line.decode(errors="replace").rstrip()
    except OSError:
        return
