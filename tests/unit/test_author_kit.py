"""The kit with which authors test their steps."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer

from buildbot._border.errors import error
from buildbot.plugins import steps, util
from buildbot.process import buildstep, logobserver
from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, SKIPPED, SUCCESS, WARNINGS
from buildbot.steps.source import Source
from buildbot.test.expectations import Unexpected
from buildbot.test.fake.remotecommand import Expect as OldExpect
from buildbot.test.fake.remotecommand import ExpectShell as OldExpectShell
from buildbot.test.reactor import TestReactorMixin
from buildbot.test.steps import (
    Expect,
    ExpectCpdir,
    ExpectDownloadFile,
    ExpectGlob,
    ExpectListdir,
    ExpectMkdir,
    ExpectRmdir,
    ExpectRmfile,
    ExpectShell,
    ExpectStat,
    ExpectUploadFile,
    TestBuildStepMixin,
)
from buildbot.test.util.changesource import ChangeSourceMixin
from buildbot.test.util.config import ConfigErrorsMixin
from buildbot.test.util.logging import LoggingMixin
from buildbot.test.util.reporter import ReporterTestMixin
from buildbot.test.util.scheduler import SchedulerMixin
from buildbot.test.util.sourcesteps import SourceStepMixin
from buildbot.test.util.steps import BuildStepMixin

_PATCH = [*("patch", "-p1", "--remove-empty-files", "--force", "--forward"), "-i", ".buildbot-diff"]


class Counting(steps.ShellCommand):
    """Counts lines that say warning."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warned = 0
        self.addLogObserver("stdio", logobserver.LineConsumerLogObserver(self._count))

    def _count(self) -> Any:
        while True:
            _, line = yield
            self.warned += "warning" in line

    def createSummary(self, log: Any) -> None:
        pass

    async def run(self) -> int:
        result = await super().run()
        self.setProperty("warned", self.warned, "Counting")
        return WARNINGS if result == SUCCESS and self.warned else result


class Kit(TestBuildStepMixin):
    def __init__(self) -> None:
        self.setup_test_build_step()


async def test_a_step_is_run_and_what_it_did_is_compared() -> None:
    kit = Kit()
    kit.setup_step(Counting(command=["make", "all"], env={"A": "b"}))
    kit.expect_commands(
        ExpectShell(workdir="wkdir", command=["make", "all"], env={"A": "b"})
        .stdout("a warning\nfine\n")
        .stderr("warning too\n")
        .exit(0)
    )
    kit.expect_outcome(result=WARNINGS, state_string="'make all' (warnings)")
    kit.expect_property("warned", 2, source="Counting")
    kit.expect_no_property("other")
    kit.expect_log_file("stdio", "a warning\nfine\n")
    kit.expect_log_file_stderr("stdio", "warning too\n")
    kit.expect_hidden(False)

    await kit.run_step()

    assert kit.step.warned == 2


class AsUnittest(TestBuildStepMixin, TestReactorMixin, unittest.TestCase):
    """Runs without a loop, as in trial."""

    def setUp(self) -> Any:
        self.setup_test_reactor()
        return self.setup_test_build_step()

    def test_without_a_loop_it_has_run_at_once(self) -> None:
        self.setup_step(steps.ShellCommand(command="false", workdir="elsewhere"))
        self.expect_commands(ExpectShell(workdir="elsewhere", command="false").exit(1))
        self.expect_outcome(result=FAILURE)

        ran = self.run_step()

        assert ran.called
        assert self.master.reactor is self.reactor
        ran.addErrback(lambda failure: self.fail(str(failure)))


async def test_properties_that_a_test_sets_are_rendered() -> None:
    kit = Kit()
    kit.properties.setProperty("what", "all", "test")
    kit.build.setProperty("how", "fast", "test")
    kit.setup_step(steps.ShellCommand(command=["make", util.Interpolate("%(prop:what)s")]))
    kit.setup_step(steps.ShellCommand(command=[util.Property("how")]))
    kit.expect_commands(
        ExpectShell(workdir="wkdir", command=["make", "all"]).exit(0),
        ExpectShell(workdir="wkdir", command=["fast"]).exit(0),
    )
    kit.expect_outcome(SUCCESS)
    kit.expect_outcome(SUCCESS, "'fast'")

    await kit.run_step()


