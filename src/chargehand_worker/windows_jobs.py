"""Job objects: how Windows keeps the processes of a command together.

What a process of a job starts is in the job as well, and cannot leave it. When the last handle of a
job is closed (its owner has ended, however that happened), Windows ends all that is in it.
"""

from __future__ import annotations

import ctypes
import subprocess
from typing import Any

CREATE_SUSPENDED = 0x4
CREATE_NEW_PROCESS_GROUP = 0x200
_ACCOUNTING, _EXTENDED_LIMITS = 1, 9
_KILL_ON_CLOSE = 0x2000
_EXIT_CODE = 1


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_process_limit", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("basic", _BasicLimits),
        ("input_output", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class _Accounting(ctypes.Structure):
    _fields_ = (
        ("times", ctypes.c_int64 * 4),
        ("page_faults", ctypes.c_uint32),
        ("processes", ctypes.c_uint32),
        ("active_processes", ctypes.c_uint32),
        ("terminated_processes", ctypes.c_uint32),
    )


class Kernel:
    """The functions of Windows that jobs need."""

    def __init__(self, kernel32: Any, ntdll: Any) -> None:
        self.create = _typed(kernel32.CreateJobObjectW, ctypes.c_void_p, *[ctypes.c_void_p] * 2)
        place, size = ctypes.c_void_p, ctypes.c_uint32
        handle = ctypes.c_void_p
        about = (handle, ctypes.c_int, place, size)
        self.set = _typed(kernel32.SetInformationJobObject, ctypes.c_int, *about)
        self.query = _typed(kernel32.QueryInformationJobObject, ctypes.c_int, *about, place)
        self.assign = _typed(kernel32.AssignProcessToJobObject, ctypes.c_int, handle, handle)
        self.terminate = _typed(kernel32.TerminateJobObject, ctypes.c_int, handle, ctypes.c_uint32)
        self.close = _typed(kernel32.CloseHandle, ctypes.c_int, handle)
        self.resume = _typed(ntdll.NtResumeProcess, ctypes.c_uint32, handle)


def _typed(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype, function.argtypes = result, arguments
    return function


def windows() -> Kernel:
    """Return the functions of the Windows that this process runs on."""
    load = vars(ctypes)["WinDLL"]
    return Kernel(load("kernel32", use_last_error=True), load("ntdll"))


class Job:
    """A job that ends what is in it when it is closed. Raises OSError where Windows refuses."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._handle = kernel.create(None, None)
        self._check(bool(self._handle), "CreateJobObject")
        limits = _ExtendedLimits()
        limits.basic.flags = _KILL_ON_CLOSE
        try:
            done = kernel.set(
                self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            )
            self._check(bool(done), "SetInformationJobObject")
        except BaseException:
            self.close()
            raise

    def begin(self, process: subprocess.Popen[Any]) -> None:
        """Take a process that was started with `CREATE_SUSPENDED`, and let it run.

        One that it cannot take is ended: nobody else would let it run, or end it.
        """
        handle = int(vars(process)["_handle"])
        try:
            added = self._kernel.assign(self._handle, handle)
            self._check(bool(added), "AssignProcessToJobObject")
            self._check(self._kernel.resume(handle) == 0, "NtResumeProcess")
        except BaseException:
            process.kill()
            raise

    def count(self) -> int:
        """Return how many processes of it are alive."""
        found = _Accounting()
        told = self._kernel.query(
            self._handle, _ACCOUNTING, ctypes.byref(found), ctypes.sizeof(found), None
        )
        self._check(bool(told), "QueryInformationJobObject")
        return int(found.active_processes)

    def kill(self) -> None:
        """End all of its processes."""
        self._kernel.terminate(self._handle, _EXIT_CODE)

    def close(self) -> None:
        """End what is left of it; may be called more than once."""
        handle, self._handle = self._handle, None
        if handle:
            self._kernel.close(handle)

    @staticmethod
    def _check(is_done: bool, name: str) -> None:
        if not is_done:
            code = vars(ctypes).get("get_last_error", lambda: 0)()
            raise OSError(code, f"{name} failed (Windows error {code})")
