"""The user's build factory, build and steps, as the engine runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.initialised import check_initialised
from buildbot._border.rendering import is_constant, render_value
from buildbot.process.build import Build
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import CANCELLED
from buildbot.process.shell_mixin import ShellMixin
from chargehand.domain.lock import LockAccess
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.session import WorkerLost
from chargehand.execution.ports import (
    BuildFacts,
    BuildPart,
    StepFlags,
    StepRuntime,
)
from chargehand.execution.rules import as_result
from chargehand.kit.guard import contained


class Recipe:
    """The plan of a builder: `chargehand.execution.ports.Plan`.

    *master* gives what steps know as ``self.master``.
    """

    def __init__(self, factory: Any, master: Callable[[], Any]) -> None:
        self._factory = factory
        self._master = master

    def sources(self) -> list[tuple[str, str]]:
        """Return codebase and address of what source steps name; what is known only in a build is
        left out."""
        steps = [made.buildStep() for made in self._factory.steps]
        found = [(getattr(step, "codebase", ""), step.__dict__.get("repourl")) for step in steps]
        return [
            (codebase, url)
            for codebase, url in dict.fromkeys(pair for pair in found if _are_texts(pair))
        ]

    def begin(self, facts: BuildFacts) -> RecipeBuild:
        """Make the steps for one build. Raises what the user's code raises."""
        return contained(self._begun, facts)

    def _begun(self, facts: BuildFacts) -> RecipeBuild:
        build: Build = self._factory.newBuild(list(facts.requests))
        check_initialised(build)
        build._begin(facts, self._master())
        return RecipeBuild(build)


class RecipeBuild:
    """A build of the user's: `chargehand.execution.ports.HostedBuild`."""

    def __init__(self, build: Build) -> None:
        self._build = build

    def next_step(self) -> RecipeStep | None:
        """Return the next step in order."""
        if not self._build.steps:
            return None
        step = self._build.steps.pop(0)
        self._build.currentStep = step
        return RecipeStep(step)

    async def properties(self) -> dict[str, Property]:
        """Return the properties to record when the build starts, rendered."""
        await answered("setupBuild", self._build.setupBuild)
        properties = self._build.getProperties()
        for name, (value, source) in list(properties.properties.items()):
            if not is_constant(value):
                rendered = await render_value(value, properties)
                properties.setProperty(name, rendered, source)
        self._build.env = await render_value(self._build.env, properties)
        return self._build._take_changed()

    def result_so_far(self) -> Result | None:
        """Return ``build.results``: steps may set it; None for what is no result."""
        return as_result(self._build.results)

    def note(self, step: RecipeStep, result: Result, result_so_far: Result) -> None:
        """Tell the build how a step ended."""
        step.step.results = int(result)
        self._build.executedSteps.append(step.step)
        self._build.results = int(result_so_far)

    async def finished(self, result: Result) -> None:
        """Tell it that it ended."""
        self._build.results = int(result)
        self._build.finished = True
        self._build.currentStep = None


class RecipeStep:
    """A step of the user's: `chargehand.execution.ports.HostedStep`."""

    def __init__(self, step: BuildStep) -> None:
        self.step = step
        self.name = str(step.name)
        self._described: Any = None
        """Its ``descriptionDone`` before it ran."""
        self._words = ""
        """What it said last of its end."""

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
        locks: tuple[LockAccess, ...] = await self.step._needed_locks()
        return locks

    async def is_wanted(self) -> bool:
        """Return whether it is to run."""
        await self._render_name()
        wanted = await self.step._is_wanted()
        self._described = self.step.descriptionDone
        return wanted

    async def run(self, runtime: StepRuntime) -> object:
        """Run it, and record the properties that it set."""
        step = self.step
        try:
            return await step._run_in_engine(runtime)
        except WorkerLost:
            raise
        except Exception:
            if step.stopped:  # what failed was interrupted
                return CANCELLED
            raise
        finally:
            if properties := step.build._take_changed():
                runtime.set_build_properties(properties)

    async def interrupt(self, reason: str) -> None:
        """Make `run` end soon."""
        await answered("interrupt", self.step.interrupt, reason)

    async def sentence(self, result: Result | None) -> str:
        """Return what it is doing, or did."""
        if result is None:
            return await self.step._current_sentence()
        self.step.results = int(result)
        summary = await self._summary()
        self._words = str(summary.get("step", "finished"))
        return self._words

    async def build_part(self, result: Result, name: str) -> BuildPart | None:
        """Return what it contributes to the build's sentence as the step *name*."""
        summary = await answered("getBuildResultSummary", self.step.getBuildResultSummary)
        summary = summary if isinstance(summary, dict) else {}
        words = summary.get("build")
        if words is None:
            is_told = not summary.get("step") and result in self.step.updateBuildSummaryPolicy
            return BuildPart.of_step(name, "", "", self.step._exit_code) if is_told else None
        words = str(words)
        if words != self._words:  # It has words of its own for the build.
            return BuildPart(words=words, named=words)
        detail = self.step._detail(words, self._plain_words())
        return BuildPart.of_step(name, words, detail, self.step._exit_code)

    def _plain_words(self) -> set[str]:
        """Return what a summary is that tells only the result."""
        step = self.step
        if step.descriptionDone is not self._described:
            return set()
        kinds = (BuildStep, ShellMixin) if isinstance(step, ShellMixin) else (BuildStep,)
        return {kind.getResultSummary(step)["step"] for kind in kinds}

    async def is_hidden(self, result: Result) -> bool:
        """Return whether it is not to be shown."""
        self.step.results = int(result)
        return await self.step._is_hidden()

    async def _summary(self) -> dict[str, Any]:
        summary = await answered("getResultSummary", self.step.getResultSummary)
        return summary if isinstance(summary, dict) else {}

    async def _render_name(self) -> None:
        if not is_constant(self.step.name):
            self.step.name = await render_value(self.step.name, self.step.getProperties())
            self.name = str(self.step.name)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
