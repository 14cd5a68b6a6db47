"""The user's build factory, build and steps, as the engine runs them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.calls import takes_builder
from buildbot._border.initialised import check_initialised
from buildbot._border.making import Making, note_making
from buildbot._border.rendering import is_constant, render_value
from buildbot.process.build import Build
from buildbot.process.build_factory import BuildFactory
from buildbot.process.build_life import BuildLife
from buildbot.process.builder import Builder
from buildbot.process.buildrequest import requests_of
from buildbot.process.buildstep import BuildStep
from buildbot.process.planned_steps import planned
from buildbot.process.results import CANCELLED
from buildbot.process.shell_mixin import ShellMixin
from chargehand.domain.lock import LockAccess
from chargehand.domain.planned_step import PlannedStep
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.session import WorkerLost
from chargehand.execution.failure_text import headline_of
from chargehand.execution.ports import (
    BuildEnd,
    BuildFacts,
    BuildPart,
    StepFlags,
    StepOutcome,
    StepRuntime,
)
from chargehand.execution.rules import after_step, as_result, no_result
from chargehand.kit.guard import Guard, contained, guarded

_USUAL = BuildFactory.newBuild
_log = logging.getLogger(__name__)


class Recipe:
    """The plan of a builder: `chargehand.execution.ports.Plan`.

    *master* gives what steps know as ``self.master``; *builder* is the user's, whose line of the
    configuration errors name.
    """

    __slots__ = ("_builder", "_factory", "_master")

    def __init__(self, factory: Any, master: Callable[[], Any], builder: Any = None) -> None:
        self._factory = factory
        self._master = master
        self._builder = builder

    def sources(self) -> list[tuple[str, str]]:
        """Return codebase and address of what source steps name; what is known only in a build is
        left out."""
        steps = [made.buildStep() for made in self._factory.steps]
        found = [(getattr(step, "codebase", ""), step.__dict__.get("repourl")) for step in steps]
        return [
            (codebase, url)
            for codebase, url in dict.fromkeys(pair for pair in found if _are_texts(pair))
        ]

    def outline(self) -> list[PlannedStep]:
        """Return its steps in order, as they are configured. Raises what the user's code raises."""
        with Making(self._builder):
            return [planned(contained(made.buildStep)) for made in self._factory.steps]

    def begin(self, facts: BuildFacts) -> RecipeBuild:
        """Make the steps for one build. Raises what the user's code raises."""
        with Making(self._builder):
            return contained(self._begun, facts)

    def _begun(self, facts: BuildFacts) -> RecipeBuild:
        master = self._master()
        new, requests = self._factory.newBuild, requests_of(facts, master)
        if getattr(new, "__func__", None) is _USUAL or takes_builder(new):
            build: Build = new(requests, self._builder_of(facts, master))
        else:
            build = new(requests)
        check_initialised(build)
        if not isinstance(build, Build):
            raise TypeError(f"newBuild() of the factory must return a Build, not {build!r}")
        build._begin(facts, master, self._builder)
        return RecipeBuild(build, self._builder, getattr(self._factory, "skipBuildIf", None))

    def _builder_of(self, facts: BuildFacts, master: Any) -> Builder:
        return Builder(
            facts.builder_name,
            self._builder or facts.builder_config,
            access=getattr(master, "access", None),
            master=master,
        )


