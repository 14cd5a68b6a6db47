"""A build's sentence says what ended it, and names its steps."""

from __future__ import annotations

import asyncio

import pytest
from step_workshop import StepWorkshop

from buildbot.process.buildstep import BuildStep
from buildbot.process.results import FAILURE
from buildbot.process.shell_mixin import ShellMixin
from buildbot.steps.shell import ShellCommand
from chargehand.domain.result import Result
from chargehand.domain.user import MASTER, User, ordered
from chargehand.execution.sentences import BuildPart, build_sentence, stopped_sentence
from chargehand.execution.stop import Stop
from chargehand.testing.scripted_session import Script, ScriptedSession


def part(name, detail="", exit_code=None):
    return BuildPart.of_step(name, f"'{name}' (failure)", detail, exit_code)


@pytest.mark.parametrize(
    ("result", "parts", "sentence"),
    [
        (Result.SUCCESS, [], "build successful"),
        (Result.SUCCESS, [BuildPart(words="bt", named="bt")], "build successful bt"),
        (Result.WARNINGS, [], "warnings"),
        (Result.FAILURE, [], "failed"),
        (Result.FAILURE, [part("test", exit_code=2)], "failed: test (exit 2)"),
        (
            Result.FAILURE,
            [
                part("fails", exit_code=1),
                part("missing-program"),
                part("times out", "timed out after 2 s"),
            ],
            "failed: fails, missing-program, times out (timed out after 2 s)",
        ),
        (Result.FAILURE, [part(f"s{n}") for n in range(12)], "s8, s9, and 2 more"),
        (Result.EXCEPTION, [], "build exception"),
        (Result.EXCEPTION, [part("a")], "exception: a"),
    ],
)
def test_a_build_is_summed_up_in_a_sentence(result, parts, sentence):
    assert build_sentence(result, parts).endswith(sentence)


@pytest.mark.parametrize(
    ("result", "stop", "step", "sentence"),
    [
        (
            Result.CANCELLED,
            Stop(Result.CANCELLED, "no reason", by="ann"),
            "slow",
            'cancelled by ann during "slow"',
        ),
        (
            Result.CANCELLED,
            Stop(Result.CANCELLED, "wrong branch", by="ann"),
            None,
            "cancelled by ann: wrong branch",
        ),
        (Result.CANCELLED, Stop(Result.CANCELLED, ""), "slow", 'cancelled during "slow"'),
        (
            Result.FAILURE,
            Stop(Result.FAILURE, "enough", by="ann"),
            "slow",
            'failed: stopped by ann during "slow": enough',
        ),
        (
            Result.RETRY,
            Stop(Result.RETRY, "worker lost: arm"),
            "slow",
            'retry (worker lost: arm) during "slow" after 1 min 15 s',
        ),
    ],
)
def test_a_stopped_build_says_by_whom_and_during_which_step(result, stop, step, sentence):
    assert stopped_sentence(result, stop, step, 75.0) == sentence


def test_a_build_that_is_retried_at_once_does_not_say_how_long_it_ran():
    lost = Stop(Result.RETRY, "worker lost: arm")

    assert stopped_sentence(Result.RETRY, lost, None, 0.2) == "retry (worker lost: arm)"


@pytest.mark.parametrize(
    ("reason", "user", "words"),
    [
        ("repairs", User(name="ann", email="ann@x.org"), "repairs (by ann)"),
        ("no reason", User(name="ann"), "by ann"),
        ("", User(), "by an anonymous visitor"),
        ("repairs", MASTER, "repairs (by the configuration)"),
    ],
)
def test_it_is_said_who_ordered_what(reason, user, words):
    assert ordered(reason, user) == words


class Counted(BuildStep):
    name = "unit tests"

    def run(self):
        self.descriptionDone = ["3 of 40 tests failed"]
        return FAILURE


class Appends(BuildStep):
    name = "count"
    descriptionDone = "counted"

    def run(self):
        self.descriptionDone.append("3 lines")
        return FAILURE


class RunsWhatItChose(ShellMixin, BuildStep):
    name = "chosen"

    async def run(self):
        command = await self.makeRemoteShellCommand(command=["make", "all"])
        await self.runCommand(command)
        return command.results()

    def getResultSummary(self):
        return {"step": " and ".join(self.command)}


class Looked(BuildStep):
    def run(self):
        return FAILURE

    def getResultSummary(self):
        return {"step": "no such page"}


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (ShellCommand(command="make", name="test"), "failed: test (exit 2)"),
        (ShellCommand(command="x", name="test", descriptionDone="ok"), "failed: test (exit 2)"),
        (ShellCommand(command="late", name="slow", timeout=1200), "timed out after 20 min)"),
        (ShellCommand(command="late", name="slow", maxTime=90), "timed out after 1 min 30 s)"),
        (Counted(), "failed: unit tests (3 of 40 tests failed)"),
        (Looked(name="look"), "failed: look (no such page)"),
        (Appends(), "failed: count (counted 3 lines)"),
        (RunsWhatItChose(), "failed: chosen (make and all)"),
    ],
)
async def test_a_failed_step_is_named_with_what_is_special_about_it(step, sentence):
    def script(command):
        if command.arguments["command"] != "late":
            return Script(rc=2)
        kind = "timeout" if command.arguments["maxTime"] else "timeout_without_output"
        return Script(rc=-1, values={"failure_reason": kind})

    workshop = StepWorkshop(step, session=ScriptedSession(script))

    assert (await workshop.run()).state.endswith(sentence)


async def test_what_failed_is_told_while_the_build_goes_on():
    session = ScriptedSession(
        lambda command: Script(rc=2, hangs=command.arguments["command"] == "slow")
    )
    workshop = StepWorkshop(
        ShellCommand(command="lint", name="lint"), ShellCommand(command="slow"), session=session
    )
    running = asyncio.ensure_future(workshop.run())
    await session.running.wait()

    assert workshop.service.running[0].state == "failed: lint (exit 2)"

    workshop.service.stop(1, "enough")
    await running


@pytest.mark.parametrize(
    ("result", "sentence", "told"),
    [
        (Result.RETRY, "retry (worker lost)", "retry (worker lost)"),
        (
            Result.RETRY,
            "the master was killed; retrying",
            "retry (the master was killed; retrying)",
        ),
        (Result.CANCELLED, 'cancelled by ann during "slow"', 'cancelled by ann during "slow"'),
        (Result.FAILURE, "failed: make", "failed: make"),
        (Result.SUCCESS, "build successful", "build successful"),
        (Result.WARNINGS, "2 warnings", "warnings (2 warnings)"),
        (Result.EXCEPTION, "", "exception"),
    ],
)
def test_a_result_is_not_said_twice(result, sentence, told):
    assert result.described(sentence) == told
