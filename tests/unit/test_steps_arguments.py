"""What is wrong with a step's arguments is said when the configuration is read."""

from __future__ import annotations

import pytest

from buildbot._border.errors import ConfigErrors, collecting
from buildbot.process.buildstep import BuildStep, ShellMixin
from buildbot.process.properties import Interpolate, Property
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.steps import master, shell, shellsequence, worker
from buildbot.steps.python_twisted import countFailedTests


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BuildStep(foo=1), 'has no argument "foo"'),
        (lambda: BuildStep(name=3), "BuildStep: name must be a string"),
        (lambda: BuildStep(name=None), "BuildStep: name must be a string"),
        (lambda: BuildStep(workdir=3), "workdir must be a string or None, not 3"),
        (lambda: BuildStep(haltOnFailure="x"), "haltOnFailure must be True or False, not 'x'"),
        (
            lambda: BuildStep(updateBuildSummaryPolicy="x"),
            "must be a list of result ids or boolean but it is 'x'",
        ),
        (lambda: shell.ShellCommand(), 'ShellCommand needs the argument "command"'),
        (
            lambda: shell.ShellCommand(command="x", foo=1, bar=2),
            'ShellCommand has no argument "foo"',
        ),
        (lambda: shell.ShellCommand(command="x", usePTY="x"), "usePTY must be True or False"),
        (
            lambda: shell.ShellCommand(command="x", timeout="a"),
            "timeout must be a number of seconds, 0 or more, or None, not 'a'",
        ),
        (
            lambda: shell.ShellCommand(command="x", time_out=3),
            'ShellCommand has no argument "time_out"; did you mean "timeout"?',
        ),
        (
            lambda: shell.Compile(haltonfailure=True),
            'Compile has no argument "haltonfailure"; did you mean "haltOnFailure"?',
        ),
        (lambda: shell.Compile(foo=3), 'Compile has no argument "foo"'),
        (
            lambda: shell.SetPropertyFromCommand(command="x"),
            "SetPropertyFromCommand needs either property or extract_fn",
        ),
        (
            lambda: shell.SetPropertyFromCommand(command="x", property="a", foo=1),
            'SetPropertyFromCommand has no argument "foo"',
        ),
        (lambda: shellsequence.ShellArg(), 'ShellArg needs the argument "command"'),
        (
            lambda: shellsequence.ShellArg(command="x", foo=1),
            'ShellArg has no argument "foo"',
        ),
        (
            lambda: shellsequence.ShellSequence(commands=[], command="x"),
            'ShellSequence has no argument "command"',
        ),
        (
            lambda: master.MasterShellCommand(command="x", foo=3),
            'has no argument "foo"',
        ),
    ],
)
def test_a_wrong_argument_is_an_error_of_the_configuration(make, message):
    with pytest.raises(ConfigErrors) as raised:
        make()

    assert message in str(raised.value)


def test_all_wrong_arguments_are_collected():
    with collecting() as found:
        shell.ShellCommand(command="x", timeout="a", haltOnFailure=3, foo=1)

    assert len(found.errors) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": Interpolate("%(prop:x)s")},
        {"haltOnFailure": Property("x")},
        {"workdir": Interpolate("a")},
        {"doStepIf": Property("x")},
        {"timeout": Property("x")},
        {"timeout": 1.5},
        {"timeout": None},
        {"description": ["a", "b"]},
        {"env": {"A": Property("x")}},
    ],
)
def test_renderables_are_accepted(arguments):
    shell.ShellCommand(command="x", **arguments)


@pytest.mark.parametrize(
    ("step", "command"),
    [
        (shell.Configure(), ["./configure"]),
        (shell.Compile(), ["make", "all"]),
        (shell.Test(), ["make", "test"]),
        (shell.TreeSize(), ["du", "-s", "-k", "."]),
        (shell.PerlModuleTest(), ["prove", "--lib", "lib", "-r", "t"]),
    ],
)
def test_some_steps_have_a_command_already(step, command):
    assert step.command == command


def test_steps_are_equal_when_class_and_arguments_are():
    assert BuildStep(name="a") == BuildStep(name="a")
    assert BuildStep(name="a") != BuildStep(name="b")
    assert shell.Compile(command="a") != shell.Test(command="a")


def test_a_step_can_be_copied_with_another_argument():
    step = worker.MakeDirectory(dir="a")
    step.set_step_arg("dir", "b")

    assert step.get_step_factory().buildStep().dir == "b"


def test_class_attributes_are_the_defaults_of_a_users_step():
    class Mine(ShellMixin, BuildStep):
        name = "mine"
        command = ["a"]
        env = {"A": "b"}
        decodeRC = {0: SUCCESS, 1: FAILURE}

        def __init__(self, **kwargs):
            kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
            super().__init__(**kwargs)

    first, second = Mine(timeout=3), Mine()
    first.env["A"] = "c"

    assert (first.timeout, second.timeout) == (3, 1200)
    assert second.env == Mine.env == {"A": "b"}
    with pytest.raises(ConfigErrors, match='Mine has no argument "command"'):
        Mine(command="b")


def test_a_step_of_old_says_what_to_do():
    class Old(BuildStep):
        def start(self):
            pass

    with pytest.raises(NotImplementedError, match="must implement run"):
        Old().run()


def test_a_step_is_shown_as_it_was_written():
    assert repr(shell.ShellCommand(command=["make"], name="m")) == (
        "ShellCommand(command=['make'], name='m')"
    )


def test_master_commands_take_arguments_by_position_as_in_buildbot_0_8() -> None:
    with collecting() as found:
        step = master.MasterShellCommand(
            "make", ["making"], None, {"A": "b"}, "/bin", 0, alwaysRun=True
        )

    assert not found.errors
    assert (step.description, step.descriptionDone, step.env) == (["making"], ["Ran"], {"A": "b"})
    assert [one.message for one in found.warnings] == [
        "MasterShellCommand: pass the arguments after the command by name",
        "MasterShellCommand: argument 'path' was removed from Buildbot; set env={'PATH': ...}",
    ]


def test_the_numbers_of_trial_are_counted_as_in_buildbot_0_8() -> None:
    output = "x ... [OK]\nRan 7 tests in 0.1s\n\nFAILED (failures=1, errors=2, skips=1)\n"

    assert countFailedTests(output) == {
        "total": 7,
        "failures": 1,
        "errors": 2,
        "skips": 1,
        "expectedFailures": 0,
        "unexpectedSuccesses": 0,
    }
    assert countFailedTests("killed\n")["total"] is None


def test_the_arguments_of_all_steps_are_listed_as_in_buildbot_0_8() -> None:
    class Adds(BuildStep):
        parms = [*BuildStep.parms, "mine"]

        def __init__(self, **kwargs: object) -> None:
            for name in self.parms:
                if name in kwargs:
                    setattr(self, name, kwargs.pop(name))
            super().__init__(**kwargs)

    step = Adds(name="adds", haltOnFailure=True, mine=3)

    assert (step.name, step.haltOnFailure, step.mine) == ("adds", True, 3)