class RecipeBuild:
    """A build of the user's: `chargehand.execution.ports.HostedBuild`."""

    def __init__(self, build: Build, builder: Any = None, skip_if: Any = None) -> None:
        self._build = build
        self._skip_if = skip_if
        self._builder = builder
        self._is_on_worker = False
        """Whether the worker's object was told that it began."""

    @property
    def build(self) -> Build:
        """The user's object, with the properties that are known before it starts."""
        build = self._build
        if not build.properties.properties:
            build.properties.properties.update(build._given_properties)
        return build

    def condition(self) -> Awaitable[bool] | None:
        """Return what tells whether the build is done; None: it is."""
        do_if = getattr(self._builder, "do_build_if", None)
        return None if do_if is self._skip_if is None else self._is_wanted(do_if)

    async def _is_wanted(self, do_if: Any) -> bool:
        build = self.build
        with Making(self._builder):
            build.do_build = (do_if is None or await self._answer("do_build_if", do_if)) and not (
                self._skip_if is not None and await self._answer("skipBuildIf", self._skip_if)
            )
        return build.do_build

    async def _answer(self, name: str, condition: Any) -> bool:
        if callable(condition):
            return bool(await answered(name, condition, self._build))
        return bool(await render_value(condition, self._build.getProperties()))

    def worker_started(self, facts: BuildFacts) -> None:
        """Take what is known now that the worker is connected."""
        with Making(self._builder):
            contained(self._build._meet_worker, facts)

    def next_step(self) -> RecipeStep | None:
        """Return the next step in order. Raises what the build's class raises."""
        with Making(self._builder):
            step = contained(self._build.getNextStep)
        if step is None:
            return None
        self._build.currentStep = step
        self._build.executedSteps.append(step)
        return RecipeStep(step)

    async def properties(self) -> dict[str, Property]:
        """Return the properties to record when the build starts, or is skipped; rendered."""
        if not self._build.do_build:
            await self.build._render_properties(without_failures=True)
            return self._build._take_changed()
        if getattr(self._build.worker._configured, "_hears_builds", False):
            self._is_on_worker = True
            await self._tell_worker("buildStarted")
        with Making(self._builder):
            return await self._rendered()

    async def _rendered(self) -> dict[str, Property]:
        build = self._build
        await answered("startBuild", build.startBuild, build.workerforbuilder)
        await build._render_properties()
        build.env = await render_value(build.env, build.getProperties())
        return build._take_changed()

    async def step_done(self, step: RecipeStep, result: Result, so_far: Result) -> StepOutcome:
        """Let the build count a step's result; nonsense in ``build.results`` is left out."""
        build = self._build
        step.step.results = int(result)
        build._flags = step.flags
        before = as_result(build.results)
        before = so_far if before is None else before
        build.results = int(before)
        if type(build).stepDone is BuildLife.stepDone:
            after, halts = after_step(build._flags, result, before)
            build.results = int(after)
            return StepOutcome(after, halts)
        with self._guarded("stepDone") as guard, Making(self._builder):
            halts = bool(await answered("stepDone", build.stepDone, int(result), step.step))
        if guard.failure is not None:
            build.results = int(Result.EXCEPTION)
            return StepOutcome(Result.EXCEPTION, True, _sentence("stepDone", guard.failure))
        outcome = as_result(build.results)
        return StepOutcome(before if outcome is None else outcome, halts)

    async def finished(self, result: Result) -> BuildEnd:
        """Let the build end, and return how it did."""
        build = self._build
        build.results = int(result)
        build.currentStep = None
        with self._guarded("buildFinished") as guard, Making(self._builder):
            await answered("allStepsDone", build.allStepsDone)
        build.finished = True
        if guard.failure is not None:
            build.results = int(Result.EXCEPTION)
            error = _sentence("buildFinished", guard.failure)
            return BuildEnd(Result.EXCEPTION, error=error)
        outcome = as_result(build.results)
        return BuildEnd(result if outcome is None else outcome, " ".join(map(str, build.text)))

    async def leave_worker(self) -> None:
        """Let the worker's object know that the build has ended, if it knows that it began."""
        if self._is_on_worker:
            self._is_on_worker = False
            await self._tell_worker("buildFinished")

    async def _tell_worker(self, method: str) -> None:
        worker = self._build.worker._configured
        with guarded(_log, "worker %s: %s.%s failed", worker.name, type(worker).__name__, method):
            await answered(method, getattr(worker, method), self._build.workerforbuilder)

    def _guarded(self, method: str) -> Guard:
        kind, number = type(self._build).__name__, self._build.buildid
        return guarded(_log, "build %s: %s.%s failed", number, kind, method)


