"""Builds run their steps to the end that Buildbot's users know."""

from __future__ import annotations

from step_workshop import StepWorkshop

from buildbot.steps.shell import ShellCommand
from chargehand.domain.result import Result
from chargehand.testing.execution import Script, ScriptedSession


def exit_codes(command):
    words = str(command.arguments["command"]).split()
    return Script(stdout="out\n", rc=int(words[1]) if words[0] == "exit" else 0)


async def test_a_trivial_build_is_successful():
    workshop = StepWorkshop(ShellCommand(command=["echo", "hi"]))

    build = await workshop.run()

    assert (build.result, build.state) == (Result.SUCCESS, "build successful")
    preparation, shell = workshop.steps.steps.values()
    assert (preparation.number, preparation.name) == (0, "worker_preparation")
    assert preparation.state == "worker w1 ready"
    assert (shell.number, shell.name, shell.state) == (1, "shell", "'echo hi'")
    assert workshop.logs.text("stdio") == "hshell\n"


async def test_a_failed_build_tells_what_failed():
    workshop = StepWorkshop(
        ShellCommand(command="exit 3", name="a"),
        ShellCommand(command="exit 2", name="b"),
        ShellCommand(command="true", name="c"),
        session=ScriptedSession(exit_codes),
    )

    build = await workshop.run()

    assert build.state == "failed 'exit 3' (failure) 'exit 2' (failure)"
    assert workshop.outcome() == [
        ("a", 2, "'exit 3' (failure)"),
        ("b", 2, "'exit 2' (failure)"),
        ("c", 0, "'true'"),
    ]


async def test_a_halted_build_runs_only_what_always_runs():
    workshop = StepWorkshop(
        ShellCommand(command="exit 3", name="a", haltOnFailure=True),
        ShellCommand(command="true", name="b"),
        ShellCommand(command="true", name="c", alwaysRun=True),
        session=ScriptedSession(exit_codes),
    )

    await workshop.run()

    assert [name for name, _, _ in workshop.outcome()] == ["a", "c"]