async def test_each_kind_of_command_has_its_expectation(tmp_path: Path) -> None:
    class Discovering(buildstep.CommandMixin, buildstep.BuildStep):
        async def run(self) -> int:
            assert await self.pathExists("d")
            assert await self.runGlob("*.o") == ["a.o"]
            await self.runMkdir("m")
            await self.runRmdir("m")
            await self.runRmFile("f")
            command = buildstep.RemoteCommand("listdir", {"dir": "d"})
            await self.runCommand(command)
            assert command.updates["files"][-1] == ["x"]
            return SUCCESS

    (tmp_path / "from").write_text("text")
    kit = Kit()
    kit.setup_step(Discovering())
    kit.setup_step(steps.CopyDirectory(src="a", dest="b"))
    kit.setup_step(steps.FileUpload(workersrc="out", masterdest=str(tmp_path / "to")))
    kit.setup_step(steps.FileDownload(mastersrc=str(tmp_path / "from"), workerdest="in"))
    kit.expect_commands(
        ExpectStat(file="d").stat_dir().exit(0),
        ExpectGlob(path="*.o").files(["a.o"]).exit(0),
        ExpectMkdir(dir="m").exit(0),
        ExpectRmdir(dir="m").exit(0),
        ExpectRmfile(path="f").exit(0),
        ExpectListdir(dir="d").files(["x"]).exit(0),
        ExpectCpdir(fromdir="a", todir="b").exit(0),
        ExpectUploadFile(workersrc="out", workdir="wkdir").upload_string("sent").exit(0),
        ExpectDownloadFile(workerdest="in", workdir="wkdir").exit(0),
    )
    for _ in range(4):
        kit.expect_outcome(SUCCESS)

    await kit.run_step()

    assert (tmp_path / "to").read_text() == "sent"


class Failing(buildstep.BuildStep):
    async def run(self) -> int:
        raise KeyError("what is missing")


async def test_an_exception_may_be_expected() -> None:
    kit = Kit()
    kit.setup_step(Failing())
    kit.expect_outcome(EXCEPTION)
    kit.expect_exception(KeyError)

    await kit.run_step()


async def test_a_lost_worker_ends_the_step() -> None:
    kit = Kit()
    kit.setup_step(steps.ShellCommand(command=["x"]))
    kit.expect_commands(ExpectShell(workdir="wkdir", command=["x"]).stdout("a").break_connection())

    await kit.run_step()


async def test_a_command_may_run_until_the_step_is_interrupted() -> None:
    kit = Kit()
    kit.setup_step(steps.ShellCommand(command=["x"]))
    kit.expect_commands(Expect("shell", {"command": ["x"]}, interrupted=True))
    kit.interrupt_nth_remote_command(0)
    kit.expect_outcome(CANCELLED)

    await kit.run_step()


async def test_steps_that_are_skipped_or_hidden_say_so() -> None:
    kit = Kit()
    kit.setup_step(steps.ShellCommand(command=["x"], doStepIf=False, hideStepIf=True))
    kit.expect_outcome(SKIPPED)
    kit.expect_hidden()

    await kit.run_step()


async def test_a_windows_worker_and_the_versions_of_its_commands() -> None:
    class Looking(buildstep.BuildStep):
        async def run(self) -> int:
            assert self.worker.worker_system == "nt"
            assert self.worker.worker_environ == {"HOME": "C:"}
            assert self.workerVersionIsOlderThan("shell", "3.0")
            assert self.build.allFiles() == ["changed.c"]
            return SUCCESS

    kit = Kit()
    kit.setup_step(Looking())
    kit.setup_build({"HOME": "C:"}, ["changed.c"], {"shell": "2.9"})
    kit.change_worker_system("win32")
    kit.expect_outcome(SUCCESS)

    await kit.run_step()


_MAKE = {"workdir": "wkdir", "command": ["make"]}


