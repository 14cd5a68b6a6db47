"""The agent as on Windows, as far as Linux goes: none of what Windows lacks, and jobs of our own.

Run as a program, with the agent's command line. What is imported before stays as it is: Python's
own modules, of which Windows has other versions.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import importlib.metadata
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import types
import urllib.request
import uuid
from pathlib import Path
from typing import Any

PRELOADED = (asyncio, importlib.metadata, logging, shutil, ssl, tarfile, tempfile, urllib, uuid)
HIDDEN = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")
MISSING = {
    os: (
        *("fork", "setsid", "killpg", "getpgid", "getsid", "geteuid", "getuid", "openpty"),
        *("set_blocking", "pread", "pwrite", "fchmod", "copy_file_range", "getxattr", "mkfifo"),
        *("O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "O_PATH", "WNOHANG"),
    ),
    signal: ("SIGKILL", "SIGHUP", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGUSR1"),
    socket: ("send_fds", "recv_fds"),
}
_kill_number = signal.SIGKILL
_libc, _PR_SET_PDEATHSIG = ctypes.CDLL(None), 1
_SUSPENDED = 0x4


class Process(subprocess.Popen):  # type: ignore[type-arg]
    """A process that is started with Windows's arguments."""

    def __init__(self, *arguments: Any, creationflags: int = 0, **options: Any) -> None:
        if creationflags & _SUSPENDED:  # Its job ends it with its owner.
            options["preexec_fn"] = lambda: _libc.prctl(_PR_SET_PDEATHSIG, _kill_number)
        super().__init__(*arguments, start_new_session=bool(creationflags), **options)
        self._handle = self.pid


class Kernel32:
    """Jobs, of which each process is its session."""

    def __init__(self) -> None:
        jobs: dict[int, list[int]] = {}

        def create(_security: None, _name: None) -> int:
            jobs[len(jobs) + 1] = []
            return len(jobs)

        def query(job: int, _kind: int, place: Any, _size: int, _needed: None) -> int:
            place._obj.active_processes = len(_alive(jobs[job]))
            return 1

        def terminate(job: int, _code: int) -> int:
            for process in _alive(jobs[job]):
                os.kill(process, _kill_number)
            return 1

        def close(job: int) -> int:
            return terminate(job, 0)

        def assign(job: int, process: int) -> int:
            jobs[job].append(process)
            return 1

        self.CreateJobObjectW = create
        self.SetInformationJobObject = lambda *_: 1
        self.QueryInformationJobObject = query
        self.AssignProcessToJobObject = assign
        self.TerminateJobObject = terminate
        self.CloseHandle = close
        self.NtResumeProcess = lambda _process: 0


def _alive(sessions: list[int]) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields and int(fields[3]) in sessions and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


class Loop(asyncio.SelectorEventLoop):
    """A loop that waits for sockets only."""

    def _refuse(self, *_: Any) -> Any:
        raise NotImplementedError

    add_reader = add_writer = add_signal_handler = _refuse


def _locking(descriptor: int, _mode: int, count: int) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, 0, os.SEEK_CUR)
    except BlockingIOError as error:
        raise PermissionError(error.errno, error.strerror) from error


def simulate() -> None:
    """Be on Windows from now on."""
    msvcrt = types.ModuleType("msvcrt")
    vars(msvcrt).update(locking=_locking, LK_NBLCK=2)
    sys.modules["msvcrt"] = msvcrt
    sys.modules.update(dict.fromkeys(HIDDEN))
    sys.platform = "win32"
    for module, names in MISSING.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    subprocess.Popen = Process
    kernel32 = Kernel32()
    vars(ctypes)["WinDLL"] = lambda _name, **_: kernel32
    shutil._use_fd_functions = False
    policy = asyncio.DefaultEventLoopPolicy()
    policy._loop_factory = Loop
    asyncio.set_event_loop_policy(policy)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv.pop(1))
    simulate()
    from chargehand_worker import program

    program.program = lambda: [sys.executable, __file__, sys.path[0]]
    from chargehand_worker.main import main

    main()
