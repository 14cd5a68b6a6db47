"""Steps for projects that use Twisted: running ``trial``, and removing compiled files."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.numbers import POSITIVE_OR_NONE, check_number
from buildbot._border.rendering import is_constant
from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import LineConsumerLogObserver, LogLineObserver
from buildbot.process.results import FAILURE, SKIPPED, SUCCESS, WARNINGS, statusToString
from buildbot.process.shell_mixin import ShellMixin
from buildbot.steps.shell import ShellCommand

_SUMMARY = re.compile(r"^(PASSED|FAILED)(?: \((.*)\))?$")
_WORDS = {
    "failures": ("failure", "failures"),
    "errors": ("error", "errors"),
    "skips": ("skip", "skips"),
    "expectedFailures": ("expected failure", "expected failures"),
    "unexpectedSuccesses": ("unexpected success", "unexpected successes"),
}
_RULER = "=" * 40
_MOST_PROBLEMS = 10_000
"""Lines that are kept of what ``trial`` writes about tests that failed."""


class TrialTestCaseCounter(LogLineObserver):
    """Counts the tests that ``trial`` has run, as the step's metric ``tests``.

    ``counts`` has what it says at its end: failures, errors, skips, expectedFailures ….
    """

    _line_re = re.compile(r"^(?:Doctest: )?([\w.]+) \.\.\. \[([^\]]+)\]$")

    def __init__(self) -> None:
        super().__init__()
        self.numTests = 0
        self.finished = False
        self.is_counted = False
        """Whether ``trial`` said how many tests it has run."""
        self.counts: dict[str, int] = {"total": 0}
        self.problems: list[str] = []

    def outLineReceived(self, line: str) -> None:
        """Count a test, or read what comes after them."""
        if not self.finished:
            if line.startswith(_RULER):
                self.finished = True
            elif self._line_re.search(line.strip()):
                self.numTests += 1
                self.step.setProgress("tests", self.numTests)
                return
        if (counted := _counted(line)) is not None:
            self.counts.update(counted)
            self.is_counted = self.is_counted or "total" in counted
        elif self.finished and len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(line)


class Trial(ShellMixin, BuildStep):
    """Run ``trial`` on *tests* (a module, or several), or on the tests of the changed files
    (*testChanges*).

    *python* and *trial* are the programs; *testpath* is put on PYTHONPATH, None leaves it alone.
    *recurse* looks into packages, *randomly* mixes the tests, *jobs* runs several at once.

    Args:
        tests (str | list[str] | None, renderable): Modules or packages to test; this or
            testChanges.
        testChanges (bool): Test the modules that belong to the changed files.
        python (str | list[str] | None): Python with which to run trial.
        trial (str): The trial program of the worker: a path or a name.
        trialMode (list[str]): Arguments that choose the reporter.
        trialArgs (list[str]): Arguments that trial gets before the tests' names.
        testpath (str | None): Directory to put on PYTHONPATH; None leaves it alone.
        recurse (bool): Look for tests in packages below, too.
        randomly (bool): Run the tests in random order.
        reactor (str | None): Twisted's reactor to use.
        jobs (int | None, renderable): How many tests to run in parallel.
    """

    name = "trial"
    flunkOnFailure = True
    logfiles: Any = {"test.log": "_trial_temp/test.log"}
    progressMetrics = ("output", "tests", "test.log")
    renderables: ClassVar[Any] = ["jobs", "tests"]

    python: Any = None
    trial: Any = "trial"
    trialMode: Any = ["--reporter=bwverbose"]
    trialArgs: Any = []
    jobs: Any = None
    testpath: Any = None
    testChanges = False
    recurse = False
    reactor: Any = None
    randomly = False
    tests: Any = None
    _OWN = (
        *("reactor", "python", "trial", "testpath", "tests", "testChanges", "recurse"),
        *("randomly", "trialMode", "trialArgs", "jobs"),
    )

    def __init__(self, **kwargs: Any) -> None:
        for name in self._OWN:
            if (value := kwargs.pop(name, None)) is not None:
                setattr(self, name, value)
        check_number(type(self).__name__, "jobs", self.jobs, POSITIVE_OR_NONE)
        if self.tests is None and not self.testChanges:
            error("Trial needs the argument tests=, or testChanges=True")
        if self.tests is not None and is_constant(self.tests):
            self.tests = _listed(self.tests)
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)
        self.counter = TrialTestCaseCounter()
        self.addLogObserver("stdio", self.counter)

    @outgoing
    async def run(self) -> int:
        """Run it; tests that fail are FAILURE, and output that does not tell how many ran too."""
        overrides: dict[str, Any] = {"command": self._words()}
        if self.testpath is not None:
            given = self.env or {}
            path = [str(self.testpath), *_listed(given.get("PYTHONPATH"))]
            overrides["env"] = {**given, "PYTHONPATH": path}
        command = await self.makeRemoteShellCommand(**overrides)
        await inward(self.runCommand, command)
        await self.getLog("stdio").finish()
        if self.counter.problems:
            await self.addCompleteLog("problems", "\n".join(self.counter.problems) + "\n")
        for name, number in self.counter.counts.items():
            self.setStatistic(f"tests-{name}", number)
        if command.didFail():
            return FAILURE
        return SUCCESS if self.counter.is_counted else FAILURE

    def getCurrentSummary(self) -> dict[str, str]:
        """Say that it is testing."""
        return {"step": self._described(self.description) or "testing"}

    def getResultSummary(self) -> Any:
        """Say how many tests there were, and what came of them."""
        if self.descriptionDone or self.results == SKIPPED:
            return super().getResultSummary()
        counts = self.counter.counts
        total = counts["total"]
        words = [f"{total} test{'' if total == 1 else 's'}" if total else self._without_tests()]
        if self.results == SUCCESS and total:
            words.append("passed")
        words += [f"{number} {name}" for name, number in _problems(counts)]
        sentence = ", ".join([" ".join(words[:2]), *words[2:]]) if total else words[0]
        if self.results not in (SUCCESS, WARNINGS):
            sentence += f" ({statusToString(self.results)})"
        return {"step": sentence}

    def _without_tests(self) -> str:
        if self.counter.is_counted:
            return "no tests run"
        return "tests failed" if self._exit_code else "testlog unparseable"

    def _words(self) -> list[Any]:
        words: list[Any] = [*_listed(self.python), self.trial, *_listed(self.trialMode)]
        if self.recurse:
            words.append("--recurse")
        if self.reactor is not None:
            words.append(f"--reactor={self.reactor}")
        if self.randomly:
            words.append("--random=0")
        words += _listed(self.trialArgs)
        if self.jobs is not None:
            words.append(f"--jobs={int(self.jobs)}")
        if self.testChanges:
            return words + [f"--testmodule={file}" for file in self.build.allFiles()]
        return words + _listed(self.tests)


class RemovePYCs(ShellCommand):
    """Remove all ``.pyc`` files below the working directory."""

    name = "remove_pyc"
    command: Any = ["find", ".", "-name", "*.pyc", "-exec", "rm", "{}", ";"]
    description: Any = ["removing", ".pyc", "files"]
    descriptionDone: Any = ["remove", ".pycs"]


class HLint(ShellMixin, BuildStep):
    """Run ``lore --output lint`` on the ``.xhtml`` files of the changes; messages are WARNINGS.

    Args:
        python (str | list[str] | None): Python with which to run lore.
    """

    name = "hlint"
    description: Any = ["running", "hlint"]
    descriptionDone: Any = ["hlint"]
    warnOnWarnings = True
    warnOnFailure = True

    def __init__(self, python: Any = None, **kwargs: Any) -> None:
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)
        self.python = python
        self.warnings: list[str] = []
        self.addLogObserver("stdio", LineConsumerLogObserver(self._consume))

    @outgoing
    async def run(self) -> int:
        """Run it; without such files the step is SKIPPED."""
        files = [file for file in self.build.allFiles() if file.endswith(".xhtml")]
        if not files:
            return SKIPPED
        words = [*_listed(self.python), "bin/lore", "-p", "--output", "lint", *files]
        command = await self.makeRemoteShellCommand(command=words)
        await inward(self.runCommand, command)
        await self.getLog("stdio").finish()
        if self.warnings:
            await self.addCompleteLog("warnings", "\n".join(self.warnings) + "\n")
        self.setStatistic("warnings", len(self.warnings))
        if command.didFail():
            return FAILURE
        return WARNINGS if self.warnings else SUCCESS

    def _consume(self) -> Generator[None, tuple[str, str], None]:
        while True:
            channel, line = yield
            if channel != "h" and ":" in line:
                self.warnings.append(line)


def _problems(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    for name, (one, several) in _WORDS.items():
        if number := counts.get(name):
            yield one if number == 1 else several, number


def _listed(words: Any) -> list[Any]:
    if words is None:
        return []
    return [words] if isinstance(words, str) else list(words)


def countFailedTests(output: str) -> dict[str, int | None]:
    """Return what ``trial`` says of its tests at the end of its output: ``total``, None where it
    does not say so, and failures, errors, skips, expectedFailures and unexpectedSuccesses. For
    steps that were written for Buildbot 0.8; `Trial` counts by itself."""
    counts: dict[str, int | None] = {"total": None, **dict.fromkeys(_WORDS, 0)}
    for line in output.splitlines():
        counts.update(_counted(line) or {})
    return counts


def _counted(line: str) -> dict[str, int] | None:
    """Return what a line of ``trial``'s output says of numbers of tests; None for other lines."""
    if found := re.match(r"Ran (\d+) tests? ", line):
        return {"total": int(found[1])}
    if (summary := _SUMMARY.match(line.strip())) is None:
        return None
    numbers = re.findall(r"(\w+)=(\d+)", summary[2] or "")
    return {name: int(number) for name, number in numbers}