@pytest.mark.parametrize(
    ("expected", "outcome", "more", "said"),
    [
        ([], SUCCESS, {}, "no further command was expected"),
        (
            [ExpectShell(workdir="wkdir", command=["mak"]).exit(0)],
            SUCCESS,
            {},
            "command: ['make'], expected ['mak']",
        ),
        ([ExpectStat(file="x").exit(0)], SUCCESS, {}, "where stat (file='x') was expected"),
        (
            [ExpectShell(**_MAKE).exit(0), ExpectShell(**_MAKE).exit(0)],
            SUCCESS,
            {},
            "not run: <ExpectShell shell",
        ),
        ([ExpectShell(**_MAKE).exit(2)], SUCCESS, {}, "ended with FAILURE"),
        ([ExpectShell(**_MAKE).exit(0)], SUCCESS, {"p": 1}, "property 'p' is not set"),
        ([ExpectShell(**_MAKE).exit(0)], SUCCESS, {"scheduler": 1}, "property 'scheduler' is"),
    ],
)
async def test_what_was_not_as_expected_is_said(
    expected: list[Expect], outcome: int, more: dict[str, Any], said: str
) -> None:
    kit = Kit()
    kit.setup_step(steps.ShellCommand(command=["make"]))
    kit.expect_commands(*expected)
    kit.expect_outcome(outcome)
    for name, value in more.items():
        kit.expect_property(name, value)

    with pytest.raises(AssertionError) as raised:
        await kit.run_step()

    assert said in str(raised.value)


async def test_wrong_sentences_logs_and_steps_are_said() -> None:
    kit = Kit()
    kit.setup_step(steps.ShellCommand(command=["make"]))
    kit.expect_commands(ExpectShell(**_MAKE).stdout("a\n").exit(0))
    kit.expect_outcome(SUCCESS, "made")
    kit.expect_outcome(SUCCESS)
    kit.expect_log_file("stdio", "b\n")
    kit.expect_log_file("other", "")
    kit.expect_no_property("scheduler")
    kit.expect_hidden()

    with pytest.raises(AssertionError) as raised:
        await kit.run_step()

    assert str(raised.value).splitlines() == [
        "step 'shell' says \"'make'\"; expected 'made'",
        "step 1 did not run; expected SUCCESS",
        "step 'shell' is not hidden",
        "property 'scheduler' is set: 'force'",
        "log 'stdio' has ['a']; expected ['b']",
        "step 'shell' has no log 'other'",
    ]


async def test_an_unexpected_exception_shows_its_traceback() -> None:
    kit = Kit()
    kit.setup_step(Failing())
    kit.expect_outcome(SUCCESS)

    with pytest.raises(AssertionError, match="what is missing"):
        await kit.run_step()


async def test_the_names_of_before_version_4_work() -> None:
    class Old(BuildStepMixin):
        pass

    kit = Old()
    kit.setUpBuildStep()
    kit.setupStep(steps.ShellCommand(command=["make"], usePTY=True, logfiles={"l": "x.log"}))
    kit.expectCommands(
        OldExpectShell(workdir="wkdir", command=["make"], usePTY=True, logfiles={"l": "x.log"})
        + OldExpect.log("stdio", stdout="out", stderr="err")
        + OldExpect.log("l", stdout="of the file")
        + OldExpect.update("some", "value")
        + 0
    )
    kit.expectOutcome(result=SUCCESS, state_string="'make'")
    kit.expectLogfile("l", "of the file")
    kit.expectProperty("scheduler", "force")

    await kit.runStep()
    await kit.tearDownBuildStep()

    with pytest.raises(TypeError, match="cannot add"):
        OldExpect("shell", {}) + "x"


def test_configuration_errors_are_checked() -> None:
    mixin = ConfigErrorsMixin()

    mixin.assertRaisesConfigError("is bad", lambda: error("this is bad"))
    with pytest.raises(AssertionError, match="does not fit"):
        mixin.assertRaisesConfigError("good", lambda: error("this is bad"))
    with pytest.raises(AssertionError, match="no configuration error"):
        mixin.assertRaisesConfigError("good", lambda: None)


def test_a_command_that_does_not_fit_is_an_assertion_that_failed() -> None:
    assert issubclass(Unexpected, AssertionError)


