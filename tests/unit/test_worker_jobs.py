"""Job objects of Windows, with a kernel that only remembers what it was asked."""

from __future__ import annotations

import ctypes
import subprocess
from typing import Any

import pytest

from chargehand_worker import windows_jobs
from chargehand_worker.windows_jobs import Job, Kernel


class Asked:
    """A kernel32 and an ntdll."""

    def __init__(self, **answers: int) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._answers = {"NtResumeProcess": 0, **answers}

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any) -> int:
            self.calls.append((name, *arguments))
            if name == "QueryInformationJobObject":
                arguments[2]._obj.active_processes = 3
            return self._answers.get(name, 7)

        return function


class Process(subprocess.Popen[bytes]):
    """A process that was started as Windows starts it, as far as jobs look at it."""

    def __init__(self) -> None:
        self._handle = 42
        self._child_created = False
        self.is_killed = False

    def kill(self) -> None:
        self.is_killed = True


def test_the_structures_are_as_large_as_windows_says() -> None:
    sizes = [
        ctypes.sizeof(one)
        for one in (
            windows_jobs._BasicLimits,
            windows_jobs._ExtendedLimits,
            windows_jobs._Accounting,
        )
    ]

    assert sizes == [64, 144, 48]


def test_a_job_ends_with_its_last_handle_and_takes_suspended_processes() -> None:
    asked = Asked()

    job = Job(Kernel(asked, asked))
    job.begin(Process())
    count = job.count()
    job.kill()
    job.close()
    job.close()

    names = [call[0] for call in asked.calls]
    assert names == [
        "CreateJobObjectW",
        "SetInformationJobObject",
        "AssignProcessToJobObject",
        "NtResumeProcess",
        "QueryInformationJobObject",
        "TerminateJobObject",
        "CloseHandle",
    ]
    limits = asked.calls[1][3]._obj
    assert limits.basic.flags == 0x2000
    assert asked.calls[1][1:3] == (7, 9)
    assert asked.calls[2] == ("AssignProcessToJobObject", 7, 42)
    assert count == 3


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("CreateJobObjectW", 0),
        ("SetInformationJobObject", 0),
        ("AssignProcessToJobObject", 0),
        ("NtResumeProcess", 5),
    ],
)
def test_what_windows_refuses_is_named(function: str, answer: int) -> None:
    asked = Asked(**{function: answer})

    with pytest.raises(OSError, match=function.removesuffix("W")):
        Job(Kernel(asked, asked)).begin(Process())


def test_a_job_that_cannot_be_set_up_is_closed() -> None:
    asked = Asked(SetInformationJobObject=0)

    with pytest.raises(OSError, match="SetInformationJobObject"):
        Job(Kernel(asked, asked))

    assert asked.calls[-1] == ("CloseHandle", 7)


@pytest.mark.parametrize(
    ("function", "answer"), [("AssignProcessToJobObject", 0), ("NtResumeProcess", 5)]
)
def test_a_process_that_no_job_takes_does_not_stay_suspended(function: str, answer: int) -> None:
    asked, process = Asked(**{function: answer}), Process()

    with pytest.raises(OSError, match=function):
        Job(Kernel(asked, asked)).begin(process)

    assert process.is_killed
