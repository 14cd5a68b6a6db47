"""A build, as steps and users' functions see it."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from types import ModuleType
from typing import Any

from buildbot._border.bridge import settled
from buildbot._border.initialised import check_initialised
from buildbot._border.rendering import PLAIN_TYPES, is_constant, render_value
from buildbot.process.build_life import BuildLife
from buildbot.process.build_parts import ChangeView, SourceStampList, SourceStampView
from buildbot.process.builder import Builder
from buildbot.process.old_build import OldBuildNames
from buildbot.process.properties import Properties, PropertiesMixin
from buildbot.process.results import CANCELLED, SUCCESS, statusToString
from buildbot.process.step_factory import get_factory_from_step_or_factory
from buildbot.process.workerforbuilder import WorkerForBuilder, WorkerView
from chargehand.config.trust import TrustConfig
from chargehand.domain.result import Result
from chargehand.domain.trust import TrustLevel
from chargehand.execution.ports import BuildFacts
from chargehand.kit.guard import Guard


class Build(BuildLife, OldBuildNames, PropertiesMixin):
    """One build. ``BuildFactory.buildClass`` may be a subclass.

    Its steps may add others with `addStepsAfterCurrentStep` and `addStepsAfterLastStep`. What its
    methods or its steps write into ``results``, ``reason`` and ``steps`` counts.
    """

    set_runtime_properties = True
    _set_by_init = "_known_properties"

    workdir: Any = "build"
    useProgress = True

    def __init__(self, requests: Sequence[Any], builder: Any = None) -> None:
        self.requests = list(requests)
        self.builder: Any = builder
        self.master: Any = None
        self.properties = Properties()
        self.properties.build = self
        self.sources: list[SourceStampView] = SourceStampList()
        self.changes: list[ChangeView] = []
        self.env: dict[str, Any] = {}
        self.locks: list[Any] = []
        self.trust = TrustLevel.TRUSTED.value
        """How far its sources are trusted: ``untrusted``, ``reviewed`` or ``trusted``."""
        self.trust_reason: str | None = None
        """Why they are not trusted more."""
        self._trusted: tuple[TrustConfig, TrustLevel] | None = None
        self.buildid: int | None = None
        self.number: int | None = None
        self._builder_id: int | None = None
        self.reason = ""
        self.results: int | None = SUCCESS
        self.do_build = True
        """What ``do_build_if`` of its builder said."""
        self.stopped = False
        self.stopped_reason: str | None = None
        """Why it was stopped; None while it is not."""
        self.currentStep: Any = None
        self.executedSteps: list[Any] = []
        self.stepFactories: list[Any] = []
        self.worker: Any = None
        self.workerforbuilder: Any = None
        self.workername = ""
        self.builddir = ""
        self.path_module: ModuleType = posixpath
        self.path_cls: type[PurePath] = PurePosixPath
        self.steps: list[Any] = []
        self._setup_life()
        self._known_properties: dict[str, Any] = {}

    def __repr__(self) -> str:
        name = self.builder.name if self.builder is not None else "?"
        return f"<Build {name} number:{self.number!r} results:{statusToString(self.results)}>"

    # How it begins

    def _begin(self, facts: BuildFacts, master: Any, configured: Any = None) -> None:
        """Take what is known of the build; *configured* is the user's BuilderConfig."""
        self._configured_builder = configured or facts.builder_config
        self.master = self.properties.master = master
        self.buildid, self.number = facts.build.id, facts.build.number
        buildset = facts.sources.buildset
        self.reason = buildset.reason
        self.trust, self.trust_reason = buildset.trust.value, buildset.trust_reason
        self._trusted = facts.trust, buildset.trust
        self.env = dict(facts.builder_config.env)
        self.locks = _listed(facts.builder_config.locks)
        self._take_place(facts, master)
        changes = [ChangeView(change) for change in facts.sources.changes]
        self.changes = changes
        self.sources = SourceStampList(
            SourceStampView(stamp, [c for c in changes if c.codebase == stamp.stamp.codebase])
            for stamp in facts.sources.stamps
        )
        self._given_properties = facts.properties
        self.properties._redaction = facts.redaction
        for source in self.sources:
            facts.redaction.hide_password(source.repository)
        self.properties.sourcestamps = [source.asDict() for source in self.sources]
        self.properties.changes = [change.asChDict() for change in changes]

    def _take_place(self, facts: BuildFacts, master: Any) -> None:
        """Take where it runs: builder and worker."""
        config = facts.builder_config
        access = getattr(master, "access", None)
        self._builder_id = facts.build.builder_id  # It may belong to a virtual builder.
        builder_id, _ = facts.properties.get("builderid", (None, ""))
        self.builder = Builder(
            config.name,
            self._configured_builder,
            access=access,
            master=master,
            builder_id=builder_id,
        )
        self.worker = WorkerView(
            facts.worker_name,
            facts.build.worker_id,
            facts.worker_config,
            access=access,
            told=facts.worker_info,
        )
        self.workerforbuilder = WorkerForBuilder(self.worker, self.builder)
        self.workername = facts.worker_name
        self.builddir = config.worker_builddir
        if facts.worker_info.system == "nt":
            self.path_module = ntpath
            self.path_cls = PureWindowsPath

    def _meet_worker(self, facts: BuildFacts) -> None:
        """Take what became known when the worker was started."""
        self._take_place(facts, self.master)
        self._given_properties = facts.properties

    def setupBuild(self) -> Any:
        """Make the steps. Subclasses may extend it, and add or remove some in ``self.steps``."""
        self.steps = [self._new_step(factory) for factory in self.stepFactories]

    def setStepFactories(self, step_factories: Iterable[Any]) -> None:
        """Take the steps, as a list of steps or of their factories."""
        self.stepFactories = list(step_factories)

    def _new_step(self, step_or_factory: Any) -> Any:
        step = get_factory_from_step_or_factory(step_or_factory).buildStep()
        check_initialised(step)
        step.setBuild(self)
        step.setWorker(self.worker)
        return step

    # Adding steps

    def addStepsAfterCurrentStep(self, step_factories: Iterable[Any]) -> None:
        """Let new steps of these kinds run right after the step that runs now."""
        self.steps[0:0] = [self._new_step(factory) for factory in step_factories]

    def addStepsAfterLastStep(self, step_factories: Iterable[Any]) -> None:
        """Let new steps of these kinds run at the end."""
        self.steps.extend(self._new_step(factory) for factory in step_factories)

    # Properties

    def setProperty(
        self, propname: str, value: Any, source: str = "Build", runtime: bool | None = None
    ) -> None:
        """Set a property of the build; it is recorded when the step that runs has ended."""
        super().setProperty(propname, value, source, runtime)

    async def _render_properties(self, *, without_failures: bool = False) -> None:
        """Render them; leave out what fails, or raise it."""
        properties = self.getProperties()
        for name, (value, source) in list(properties.properties.items()):
            if value.__class__ in PLAIN_TYPES or is_constant(value):
                continue
            with Guard(lambda _: None) as attempt:
                properties.setProperty(name, await render_value(value, properties), source)
            if attempt.failure is None:
                continue
            if not without_failures:
                raise attempt.failure
            del properties.properties[name]

    def _take_changed(self) -> dict[str, Any]:
        """Return the properties that were set since the last call, in whatever way."""
        known = self._known_properties
        changed = {
            name: found
            for name, found in self.properties.properties.items()
            if known.get(name) is not found
        }
        known.update(changed)
        return changed

    # Sources

    def getSourceStamp(self, codebase: str = "") -> SourceStampView | None:
        """Return the source stamp of a codebase, None if there is none."""
        return next((source for source in self.sources if source.codebase == codebase), None)

    def getAllSourceStamps(self) -> list[SourceStampView]:
        """Return the source stamps of all codebases."""
        return list(self.sources)

    def allChanges(self) -> Iterable[ChangeView]:
        """Return all changes."""
        return iter(self.changes)

    def allFiles(self) -> list[str]:
        """Return the files of all changes, each once."""
        return list(dict.fromkeys(file for change in self.changes for file in change.files))

    def blamelist(self) -> list[str]:
        """Return the authors of the changes and patches, sorted."""
        people = {change.who for change in self.changes}
        people.update(s.patch_info[0] for s in self.sources if s.patch_info is not None)
        return sorted(people)

    def changesText(self) -> str:
        """Return all changes as text."""
        return "\n".join(change.asText() for change in self.changes)

    # The rest

    def getWorkerInfo(self) -> Any:
        """Return what the worker said of itself, as Properties."""
        return self.worker.info

    def getWorkerCommandVersion(self, command: str, oldversion: str | None = None) -> str | None:
        """Return the version of a command on the worker, None if it is not there.

        A worker that does not say which commands it has counts as having *oldversion*.
        """
        version: str | None = self.worker._command_version(command, oldversion)
        return version

    def getUrl(self) -> Any:
        """Return a Deferred of the URL of its page."""
        url = self.master.config.buildbotURL if self.master is not None else "/"
        return settled(f"{url}#/builders/{self.builderid}/builds/{self.number}")

    def stopBuild(self, reason: str = "<no reason given>", results: int = CANCELLED) -> Any:
        """End the build soon; steps that always run follow."""
        step = self.currentStep
        if step is None or step._engine_runtime is None:
            raise RuntimeError("only a step that runs can stop its build")
        step._engine_runtime.stop_build(str(reason), Result(results))
        return settled(None)

    def getSummaryStatistic(
        self, name: str, summary_fn: Callable[[Any, Any], Any], initial_value: Any = None
    ) -> Any:
        """Return the statistic of all steps so far, put together by *summary_fn*.

        The step that runs is counted in as well.
        """
        total = initial_value
        for step in self.executedSteps:
            if step.hasStatistic(name):
                value = step.getStatistic(name)
                total = value if total is None else summary_fn(total, value)
        return total

    @property
    def builderid(self) -> int:
        """The identifier of the builder under which it is listed."""
        if self._builder_id is not None:
            return self._builder_id
        number: int = self.builder.builderid
        return number

    def getBuilderId(self) -> Any:
        """Return a Deferred of the builder's identifier."""
        return settled(self.builderid)

    def isFinished(self) -> bool:
        """Return whether it has ended."""
        return self.finished


def _listed(locks: Any) -> list[Any]:
    """Locks that depend on properties are the engine's business only."""
    return list(locks) if isinstance(locks, tuple) else []