_TRIAL = """
from twisted.internet import defer
from twisted.trial import unittest
from buildbot.plugins import steps
from buildbot.process.results import FAILURE, SUCCESS
from buildbot.test.reactor import TestReactorMixin
from buildbot.test.steps import ExpectShell, TestBuildStepMixin

class Tests(TestBuildStepMixin, TestReactorMixin, unittest.TestCase):
    def setUp(self):
        self.setup_test_reactor()
        return self.setup_test_build_step()

    def tearDown(self):
        return self.tear_down_test_build_step()

    @defer.inlineCallbacks
    def test_good(self):
        self.setup_step(steps.ShellCommand(command=['x']))
        self.expect_commands(ExpectShell(workdir='wkdir', command=['x']).exit(0))
        self.expect_outcome(result=SUCCESS, state_string="'x'")
        yield self.run_step()

    async def test_async(self):
        self.setup_step(steps.ShellCommand(command=['x']))
        self.expect_commands(ExpectShell(workdir='wkdir', command=['x']).exit(1))
        self.expect_outcome(result=FAILURE)
        await self.run_step()

    def test_bad(self):
        self.setup_step(steps.ShellCommand(command=['x']))
        self.expect_commands(ExpectShell(workdir='wkdir', command=['y']).exit(0))
        return self.run_step()
"""


def test_it_works_in_trial(tmp_path: Path) -> None:
    (tmp_path / "test_of_mine.py").write_text(_TRIAL)

    ran = subprocess.run(
        [sys.executable, "-m", "twisted.trial", "test_of_mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert "FAILED (failures=1, successes=2)" in ran.stdout, ran.stdout + ran.stderr
    assert "command: ['x'], expected ['y']" in ran.stdout


def test_deferreds_of_the_kit_have_fired() -> None:
    assert isinstance(Kit().setup_test_build_step(), defer.Deferred)


@pytest.mark.parametrize(
    ("numbers", "case", "tests"),
    [
        ([0], "LintTests", 2),
        ([1], "NewsTests", 1),
        ([2], "LampTests", 1),
        ([2, 3], "FailingTests", 1),
    ],
)
def test_an_example_of_the_guide_passes(numbers: list[int], case: str, tests: int) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "test-a-step.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    example = "\n".join(examples[number] for number in numbers)
    example = example.replace("from twisted.trial import unittest", "import unittest")
    scope: dict[str, Any] = {"__name__": "example"}
    exec(example, scope)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(scope[case]).run(result)

    assert result.testsRun == tests
    assert not result.failures + result.errors


def test_pytest_collects_test_cases_with_the_kits_mixins() -> None:
    """It leaves out classes whose ``__test__``, also an inherited one, is false."""
    mixins = (
        *(TestBuildStepMixin, TestReactorMixin, SourceStepMixin, ReporterTestMixin),
        *(SchedulerMixin, ChangeSourceMixin, LoggingMixin, ConfigErrorsMixin, BuildStepMixin),
    )
    for mixin in mixins:
        assert getattr(mixin, "__test__", True), mixin


class Unpacking(Source):
    """A source step of an author's."""

    name = "unpacks"

    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        self.setProperty("checked out", [branch, revision], self.name)
        return SUCCESS


async def test_a_source_steps_test_has_its_build_and_patches() -> None:
    kit = SourceStepMixin()
    kit.setUpSourceStep()
    step = kit.setup_step(Unpacking(), {"branch": "main", "revision": "abc"}, (1, "the patch"))
    step.build.setProperty("from", "the test", "test")
    kit.expect_commands(
        ExpectDownloadFile(workerdest=".buildbot-patched", workdir="wkdir").exit(0),
        ExpectDownloadFile(workerdest=".buildbot-diff", workdir="wkdir").exit(0),
        ExpectShell(workdir="wkdir", command=_PATCH).exit(0),
        ExpectRmfile(path="wkdir/.buildbot-diff").exit(0),
    )
    kit.expect_property("checked out", ["main", "abc"])
    kit.expect_property("from", "the test", "test")
    kit.expect_outcome(SUCCESS)

    await kit.run_step()


_KIT = (
    *(TestBuildStepMixin, SourceStepMixin, SchedulerMixin, ReporterTestMixin, ChangeSourceMixin),
    *(LoggingMixin, ConfigErrorsMixin, TestReactorMixin, Expect),
)


def test_the_reference_of_the_kit_names_every_method() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "test-kit.md").read_text()
    aliases = {"setUpTestReactor", "tear_down_test_reactor", "setup_source_step", "setupStep"}
    aliases |= {"tear_down_source_step", "setup_scheduler", "tear_down_scheduler"}
    aliases |= {"insertTestData", "logContainsMessage", "play", "check"}
    for kind in _KIT:
        assert kind.__name__ in page, kind
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and not name.startswith("_") and name not in aliases:
                assert f"{name}(" in page, f"{kind.__name__}.{name}"
