"""Steps that run a program on the worker."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.finder import old_names_of
from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import BufferLogObserver
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import FAILURE, SUCCESS, WARNINGS, statusToString, worst_status
from buildbot.process.shell_mixin import ShellMixin
from buildbot.steps.warnings import WarningCountingShellCommand

__all__ = [
    "Compile",
    "Configure",
    "PerlModuleTest",
    "SetPropertyFromCommand",
    "ShellCommand",
    "Test",
    "TreeSize",
    "WarningCountingShellCommand",
]


class ShellCommand(ShellMixin, BuildStep):
    """Run ``command``: a list of words, or one string for the worker's shell.

    Args:
        command (str | list[str | list[str]], required, renderable): The program and its arguments,
            or one string for the worker's shell.
    """

    name = "shell"

    def __init__(self, **kwargs: Any) -> None:
        if self.is_exact_step_class(ShellCommand) and "command" not in kwargs:
            error('ShellCommand needs the argument "command"')
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)

    @outgoing
    async def run(self) -> int:
        """Run the program; its exit code says the result."""
        kind = type(self)
        if kind.makeRemoteShellCommand is ShellMixin.makeRemoteShellCommand:
            command = self._new_command()  # Nobody wants a Deferred of it.
        else:
            command = await self.makeRemoteShellCommand()
        await self._set_up(command)
        await inward(self.runCommand, command)
        return await self._result_of(command)

    def _first_log(self) -> str | None:
        """Return the log of its program."""
        return "stdio" if type(self).run is ShellCommand.run else None


class Configure(ShellCommand):
    """Run ``./configure``, or another command."""

    name = "configure"
    description = "configuring"
    descriptionDone = "configure"
    command: Any = ["./configure"]
    haltOnFailure = True
    flunkOnFailure = True


class TreeSize(ShellMixin, BuildStep):
    """Measure the working directory; property ``tree-size-KiB`` has its size."""

    name = "treesize"
    description: Any = ["measuring", "tree", "size"]
    command: Any = ["du", "-s", "-k", "."]

    def __init__(self, **kwargs: Any) -> None:
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)
        self.observer = BufferLogObserver(wantStdout=True, wantStderr=True)
        self.addLogObserver("stdio", self.observer)

    @outgoing
    async def run(self) -> int:
        """Measure it."""
        command = await self.makeRemoteShellCommand()
        await inward(self.runCommand, command)
        found = re.search(r"^(\d+)", self.observer.getStdout())
        if found is None:
            self.descriptionDone = ["treesize", "unknown"]
            return WARNINGS
        size = int(found[1])
        self.setProperty("tree-size-KiB", size, "treesize")
        self.descriptionDone = ["treesize", f"{size} KiB"]
        return await self._result_of(command)


class SetPropertyFromCommand(ShellMixin, BuildStep):
    """Set a property to a program's output, or several to what ``extract_fn(rc, stdout, stderr)``
    returns (a dictionary, also by a coroutine or Deferred).

    Args:
        property (str | None, renderable): Name of the property that gets the program's output.
        extract_fn (Callable[[int, str, str], Any] | None): function(rc, stdout, stderr) that
            returns a dictionary of properties; instead of property.
        strip (bool): Whether to remove white space around the output.
        includeStdout (bool): Whether standard output is read; otherwise extract_fn gets "".
        includeStderr (bool): Whether standard error is read, which extract_fn gets in any case.
            The property is the standard output, or where that is not read the standard error.
    """

    name = "setproperty"
    renderables: ClassVar[Any] = ["property"]

    def __init__(
        self,
        property: Any = None,
        extract_fn: Callable[[int, str, str], Any] | None = None,
        strip: bool = True,
        includeStdout: bool = True,
        includeStderr: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs = self.setupShellMixin(kwargs)
        self.property = property
        self.extract_fn = extract_fn
        self.strip = strip
        self.includeStdout = includeStdout
        self.includeStderr = includeStderr
        if (property is not None) == (extract_fn is not None):
            error("SetPropertyFromCommand needs either property or extract_fn")
        super().__init__(**kwargs)
        self.property_changes: dict[str, Any] = {}

    @outgoing
    async def run(self) -> int:
        """Run the program and set the properties."""
        command = await self.makeRemoteShellCommand(
            collectStdout=self.includeStdout,
            collectStderr=self.includeStderr or self.extract_fn is not None,
        )
        await inward(self.runCommand, command)
        self.property_changes = await self._changes(command)
        for name, value in self.property_changes.items():
            self.setProperty(name, value, "SetPropertyFromCommand Step")
        if self.property_changes or self.extract_fn is not None:
            lines = [f"{name}: {value!r}" for name, value in sorted(self.property_changes.items())]
            await self.addCompleteLog("property changes", "\n".join(lines))
        return await self._result_of(command)

    async def _changes(self, command: RemoteCommand) -> dict[str, Any]:
        if self.extract_fn is not None:
            found = await inward(self.extract_fn, command.rc, command.stdout, command.stderr)
            return dict(found or {})
        if command.didFail():
            return {}
        text = command.stdout if self.includeStdout else command.stderr
        return {self.property: text.strip() if self.strip else text}

    def getResultSummary(self) -> Any:
        """Say what was set."""
        changes = self.property_changes
        if len(changes) > 1:
            words = f"{len(changes)} properties set"
        elif len(changes) == 1:
            words = f"property '{next(iter(changes))}' set"
        else:
            return super().getResultSummary()
        if self.results != SUCCESS:
            words += f" ({statusToString(self.results)})"
        return {"step": words}


class Compile(WarningCountingShellCommand):
    """Run ``make all``, or another command, and count compilers' warnings."""

    name = "compile"
    description: Any = ["compiling"]
    descriptionDone: Any = ["compile"]
    command: Any = ["make", "all"]
    haltOnFailure = True
    flunkOnFailure = True


