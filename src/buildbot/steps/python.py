"""Steps that check Python code, and build its documentation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Mapping
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.rendering import is_constant
from buildbot.process.buildstep import BuildStep
from buildbot.process.logobserver import LineConsumerLogObserver
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import FAILURE, SUCCESS, WARNINGS, statusToString
from buildbot.process.shell_mixin import ShellMixin

Lines = Generator[None, tuple[str, str], None]


class Checks(ShellMixin, BuildStep):
    """A program whose messages are counted by their kinds.

    Messages of a kind are in a log of that name; their number is in a statistic and a property.
    """

    flunkingIssues: Any = ()
    _WORDS: ClassVar[Mapping[str, str]] = {}
    """What kinds are called, where it is not as they are."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)
        self.messages: dict[str, list[str]] = defaultdict(list)
        self.addLogObserver("stdio", LineConsumerLogObserver(self._consume))

    def _consume(self) -> Lines:
        while True:
            channel, line = yield
            if channel != "h" and (kind := self._kind_of(line)) is not None:
                self.messages[kind].append(line)

    def _kind_of(self, line: str) -> str | None:
        """Return the kind of message that a line of output is, None if it is none."""
        raise NotImplementedError

    async def _checked(self) -> RemoteCommand:
        command: RemoteCommand = await self.makeRemoteShellCommand()
        await inward(self.runCommand, command)
        await self.getLog("stdio").finish()
        return command

    async def _count(self, prefix: str, kinds: Mapping[str, str], source: str) -> int:
        """Record the messages of each kind under its word; return the number of all."""
        total = 0
        for kind, word in kinds.items():
            found = self.messages[kind]
            if found:
                await self.addCompleteLog(word, "\n".join(found) + "\n")
            self._record(f"{prefix}-{word}", len(found), source)
            total += len(found)
        self._record(f"{prefix}-total", total, source)
        return total

    def _record(self, name: str, number: int, source: str) -> None:
        self.setProperty(name, number, source)
        self.setStatistic(name, number)

    def _has_flunking(self) -> bool:
        return any(self.messages[kind] for kind in self.flunkingIssues)

    def getResultSummary(self) -> Any:
        """Say how many messages of each kind there were."""
        counts = [
            f"{self._WORDS.get(kind, kind)}={len(found)}"
            for kind, found in self.messages.items()
            if found
        ]
        words = " ".join([self._described(self.descriptionDone) or str(self.name), *counts])
        if self.results != SUCCESS:
            words += f" ({statusToString(self.results)})"
        return {"step": words}


class PyFlakes(Checks):
    """Run ``make pyflakes``, or another command; names that are undefined and invalid syntax are
    FAILURE, and so is an exit code other than 0 and 1."""

    name = "pyflakes"
    command: Any = ["make", "pyflakes"]
    description: Any = ["running", "pyflakes"]
    descriptionDone: Any = ["pyflakes"]
    flunkOnFailure = False
    flunkingIssues: Any = ("undefined",)
    _KINDS = ("unused", "undefined", "redefs", "import*", "misc")
    _has_begun = False
    _has_invalid_syntax = False

    def _kind_of(self, line: str) -> str | None:
        self._has_begun = self._has_begun or ":" in line
        if not self._has_begun or not line.strip():  # make shows its command
            return None
        self._has_invalid_syntax = self._has_invalid_syntax or "invalid syntax" in line
        if "imported but unused" in line:
            return "unused"
        if "*' used; unable to detect undefined names" in line:
            return "import*"
        if "undefined name" in line:
            return "undefined"
        if "redefinition of unused" in line or "redefinition of function" in line:
            return "redefs"
        return "misc"

    @outgoing
    async def run(self) -> int:
        """Run it, and count its messages."""
        command = await self._checked()
        total = await self._count("pyflakes", {kind: kind for kind in self._KINDS}, "pyflakes")
        if self._has_flunking() or self._has_invalid_syntax or command.rc not in (0, 1):
            return FAILURE
        return WARNINGS if total else SUCCESS


class BuildEPYDoc(Checks):
    """Run ``make epydocs``, or another command; warnings and errors in modules are WARNINGS."""

    name = "epydoc"
    command: Any = ["make", "epydocs"]
    description: Any = ["building", "epydocs"]
    descriptionDone: Any = ["epydoc"]
    _KINDS: ClassVar[dict[str, str]] = {
        "Error importing ": "import-errors",
        "Warning: ": "warnings",
        "Error: ": "errors",
    }

    def _kind_of(self, line: str) -> str | None:
        return next((word for start, word in self._KINDS.items() if line.startswith(start)), None)

    @outgoing
    async def run(self) -> int:
        """Run it, and count its messages."""
        command = await self._checked()
        total = await self._count("epydoc", {word: word for word in self._KINDS.values()}, "epydoc")
        if command.didFail():
            return FAILURE
        return WARNINGS if total else SUCCESS


