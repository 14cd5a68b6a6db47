"""Running steps in tests, without a master and a worker::

    class TestCompile(TestBuildStepMixin, unittest.TestCase):
        def setUp(self):
            return self.setup_test_build_step()

        def test_warnings(self):
            self.setup_step(Compile(command=["make"]))
            self.expect_commands(ExpectShell(workdir="wkdir", command=["make"]).exit(2))
            self.expect_outcome(result=FAILURE)
            return self.run_step()

It works in ``unittest``, in trial, and in pytest (where a test may be ``async`` and await
`TestBuildStepMixin.run_step`). The step runs in the real engine: what it renders, logs and decides
is what a build would have.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec import structs
from twisted.internet import defer
from twisted.python.failure import Failure

from buildbot._border.bridge import has_loop, install
from buildbot.process.factory import BuildFactory
from buildbot.process.properties import Properties
from buildbot.process.recipe import Recipe
from buildbot.test.expectations import (
    Expect,
    ExpectCpdir,
    ExpectDownloadFile,
    ExpectGlob,
    ExpectListdir,
    ExpectMkdir,
    ExpectRemoteRef,
    ExpectRmdir,
    ExpectRmfile,
    ExpectShell,
    ExpectStat,
    ExpectUploadDirectory,
    ExpectUploadFile,
)
from buildbot.test.fake.fakebuild import FakeBuild
from buildbot.test.fake_master import FakeMaster
from buildbot.test.sessions import ExpectingSession, versions
from chargehand.domain.identifiers import BuildId
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.testing.execution import Workshop, sources_of

__all__ = [
    "Expect",
    "ExpectCpdir",
    "ExpectDownloadFile",
    "ExpectGlob",
    "ExpectListdir",
    "ExpectMkdir",
    "ExpectRemoteRef",
    "ExpectRmdir",
    "ExpectRmfile",
    "ExpectShell",
    "ExpectStat",
    "ExpectUploadDirectory",
    "ExpectUploadFile",
    "TestBuildStepMixin",
]

_WORKDIR = "wkdir"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Given:
    """A step that is made already, in the place of its recipe."""

    step: Any

    def buildStep(self) -> Any:
        return self.step


@dataclass
class _Wanted:
    """What a test expects."""

    outcomes: list[tuple[int, str | None]]
    properties: dict[str, tuple[Any, str | None]]
    missing_properties: list[str]
    logs: list[tuple[str, str, str, int]]
    """Log, channel's letter, contents, and which step's."""
    exceptions: list[type[BaseException]]
    hidden: bool | None = None


class TestBuildStepMixin:
    """For test cases: set steps up, say what is expected of them, and run them."""

    def setup_test_build_step(self, *_: Any, **__: Any) -> Any:
        """Reset everything; call it in ``setUp``."""
        self.steps: list[Any] = []
        self.master = FakeMaster(getattr(self, "reactor", None))
        self.properties = Properties()
        self.properties.setProperty("scheduler", "force", "Scheduler")
        self._session = ExpectingSession()
        self._wanted = _Wanted([], {}, [], [], [])
        self._workdir = _WORKDIR
        self._stamps: list[SourceStamp] = []
        self.build = self._new_build()
        return defer.succeed(None)

    def tear_down_test_build_step(self) -> Any:
        """Nothing is left to be done."""
        return defer.succeed(None)

    def setup_build(
        self, worker_env: Any = None, build_files: Any = None, worker_version: Any = None
    ) -> None:
        """Say what the worker has: its environment, and its commands with their versions.

        ``build_files`` are the files of the build's changes.
        """
        self._session.info = structs.replace(
            self._session.info,
            environ=dict(worker_env or {}),
            commands=versions(worker_version),
        )
        self.build.files_of_test = list(build_files or [])

    def change_worker_system(self, system: str) -> None:
        """Let the worker run on another system: ``win32`` or ``nt`` means Windows."""
        kind = "nt" if system in ("nt", "win32") else "posix"
        self._session.info = structs.replace(self._session.info, system=kind)

    def setup_step(
        self,
        step: Any,
        worker_env: Any = None,
        build_files: Any = None,
        want_default_work_dir: bool = True,
        **_: Any,
    ) -> Any:
        """Add a step to the build, and return it as the build will have it."""
        if worker_env is not None or build_files is not None:
            self.setup_build(worker_env, build_files)
        made = BuildFactory([step]).steps[0].buildStep()
        self._workdir = _WORKDIR if want_default_work_dir else "build"
        made.build = self.build
        self.steps.append(made)
        self.step = made
        return made

    def get_nth_step(self, index: int) -> Any:
        """Return one of the steps."""
        return self.steps[index]

    def expect_commands(self, *expected: Expect) -> None:
        """Say which commands the worker gets, in this order, and what it answers."""
        self._session.expected.extend(expected)

    def interrupt_nth_remote_command(self, number: int) -> None:
        """Interrupt the step while that command runs; the first one is 0."""
        self._session.interrupted_number = number

    def expect_outcome(self, result: int, state_string: str | None = None) -> None:
        """Say how the next step ends, and its sentence."""
        self._wanted.outcomes.append((result, state_string))

    def expect_property(self, property: str, value: Any, source: str | None = None) -> None:
        """Say which property the build has in the end."""
        self._wanted.properties[property] = (value, source)

    def expect_no_property(self, property: str) -> None:
        """Say which property the build does not have in the end."""
        self._wanted.missing_properties.append(property)

    def expect_log_file(self, logfile: str, contents: str, step_index: int = 0) -> None:
        """Say what a log has: the standard output, where it has several channels."""
        self._wanted.logs.append((logfile, "o", contents, step_index))

    def expect_log_file_stderr(self, logfile: str, contents: str, step_index: int = 0) -> None:
        """Say what a log has of the standard error output."""
        self._wanted.logs.append((logfile, "e", contents, step_index))

    def expect_hidden(self, hidden: bool = True) -> None:
        """Say whether the step is hidden."""
        self._wanted.hidden = hidden

    def expect_exception(self, expected_exception: type[BaseException]) -> None:
        """Say which exception the step raises."""
        self._wanted.exceptions.append(expected_exception)

    def run_step(self) -> Any:
        """Run the steps, and check what was expected; returns a Deferred.

        Without an asyncio loop (in trial, in ``unittest``) it has run when this returns.
        """
        if has_loop():
            return _Running(asyncio.ensure_future(self._run_in_engine()))
        return defer.execute(asyncio.run, self._run_in_engine())

    async def _run_in_engine(self) -> None:
        install(asyncio.get_running_loop())
        factory = BuildFactory()
        factory.steps = [_Given(step) for step in self.steps]
        factory.workdir = self._workdir
        factory.buildClass = lambda requests: self.build
        workshop = Workshop(
            Recipe(factory, lambda: self.master),
            session=self._session,
            sources=sources_of(*self._stamps, properties=self.properties.properties),
        )
        self._session.interrupt_step = partial(
            workshop.service.stop, BuildId(1), "the test interrupts it"
        )
        await workshop.run()
        _log_failure(workshop)
        problems = self._session.problems()
        if not problems:
            problems = [*_problems_of(self._wanted, workshop), *self._session.left()]
        if problems:
            # Trial and unittest have exceptions of their own for a test that fails.
            failed = getattr(self, "failureException", AssertionError)
            raise failed("\n".join(problems))

    def _new_build(self) -> Any:
        """Return the build, whose properties are those that the test sets before."""
        made = FakeBuild(self.properties)
        made.master = self.master
        return made


class _Running(defer.Deferred[None]):
    """The outcome of a task; tasks of asyncio may await it, too."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        super().__init__(self._stop)
        self._task = task
        task.add_done_callback(self._hand_over)

    def __await__(self) -> Generator[Any, None, None]:
        self.addErrback(lambda _: None)  # It is raised here.
        return self._task.__await__()

    __iter__ = __await__

    def _stop(self, _: defer.Deferred[None]) -> None:
        self._task.cancel()

    def _hand_over(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not self.called:
            self.callback(None) if error is None else self.errback(Failure(error))


def _problems_of(wanted: _Wanted, workshop: Workshop) -> list[str]:
    problems = [*_of_exceptions(wanted, workshop), *_of_outcomes(wanted, workshop)]
    [properties] = workshop.builds.properties.values()
    for name, (value, source) in wanted.properties.items():
        if name not in properties:
            problems.append(f"property {name!r} is not set; expected {value!r}")
        elif properties[name][0] != value or source not in (None, properties[name][1]):
            problems.append(f"property {name!r} is {properties[name]!r}; expected {value!r}")
    problems += [
        f"property {name!r} is set: {properties[name][0]!r}"
        for name in wanted.missing_properties
        if name in properties
    ]
    return problems + _of_logs(wanted, workshop)


def _of_outcomes(wanted: _Wanted, workshop: Workshop) -> list[str]:
    found = workshop.outcome()
    steps = [one for one in workshop.steps.steps.values() if one.name != "worker_preparation"]
    problems = []
    for number, (result, sentence) in enumerate(wanted.outcomes):
        if number >= len(found):
            problems.append(f"step {number} did not run; expected {Result(result).name}")
            continue
        name, given, said = found[number]
        if given != result:
            shown = "no result" if given is None else Result(given).name
            expected = Result(result).name
            problems.append(f"step {name!r} ended with {shown} ({said}); expected {expected}")
        if sentence is not None and said != sentence:
            problems.append(f"step {name!r} says {said!r}; expected {sentence!r}")
    if wanted.hidden is not None and steps and steps[-1].hidden is not wanted.hidden:
        problems.append(f"step {steps[-1].name!r} is {'' if steps[-1].hidden else 'not '}hidden")
    return problems


def _log_failure(workshop: Workshop) -> None:
    """Log what the step raised, as a master does, with its traceback."""
    if any(log.name == "err.text" for log in workshop.logs.logs.values()):
        _log.error("%s", workshop.logs.text("err.text"))


def _of_exceptions(wanted: _Wanted, workshop: Workshop) -> list[str]:
    names = {log.name for log in workshop.logs.logs.values()}
    text = workshop.logs.text("err.text") if "err.text" in names else ""
    if wanted.exceptions:
        return [
            f"the step did not raise {kind.__name__}"
            for kind in wanted.exceptions
            if kind.__name__ not in text
        ]
    is_expected = any(result == Result.EXCEPTION for result, _ in wanted.outcomes)
    return [f"the step failed:\n{text}"] if text and not is_expected else []


def _of_logs(wanted: _Wanted, workshop: Workshop) -> list[str]:
    steps = [one for one in workshop.steps.steps.values() if one.name != "worker_preparation"]
    problems = []
    for name, letter, contents, index in wanted.logs:
        found = [
            log
            for log in workshop.logs.logs.values()
            if log.name == name and log.step_id == steps[index].id
        ]
        if not found:
            problems.append(f"step {steps[index].name!r} has no log {name!r}")
            continue
        lines = workshop.logs.text(name, steps[index].id).splitlines()
        if found[-1].type.value == "s":
            lines = [line[1:] for line in lines if line.startswith(letter)]
        if lines != contents.splitlines():
            problems.append(f"log {name!r} has {lines!r}; expected {contents.splitlines()!r}")
    return problems