class Test(WarningCountingShellCommand):
    """Run ``make test``, or another command; subclasses call `setTestResults`."""

    __test__ = False  # pytest is to leave it alone

    name = "test"
    description: Any = ["testing"]
    descriptionDone: Any = ["test"]
    command: Any = ["make", "test"]
    warnOnFailure = True

    def setTestResults(
        self, total: int = 0, failed: int = 0, passed: int = 0, warnings: int = 0
    ) -> None:
        """Add to the statistics ``tests-total``, ``-failed``, ``-passed`` and ``-warnings``."""
        counts = {"total": total, "failed": failed, "passed": passed, "warnings": warnings}
        for name, count in counts.items():
            key = f"tests-{name}"
            self.setStatistic(key, self.getStatistic(key, 0) + count)

    def getResultSummary(self) -> Any:
        """Say how many tests there were."""
        if not self.hasStatistic("tests-total"):
            return super().getResultSummary()
        counts = {
            "tests": self.getStatistic("tests-total", 0),
            "passed": self.getStatistic("tests-passed", 0),
            "warnings": self.getStatistic("tests-warnings", 0),
            "failed": self.getStatistic("tests-failed", 0),
        }
        words = [f"{count} {word}" for word, count in counts.items() if count or word == "tests"]
        sentence = " ".join(words)
        if self.results != SUCCESS:
            sentence += f" ({statusToString(self.results)})"
        return {"step": sentence}


class PerlModuleTest(Test):
    """Run ``prove``, and count its tests."""

    command: Any = ["prove", "--lib", "lib", "-r", "t"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.observer = BufferLogObserver(wantStdout=True, wantStderr=True)
        self.addLogObserver("stdio", self.observer)

    def evaluateCommand(self, cmd: RemoteCommand) -> int:
        """Count the tests in the summary that ``prove`` prints."""
        text = self.observer.getStdout() + self.observer.getStderr()
        total = _number(r"\bTests=(\d+)", text)
        failed = sum(map(int, re.findall(r"\bFailed: (\d+)\)", text)))
        if not total:
            counts = re.findall(
                r"Failed \d+/\d+ test (?:scripts|programs).*?(\d+)/(\d+) subtests", text
            )
            failed = sum(int(bad) for bad, _ in counts)
            total = sum(int(every) for _, every in counts)
        result = super().evaluateCommand(cmd)
        if total:
            self.setTestResults(total=total, failed=failed, passed=total - failed)
            result = worst_status(result, FAILURE if failed else SUCCESS)
        return result


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


__getattr__ = old_names_of(__name__)
