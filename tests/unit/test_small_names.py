"""Small parts of the extension API that plug-ins import."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer
from twisted.internet.task import Clock

import buildbot
from buildbot._border.errors import ConfigErrors, collecting
from buildbot.config import checks
from buildbot.data.exceptions import InvalidPathError
from buildbot.util import debounce
from buildbot.util.misc import cancelAfter, writeLocalFile


class Owner:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.runs: list[float] = []
        self.answers: list[Any] = []

    @debounce.method(wait=4.0, get_reactor=lambda self: self.clock)
    def save(self) -> Any:
        self.runs.append(self.clock.seconds())
        return self.answers.pop() if self.answers else None

    @debounce.method(wait=4.0, until_idle=True, get_reactor=lambda self: self.clock)
    def late(self) -> Any:
        self.runs.append(self.clock.seconds())


def test_a_debounced_method_runs_once_for_many_calls() -> None:
    clock = Clock()
    owner, other = Owner(clock), Owner(clock)

    for _ in range(3):
        owner.save()
        clock.advance(1)
    clock.advance(1)
    owner.save()
    clock.advance(4)

    assert owner.runs == [4.0, 8.0]
    assert other.runs == []


def test_calls_while_it_runs_make_it_run_again() -> None:
    clock = Clock()
    owner = Owner(clock)
    running: defer.Deferred[None] = defer.Deferred()
    owner.answers = [running]
    owner.save()
    clock.advance(4)
    owner.save()
    owner.save()
    clock.advance(10)
    assert owner.runs == [4.0]

    running.callback(None)
    clock.advance(4)

    assert owner.runs == [4.0, 18.0]


def test_it_may_wait_until_nobody_calls() -> None:
    clock = Clock()
    owner = Owner(clock)
    for _ in range(3):
        owner.late()
        clock.advance(3)
    clock.advance(1)

    assert owner.runs == [10.0]


def test_stopping_runs_what_was_asked_for_and_waits() -> None:
    clock = Clock()
    owner = Owner(clock)
    running: defer.Deferred[None] = defer.Deferred()
    owner.answers = [running]
    owner.save()

    stopped = owner.save.stop()
    owner.save()

    assert owner.runs == [0.0]
    assert not stopped.called
    running.callback(None)
    assert stopped.called
    owner.save.start()
    owner.save()
    clock.advance(4)
    assert owner.runs == [0.0, 4.0]


def test_a_deferred_is_cancelled_when_it_takes_too_long() -> None:
    clock = Clock()
    quick: defer.Deferred[int] = defer.Deferred()
    slow: defer.Deferred[int] = defer.Deferred()
    errors: list[Any] = []
    cancelAfter(5, quick, clock)
    cancelAfter(5, slow, clock).addErrback(errors.append)

    quick.callback(1)
    clock.advance(5)

    assert errors[0].check(defer.CancelledError)
    assert clock.getDelayedCalls() == []


def test_a_file_has_its_mode_from_the_beginning(tmp_path: Path) -> None:
    writeLocalFile(str(tmp_path / "secret"), "hunter2", 0o600)

    assert (tmp_path / "secret").read_text() == "hunter2"
    assert stat.S_IMODE(os.stat(tmp_path / "secret").st_mode) == 0o600


@pytest.mark.parametrize(
    ("check", "good", "bad", "names"),
    [
        (checks.check_param_str, "x", 5, "str"),
        (checks.check_param_str_none, None, 5, "str or None"),
        (checks.check_param_int, 5, True, "int"),
        (checks.check_param_bool, True, 1, "bool"),
        (checks.check_param_number_none, 1.5, "x", "int or float"),
    ],
)
def test_arguments_are_checked(check: Any, good: Any, bad: Any, names: str) -> None:
    assert check(good, Owner, "a") == good
    with pytest.raises(ConfigErrors) as raised, collecting() as collector:
        check(bad, Owner, "a")
        collector.raise_if_any()
    assert f"Owner argument a must be an instance of {names}" in str(raised.value.errors)


def test_the_version_is_said_as_packages_ask_for_it() -> None:
    assert buildbot.getVersion(__file__) == buildbot.version


def test_the_command_line_may_be_called_in_python() -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from buildbot.scripts.runner import run; run()"),
            *("checkconfig", "--help"),
        ],
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0
    assert "checkconfig" in ran.stdout


def test_a_path_that_is_not_there_is_an_error_of_its_own_kind() -> None:
    assert issubclass(InvalidPathError, LookupError)