class PyLint(Checks):
    """Run ``pylint`` (the *command* has to be given); fatal messages and errors are FAILURE.

    Args:
        store_results (bool): Keep messages that name a file and a line as test results, in a set of
            the category `code_issue`.
    """

    name = "pylint"
    description: Any = ["running", "pylint"]
    descriptionDone: Any = ["pylint"]
    flunkingIssues: Any = ("F", "E")
    RC_OK, RC_FATAL, RC_ERROR, RC_WARNING, RC_REFACTOR, RC_CONVENTION, RC_USAGE = (
        *(0, 1, 2, 4, 8, 16, 32),
    )
    _WORDS: ClassVar[dict[str, str]] = {
        "C": "convention",
        "I": "info",
        "R": "refactor",
        "W": "warning",
        "E": "error",
        "F": "fatal",
    }
    _place = re.compile(r"([^:]+):(\d+):")
    _line = re.compile(r"^([CIRWEF])(?:\d{4})?: *\d+(?:, *\d+)?:|: ?\[?([CIRWEF])\d{4}")

    def __init__(self, store_results: bool = True, **kwargs: Any) -> None:
        if "command" not in kwargs and self.command is None:
            error('PyLint needs the argument "command"')
        self._store_results = store_results
        self._result_set: int | None = None
        super().__init__(**kwargs)

    @outgoing
    async def addTestResultSets(self) -> None:
        """Begin the set of messages."""
        if self._store_results:
            adding = self.addTestResultSet("Pylint warnings", "code_issue", "message")
            self._result_set = await inward(lambda: adding)

    def _kind_of(self, line: str) -> str | None:
        found = self._line.search(line)
        if found is None:
            return None
        if self._result_set is not None and (place := self._place.match(line)) is not None:
            self.addTestResult(self._result_set, line, test_code_path=place[1], line=int(place[2]))
        return found[1] or found[2]

    @outgoing
    async def run(self) -> int:
        """Run it, and count its messages."""
        command = await self._checked()
        total = await self._count("pylint", self._WORDS, "Pylint")
        code = command.rc or 0
        if code & 1 or code & 32 or self._has_flunking() or (command.didFail() and not total):
            return FAILURE
        return WARNINGS if total else SUCCESS


class Sphinx(ShellMixin, BuildStep):
    """Build documentation with ``sphinx-build``; warnings are counted, and are WARNINGS.

    *mode* is ``incremental`` or ``full``; *defines* are settings (``-D``), *tags* are ``-t``;
    with *strict_warnings* a warning makes the step FAILURE.

    Args:
        sphinx_sourcedir (str, renderable): Directory with the sources of the documentation.
        sphinx_builddir (str, required, renderable): Directory for what is built.
        sphinx_builder (str | None): Builder (`-b`); by default HTML.
        sphinx (str | list[str]): The sphinx-build program of the worker, or a list of words that
            starts it.
        tags (list[str] | None, renderable): Tags to set (`-t`).
        defines (dict[str, Any] | None, renderable): Settings to override (`-D`).
        strict_warnings (bool): Warnings make the step FAILURE (`-W`).
        mode (str): "incremental", or "full" to build everything (`-E`).
    """

    name = "sphinx"
    description: Any = ["running", "sphinx"]
    descriptionDone: Any = ["sphinx"]
    haltOnFailure = True
    renderables: ClassVar[Any] = ["sphinx_builddir", "sphinx_sourcedir", "tags", "defines"]

    def __init__(
        self,
        sphinx_sourcedir: Any = ".",
        sphinx_builddir: Any = None,
        sphinx_builder: Any = None,
        sphinx: Any = "sphinx-build",
        tags: Any = None,
        defines: Any = None,
        strict_warnings: bool = False,
        mode: str = "incremental",
        **kwargs: Any,
    ) -> None:
        if sphinx_builddir is None:
            error('Sphinx needs the argument "sphinx_builddir"')
        if mode not in ("incremental", "full"):
            error(f'Sphinx: mode must be "incremental" or "full", not {mode!r}')
        if defines is not None and is_constant(defines) and not isinstance(defines, Mapping):
            error(f"Sphinx: defines must be a dictionary, not {defines!r}")
        self.sphinx_sourcedir = sphinx_sourcedir
        self.sphinx_builddir = sphinx_builddir
        self.sphinx_builder = sphinx_builder
        self.sphinx = sphinx
        self.tags = tags
        self.defines = defines
        self.strict_warnings = strict_warnings
        self.mode = mode
        kwargs = self.setupShellMixin(kwargs, prohibitArgs=["command"])
        super().__init__(**kwargs)
        self.warnings: list[str] = []
        self.addLogObserver("stdio", LineConsumerLogObserver(self._consume))

    @outgoing
    async def run(self) -> int:
        """Build it, and count the warnings."""
        command = await self.makeRemoteShellCommand(command=self._words())
        await inward(self.runCommand, command)
        await self.getLog("stdio").finish()
        if self.warnings:
            await self.addCompleteLog("warnings", "\n".join(self.warnings) + "\n")
        self.setStatistic("warnings", len(self.warnings))
        result: int = command.results()
        return WARNINGS if result == SUCCESS and self.warnings else result

    def getResultSummary(self) -> Any:
        """Say how many warnings there were."""
        words = (
            f"{self._described(self.descriptionDone) or self.name} {len(self.warnings)} warnings"
        )
        if self.results != SUCCESS:
            words += f" ({statusToString(self.results)})"
        return {"step": words}

    def _consume(self) -> Lines:
        while True:
            channel, line = yield
            if channel != "h" and any(word in line for word in ("WARNING", "ERROR", "SEVERE")):
                self.warnings.append(line)

    def _words(self) -> list[Any]:
        words: list[Any] = [self.sphinx]
        if self.sphinx_builder is not None:
            words += ["-b", self.sphinx_builder]
        for tag in self.tags or ():
            words += ["-t", tag]
        for name, value in sorted((self.defines or {}).items()):
            words += ["-D", name if value is None else f"{name}={_setting(value)}"]
        if self.mode == "full":
            words.append("-E")
        if self.strict_warnings:
            words.append("-W")
        return [*words, self.sphinx_sourcedir, self.sphinx_builddir]


def _setting(value: Any) -> Any:
    """Return a value as ``sphinx-build`` reads it: 1 and 0 for True and False."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return int(value) if isinstance(value, bool) else value
