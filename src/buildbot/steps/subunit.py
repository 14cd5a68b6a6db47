"""A step that reads what tests say in subunit's text protocol (version 1)."""

from __future__ import annotations

import re
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot.process.buildstep import BuildStep, ShellMixin
from buildbot.process.logobserver import LogLineObserver
from buildbot.process.results import FAILURE, SKIPPED, SUCCESS, statusToString

_STARTED = re.compile(r"(?:test|testing):? (.+)")
_OUTCOME = re.compile(r"(success(?:ful)?|failure|error|skip|xfail|uxsuccess):? (.+)")
_DETAILS = re.compile(r" \[(?: multipart)?$")
_FAILED = frozenset({"failure", "error"})
_MOST_PROBLEMS = 10_000
"""How many lines about failed tests are kept."""


class SubunitLogObserver(LogLineObserver):
    """Counts tests, as the step's metrics ``tests`` and ``tests failed``.

    ``counts`` has how many ended in which way: success, failure, error, skip, xfail (failed as
    expected), uxsuccess (passed unexpectedly). ``problems`` has what was said of failed ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts = dict.fromkeys(
            ("success", "failure", "error", "skip", "xfail", "uxsuccess"), 0
        )
        self.problems: list[str] = []
        self._test: str | None = None
        self._details: list[str] | None = None
        """What is said of the test that has just ended, as long as more of it comes."""

    @property
    def total(self) -> int:
        """How many tests have ended."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(self.counts[outcome] for outcome in _FAILED)

    def outLineReceived(self, line: str) -> None:
        """Read a line; what is not subunit's is left alone."""
        line = line.rstrip("\r")
        if self._details is not None:
            if line == "]":
                self._details = None
            elif len(self.problems) < _MOST_PROBLEMS:
                self._details.append(line)
        elif self._test is not None and (ended := _OUTCOME.fullmatch(line)) is not None:
            self._end(*ended.groups())
        elif (started := _STARTED.fullmatch(line)) is not None:
            self._test = started[1]

    def _end(self, outcome: str, words: str) -> None:
        name = _DETAILS.sub("", words)
        if name != self._test:  # Tests print such words, too.
            return
        self._test = None
        outcome = "success" if outcome == "successful" else outcome
        self.counts[outcome] += 1
        lines: list[str] = []
        if outcome in _FAILED and len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{outcome}: {name}")
            lines = self.problems
        self._details = lines if name != words else None
        self.step.setProgress("tests", self.total)
        self.step.setProgress("tests failed", self.failed)


class SubunitShellCommand(ShellMixin, BuildStep):
    """Run a command that says in subunit's text protocol which tests pass.

    Tests that say it in version 2 need ``subunit-2to1`` behind them. Their words about failed tests
    are in the log ``problems``; the statistics ``tests-total``, ``tests-failed`` and
    ``tests-skipped`` have the numbers.

    Args:
        failureOnNoTests (bool): Whether the step fails if there was no test.
    """

    name = "shell"
    progressMetrics = ("output", "tests", "tests failed")

    def __init__(self, failureOnNoTests: bool = False, **kwargs: Any) -> None:
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)
        self.failureOnNoTests = failureOnNoTests
        self.observer = SubunitLogObserver()
        self.addLogObserver("stdio", self.observer)

    @outgoing
    async def run(self) -> int:
        """Run it; failed tests are FAILURE, unexpected passes are what its exit code says."""
        command = await self.makeRemoteShellCommand()
        await inward(self.runCommand, command)
        await self.getLog("stdio").finish()
        seen = self.observer
        if seen.problems:
            await self.addCompleteLog("problems", "\n".join(seen.problems) + "\n")
        self.setStatistic("tests-total", seen.total)
        self.setStatistic("tests-failed", seen.failed)
        self.setStatistic("tests-skipped", seen.counts["skip"])
        if command.didFail():
            return command.results()
        if seen.failed or (self.failureOnNoTests and not seen.total):
            return FAILURE
        return SUCCESS

    def getResultSummary(self) -> Any:
        """Say how many tests there were, and what came of them."""
        if self.descriptionDone or self.results == SKIPPED:
            return super().getResultSummary()
        seen = self.observer
        if not seen.total:
            words = "no tests run"
        elif seen.failed:
            words = f"{_tests(seen.total)}, {seen.failed} failed"
        else:
            words = f"{_tests(seen.total)} passed"
        if seen.counts["skip"]:
            words += f", {seen.counts['skip']} skipped"
        if seen.counts["xfail"]:
            words += f", {seen.counts['xfail']} failed as expected"
        if seen.counts["uxsuccess"]:
            words += f", {seen.counts['uxsuccess']} passed unexpectedly"
        if self.results != SUCCESS:
            words += f" ({statusToString(self.results)})"
        return {"step": words}


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"
