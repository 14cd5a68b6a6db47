"""Counting the warnings that a program writes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Generator
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing, settled
from buildbot._border.numbers import COUNT_OR_NONE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import LineConsumerLogObserver
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import FAILURE, SUCCESS, WARNINGS, worst_status
from buildbot.process.shell_mixin import ShellMixin
from buildbot.steps.suppressions import FileSuppression, left_out, suppressions_in
from buildbot.steps.worker import CompositeStepMixin

Warned = tuple[str | None, int | None, str]
Suppression = tuple[Any, Any, int | None, int | None]

_UNSET = object()


class WarningCountingShellCommand(ShellMixin, CompositeStepMixin, BuildStep):
    """Run a program and count the lines that match ``warningPattern``.

    They are put into the log ``warnings (N)``, counted in the statistic ``warnings`` and the
    property ``warnings-count``; a program that warned ends as WARNINGS, and as FAILURE if it warned
    more often than ``maxWarnCount``. ``warningExtractor(step, line, match)`` returns (file, line
    number, text); ``suppressionList`` and ``suppressionFile`` say which do not count.

    Args:
        warningPattern (str | None, renderable): Regular expression that a line with a warning
            matches from its start; None counts nothing.
        warningExtractor (Callable[..., Any] | None): function(step, line, match) that returns
            (file, line number, text) of a warning; by default the whole line.
        maxWarnCount (int | None, renderable): More warnings than this make the step FAILURE; None
            for no limit.
        directoryEnterPattern (str | None, renderable): Regular expression of lines that say which
            directory is entered; its group is the directory.
        directoryLeavePattern (str | None, renderable): Regular expression of lines that say that a
            directory is left.
        suppressionFile (str | None, renderable): File on the worker that lists warnings that do not
            count.
        suppressionList (list[Any] | None, renderable): Tuples (file pattern, text pattern, first
            line, last line) of warnings that do not count. The file's pattern matches from its
            start; where no file is known, it does not matter.
    """

    renderables: ClassVar[Any] = [
        "suppressionFile",
        "suppressionList",
        "warningPattern",
        "directoryEnterPattern",
        "directoryLeavePattern",
        "maxWarnCount",
    ]
    warnCount = 0
    warningPattern: Any = "(?i).*warning[: ].*"
    directoryEnterPattern: Any = "make.*: Entering directory [\u2019\"`'](.*)[\u2019'`\"]"
    directoryLeavePattern: Any = "make.*: Leaving directory"
    suppressionFile: Any = None
    suppressionList: Any = None
    maxWarnCount: Any = None

    def __init__(
        self,
        warningPattern: Any = _UNSET,
        warningExtractor: Any = None,
        maxWarnCount: Any = None,
        directoryEnterPattern: Any = None,
        directoryLeavePattern: Any = None,
        suppressionFile: Any = None,
        suppressionList: Any = None,
        **kwargs: Any,
    ) -> None:
        if warningPattern is not _UNSET:
            self.warningPattern = warningPattern
        if directoryEnterPattern:
            self.directoryEnterPattern = directoryEnterPattern
        if directoryLeavePattern:
            self.directoryLeavePattern = directoryLeavePattern
        if suppressionFile:
            self.suppressionFile = suppressionFile
        if suppressionList is not None:
            self.suppressionList = suppressionList
        check_number(type(self).__name__, "maxWarnCount", maxWarnCount, COUNT_OR_NONE)
        if maxWarnCount is not None:
            self.maxWarnCount = maxWarnCount
        self.warningExtractor = warningExtractor or type(self).warnExtractWholeLine
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)
        self.suppressions: list[Suppression] = []
        self.directoryStack: list[str] = []
        self.loggedWarnings: list[str] = []
        self._of_file: list[FileSuppression] = []
        self._warned: list[Warned] = []
        """What each of the logged warnings is about, for the suppression file."""
        if self.warningPattern is not None:
            self.addLogObserver("stdio", LineConsumerLogObserver(self.warningLogConsumer))

    @outgoing
    async def run(self) -> int:
        """Run the program; count its warnings."""
        if self.suppressionList is not None:
            self.addSuppression(self.suppressionList)
        if self.suppressionFile is not None:
            await inward(self.setup_suppression)
        command = await self.makeRemoteShellCommand()
        await self._set_up(command)
        await inward(self.runCommand, command)
        await inward(self.finish_logs)
        await self._leave_out()
        if self._has_old_hooks:
            return await self._result_of(command)
        await self.createSummary()
        return self.evaluateCommand(command)

    def addSuppression(self, suppressionList: list[Suppression]) -> None:
        """Do not count warnings in files that match, of texts that match, in a range of lines.

        Each is (pattern, pattern, first line, last line); None matches everything.
        """
        for file, text, first, last in suppressionList:
            compiled = [re.compile(p) if isinstance(p, str) else p for p in (file, text)]
            self.suppressions.append((compiled[0], compiled[1], first, last))

    @outgoing
    async def setup_suppression(self) -> None:
        """Read the suppression file on the worker."""
        content = await self.getFileContentFromWorker(self.suppressionFile, abandonOnFailure=True)
        self._of_file = suppressions_in(content or "")

    async def _leave_out(self) -> None:
        """Take out what the suppression file suppresses."""
        warned = self._warned
        if not warned or len(warned) != len(self.loggedWarnings):
            return
        suppressed = await left_out(self._of_file, warned)
        kept = [line for i, line in enumerate(self.loggedWarnings) if i not in suppressed]
        self.loggedWarnings[:] = kept
        self.warnCount -= len(suppressed)

    def warningLogConsumer(self) -> Generator[None, tuple[str, str], None]:
        """Look at each line of the program's output."""
        pattern, enter, leave = (
            re.compile(p) if isinstance(p, str) else p
            for p in (self.warningPattern, self.directoryEnterPattern, self.directoryLeavePattern)
        )
        while True:
            _, line = yield  # of the headers, too: a command may name what it warns of
            if enter and (match := enter.search(line)):
                self.directoryStack.append(match.group(1))
            elif leave and self.directoryStack and leave.search(line):
                self.directoryStack.pop()
            if match := pattern.match(line):
                self.maybeAddWarning(self.loggedWarnings, line, match)

    def warnExtractWholeLine(self, line: str, match: re.Match[str]) -> Warned:
        """Return the whole line as the warning's text."""
        return (None, None, line)

    def warnExtractFromRegexpGroups(self, line: str, match: re.Match[str]) -> Warned:
        """Return file, line number and text of the pattern's three groups."""
        file, number, text = match.group(1), match.group(2), match.group(3)
        return (file, int(number) if number else None, text)

    def maybeAddWarning(self, warnings: list[str], line: str, match: re.Match[str]) -> None:
        """Count the line, unless it is suppressed."""
        if self.suppressions or self._of_file:
            file, number, text = self.warningExtractor(self, line, match)
            number = int(number) if number else None
            if file and self.directoryStack:
                file = posixpath.join(*self.directoryStack, file)
            if any(_covers(suppression, file, number, text) for suppression in self.suppressions):
                return
            if self._of_file:
                self._warned.append((file, number, text))
        warnings.append(line)
        self.warnCount += 1

    @outgoing
    async def finish_logs(self) -> None:
        """Let the observer hear the rest of the log."""
        if "stdio" in self.logs:
            await self.logs["stdio"].end()

    def createSummary(self, log: Any = None) -> Any:
        """Write the warnings to a log, and count them in a statistic and a property; return a
        Deferred of its end."""
        self.setStatistic("warnings", self.getStatistic("warnings", 0) + self.warnCount)
        before = self.getProperty("warnings-count", 0)
        self.setProperty("warnings-count", before + self.warnCount, "WarningCountingShellCommand")
        if not self.warnCount:
            return settled(None)
        text = "\n".join(self.loggedWarnings) + "\n"
        return self.addCompleteLog(f"warnings ({self.warnCount})", text)

    def evaluateCommand(self, cmd: RemoteCommand) -> int:
        """Return the result: the program's, or worse because of its warnings."""
        result = cmd.results()
        if self.maxWarnCount is not None and self.warnCount > self.maxWarnCount:
            return worst_status(result, FAILURE)
        return worst_status(result, WARNINGS if self.warnCount else SUCCESS)


def _covers(
    suppression: Suppression, file: str | None, number: int | None, text: str | None
) -> bool:
    file_pattern, text_pattern, first, last = suppression
    if not (file is None or file_pattern is None or file_pattern.match(file)):
        return False
    if not (text_pattern is None or text_pattern.search(text or "")):
        return False
    if first is None and last is None:
        return True
    return number is not None and (first or 0) <= number <= (last if last is not None else number)