class RecipeStep:
    """A step of the user's: `chargehand.execution.ports.HostedStep`."""

    def __init__(self, step: BuildStep) -> None:
        self.step = step
        self.name = step.name if isinstance(step.name, str) else _name_of_kind(type(step))
        """Until it is rendered, and if that fails, the name of its kind."""
        self._described: Any = None
        self._described_words: Any = None
        """Its ``descriptionDone`` before it ran, and what the list had in it."""
        self._words = ""
        """What it said last of its end."""
        self._said: dict[str, Any] | None = None
        """Its summary that this was taken from."""
        self._told: Result | None = None
        """The result that it was told last; its code may write another one."""

    @property
    def flags(self) -> StepFlags:
        """How its result bears on the build, as its attributes say now."""
        step = self.step
        return StepFlags(
            halt_on_failure=bool(step.haltOnFailure),
            flunk_on_warnings=bool(step.flunkOnWarnings),
            flunk_on_failure=bool(step.flunkOnFailure),
            warn_on_warnings=bool(step.warnOnWarnings),
            warn_on_failure=bool(step.warnOnFailure),
            always_run=bool(step.alwaysRun),
        )

    def first_log(self) -> str | None:
        """Return the name of the log that it opens in any case."""
        return self.step._first_log()

    async def locks(self) -> tuple[LockAccess, ...]:
        """Return the locks it needs, rendered."""
        try:
            locks: tuple[LockAccess, ...] = await self.step._needed_locks()
        except Exception as error:
            note_making(error, self.step)
            raise
        return locks

    async def is_wanted(self) -> bool:
        """Return whether it is to run."""
        try:
            if self.step.name.__class__ is not str:
                await self._render_name()
            wanted = await self.step._is_wanted()
        except Exception as error:
            note_making(error, self.step)
            raise
        self._described = self.step.descriptionDone
        self._described_words = _copy(self._described)
        return wanted

    async def run(self, runtime: StepRuntime) -> object:
        """Run it, and record the properties and statistics that it set."""
        step = self.step
        try:
            value = await step._run_in_engine(runtime)
            if value.__class__ is not int and as_result(value) is None and not step.stopped:
                raise TypeError(no_result(value))
            return value
        except WorkerLost:
            raise
        except Exception as error:
            if step.stopped:  # what failed was interrupted
                return CANCELLED
            note_making(error, step)
            raise
        finally:
            if properties := step.build._take_changed():
                runtime.set_build_properties(properties)
            if step.statistics and (stored := step._stored_statistics()):
                runtime.set_statistics(stored)

    async def interrupt(self, reason: str) -> None:
        """Make `run` end soon: its build was stopped."""
        self.step.build.stopped, self.step.build.stopped_reason = True, reason
        await answered("interrupt", self.step.interrupt, reason)

    async def sentence(self, result: Result | None) -> str:
        """Return what it is doing, or did."""
        try:
            if result is None:
                return await self.step._current_sentence()
            self._tell(result)
            self._said = summary = await self._summary()
        except Exception as error:
            note_making(error, self.step)
            raise
        self._words = _text(summary.get("step", "finished"))
        return self._words

    async def build_part(self, result: Result, name: str) -> BuildPart | None:
        """Return what it contributes to the build's sentence as the step *name*."""
        summary = await self._summary_for_build()
        words = summary.get("build")
        if words is None:
            is_told = not summary.get("step") and result in self.step.updateBuildSummaryPolicy
            return BuildPart.of_step(name, "", "", self.step._exit_code) if is_told else None
        words = _text(words)
        if words != self._words:  # It has words of its own for the build.
            return BuildPart(words=words, named=words)
        detail = self.step._detail(words, self._plain_words())
        return BuildPart.of_step(name, words, detail, self.step._exit_code)

    async def _summary_for_build(self) -> dict[str, Any]:
        if self._said is not None and self.step._summary_is_ours:
            return self.step._for_build(self._said)
        summary = await answered("getBuildResultSummary", self.step.getBuildResultSummary)
        return summary if isinstance(summary, dict) else {}

    def _plain_words(self) -> set[str]:
        """Return what a summary is that tells only the result."""
        step = self.step
        done = step.descriptionDone
        if done is not self._described or _copy(done) != self._described_words:
            return set()
        kinds = (BuildStep, ShellMixin) if isinstance(step, ShellMixin) else (BuildStep,)
        return {kind.getResultSummary(step)["step"] for kind in kinds}

    async def is_hidden(self, result: Result) -> bool:
        """Return whether it is not to be shown."""
        self._tell(result)
        try:
            return await self.step._is_hidden()
        except Exception as error:
            note_making(error, self.step)
            raise

    def result(self, result: Result) -> Result:
        """Return what ``step.results`` says after *result* was told."""
        written = as_result(self.step.results)
        return result if written is None else written

    def _tell(self, result: Result) -> None:
        if result is not self._told:
            self._told = result
            self.step.results = int(result)

    async def _summary(self) -> dict[str, Any]:
        summary = await self.step._result_summary()
        return summary if isinstance(summary, dict) else {}

    async def _render_name(self) -> None:
        if not is_constant(self.step.name):
            name = await render_value(self.step.name, self.step.getProperties())
            if name is None or name == "":
                raise TypeError(f"the step's name is {name!r} in this build; it must be a string")
            self.step.name = name
            self.name = str(name)


def _name_of_kind(kind: type) -> str:
    return next(
        (name for base in kind.__mro__ if isinstance(name := base.__dict__.get("name"), str)),
        kind.__name__,
    )


def _sentence(method: str, error: Exception) -> str:
    return f"{method} of the build's class: {headline_of(error)}"


def _text(words: Any) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)


def _copy(words: Any) -> Any:
    return list(words) if isinstance(words, list) else words


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
