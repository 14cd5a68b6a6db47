"""Build steps: what users subclass, and name in their build factories."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot._border.arguments import arguments_of, no_argument
from buildbot._border.bridge import answered, inward, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.finder import old_names_of
from buildbot._border.per_class import per_class
from buildbot._border.rendering import PLAIN_TYPES, is_constant, render_value
from buildbot._border.sequences import flatten
from buildbot.interfaces import IBuildStep, implementer
from buildbot.locks import lock_accesses
from buildbot.process.build_directory import directory_of
from buildbot.process.command_mixin import CommandMixin
from buildbot.process.errors import BuildStepCancelled, BuildStepFailed
from buildbot.process.old_steps import OldStyleStep
from buildbot.process.old_style import is_old_style, uses_old_hooks
from buildbot.process.properties import PropertiesMixin
from buildbot.process.remotecommand import LoggedRemoteCommand, RemoteCommand, RemoteShellCommand
from buildbot.process.results import (
    CANCELLED,
    EXCEPTION,
    FAILURE,
    RETRY,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    ResultComputingConfigMixin,
    Results,
)
from buildbot.process.shell_mixin import ShellMixin
from buildbot.process.step_arguments import STEP_ARGUMENTS
from buildbot.process.step_commands import StepCommands
from buildbot.process.step_ending import StepEnding
from buildbot.process.step_factory import (
    BuildStepFactory,
    create_step_from_step_or_factory,
    get_factory_from_step_or_factory,
)
from buildbot.process.step_logs import StepLogs
from buildbot.process.step_statistics import StepStatistics
from buildbot.process.step_summary import StepSummary, summary_policy
from buildbot.process.step_test_results import StepTestResults
from buildbot.process.step_worker import StepWorker
from chargehand.execution.ports import StepRuntime

__all__ = [
    "CANCELLED",
    "EXCEPTION",
    "FAILURE",
    "RETRY",
    "SKIPPED",
    "SUCCESS",
    "WARNINGS",
    "BuildStep",
    "BuildStepCancelled",
    "BuildStepFailed",
    "CommandMixin",
    "LoggedRemoteCommand",
    "RemoteCommand",
    "RemoteShellCommand",
    "Results",
    "ShellMixin",
    "create_step_from_step_or_factory",
    "get_factory_from_step_or_factory",
]

_LONGEST_NAME = 50


@implementer(IBuildStep)
class BuildStep(
    OldStyleStep,
    StepLogs,
    StepStatistics,
    StepSummary,
    StepTestResults,
    StepCommands,
    StepEnding,
    StepWorker,
    ResultComputingConfigMixin,
    PropertiesMixin,
    ComparableMixin,
):
    """One step of a build. Subclasses override ``run()``, which returns a result (SUCCESS …),
    a coroutine, or a Deferred of one.

    What is constructed in a configuration is a template: each build gets a new step, made from the
    class and the constructor's arguments. Attributes named in ``renderables`` are rendered before
    ``run()``. While it runs, a step has ``build``, ``worker``, ``master`` and ``stepid``.

    Args:
        name (str, renderable): The step's name; shown everywhere, and the key of its logs and
            statistics.
        alwaysRun (bool, renderable): Run the step even after a step with haltOnFailure has failed.
        haltOnFailure (bool, renderable): A failure ends the build: of the later steps only those
            with alwaysRun run.
        flunkOnFailure (bool, renderable): A failure makes the build's result FAILURE.
        flunkOnWarnings (bool, renderable): Warnings make the build's result FAILURE.
        warnOnFailure (bool, renderable): A failure makes the build's result WARNINGS.
        warnOnWarnings (bool, renderable): Warnings make the build's result WARNINGS.
        doStepIf (bool | Callable[[Any], Any], renderable): Whether to run the step, or
            function(step) that returns it; otherwise it is SKIPPED.
        hideStepIf (bool | Callable[[Any, Any], Any], renderable): Whether to hide the step on the
            pages, or function(results, step) that returns it.
        description (str | list[str] | None, renderable): Words shown while the step runs.
        descriptionDone (str | list[str] | None, renderable): Words shown when it has finished.
        descriptionSuffix (str | list[str] | None, renderable): Words appended to both descriptions.
        locks (Any): Lock accesses that the step holds while it runs: a list of
            lock.access("counting") or "exclusive", or a renderable of one.
        workdir (str | None, renderable, default None): Directory in which commands run, relative to
            the builder's directory on the worker; by default the build's.
        logEncoding (str | None, default utf-8): Encoding of the output of the step's commands.
        updateBuildSummaryPolicy (bool | list[int] | None): Results with which the step's summary
            becomes part of the build's; True for all, False for none.
        useProgress (bool): Whether the step's progress counts towards the build's predicted end.
        progressMetrics (tuple[str, ...]): Names of the metrics that the step reports with
            setProgress.
        log_eval_func (Callable[..., Any] | None, default None): Removed from Buildbot: use
            decodeRC, or define run().
    """

    compare_attrs: ClassVar[Any] = ("_factory",)
    renderables: ClassVar[Any] = [
        "haltOnFailure",
        "flunkOnWarnings",
        "flunkOnFailure",
        "warnOnWarnings",
        "warnOnFailure",
        "alwaysRun",
        "description",
        "descriptionDone",
        "descriptionSuffix",
        "doStepIf",
        "hideStepIf",
        "workdir",
    ]
    parms: ClassVar[Any] = list(STEP_ARGUMENTS)
    """Names of the arguments that all steps take, for classes that were written for Buildbot 0.8;
    they copy and extend it."""
    set_runtime_properties = True
    _set_by_init = "_commands_begun"

    name: Any = "generic"
    alwaysRun: Any = False
    description: Any = None
    descriptionDone: Any = None
    descriptionSuffix: Any = None
    doStepIf: Any = True
    hideStepIf: Any = False
    locks: Any = None
    progress: Any = None
    progressMetrics: tuple[str, ...] = ()
    updateBuildSummaryPolicy: Any = None
    useProgress: Any = True
    _workdir: Any = None
    _factory: BuildStepFactory

    build: Any = None
    cmd: Any = None
    master: Any = None
    number: int | None = None
    results: int | None = None
    stepid: int | None = None
    worker: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Remember how the step is made, for each build to make its own."""
        self = super().__new__(cls)
        self._factory = BuildStepFactory(cls, args, kwargs)
        return self

    def __init__(self, **kwargs: Any) -> None:
        kind = type(self).__name__
        for name, value in kwargs.items():
            check = STEP_ARGUMENTS.get(name)
            if check is None:
                error(no_argument(kind, name, arguments_of(type(self)) | STEP_ARGUMENTS.keys()))
                continue
            check(value, kind, name)
            setattr(self, name, value)
        if isinstance(self.name, str) and len(self.name) > _LONGEST_NAME:
            warn(
                f'{kind}: the name "{self.name}" is longer than {_LONGEST_NAME} characters, which '
                "Buildbot 4 refuses; it is cut where it is shown"
            )
        self.updateBuildSummaryPolicy = summary_policy(self, kind)
        self._setup_logs()
        self._setup_statistics()
        self._has_old_hooks = uses_old_hooks(type(self))
        self.stopped = False
        self.rendered = False
        self._running = False
        self._setup_summary()
        self._commands_begun = 0

    def __repr__(self) -> str:
        arguments = [repr(value) for value in self._factory.args]
        arguments += [f"{name}={value!r}" for name, value in self._factory.kwargs.items()]
        return f"{type(self).__name__}({', '.join(arguments)})"

    # How it is made

    def get_step_factory(self) -> BuildStepFactory:
        """Return what makes a new step like this one."""
        return self._factory

    def set_step_arg(self, name: str, value: Any) -> None:
        """Change a constructor argument, for the steps that are made of this one."""
        self._factory.set_step_arg(name, value)

    def is_exact_step_class(self, klass: type) -> bool:
        """Return whether the step is of this very class, not of a subclass."""
        return self._factory.factory is klass

    def setBuild(self, build: Any) -> None:
        """Take the build, before the step runs."""
        self.build = build
        self.master = build.master

    def setWorker(self, worker: Any) -> None:
        """Take the worker, before the step runs."""
        self.worker = worker

    def setDefaultWorkdir(self, workdir: Any) -> None:
        """Take the build's working directory, for a step without one."""
        if self._workdir is None:
            self._workdir = workdir

    @property
    def workdir(self) -> Any:
        """Where commands run, below the builder's directory on the worker."""
        if self._workdir is not None or self.build is None:
            return self._workdir
        return directory_of(self.build)

    @workdir.setter
    def workdir(self, workdir: Any) -> None:
        self._workdir = workdir

    # What users override

    def run(self) -> Any:
        """Do the step's work, and return its result, or a coroutine or Deferred of it."""
        raise NotImplementedError("A custom build step must implement run()")

    def interrupt(self, reason: Any) -> Any:
        """Make ``run()`` end soon; a command that runs on the worker is killed.

        Overriding methods should call this one.
        """
        self.stopped = True
        return self._interrupted(reason)

    @outgoing
    async def _interrupted(self, reason: Any) -> None:
        try:
            if self._running:
                await self._complete_log("cancelled", "t", f"{reason}\n")
        finally:
            if self.cmd is not None:
                await inward(self.cmd.interrupt, reason)

    # Progress

    def setProgress(self, metric: str, value: float) -> None:
        """Say how far the step is: the end of step and build are predicted from that, and from
        what the metric reached in earlier builds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"setProgress needs a number for {metric!r}, not {value!r}")
        if self.useProgress and self._engine_runtime is not None:
            self._engine_runtime.set_progress(str(metric), float(value))

    def setupProgress(self) -> None:
        """Do nothing: there is nothing to set up."""

    # Properties

    def getProperties(self) -> Any:
        """Return the build's properties."""
        return self.build.getProperties()

    def setProperty(
        self, propname: str, value: Any, source: str = "Unknown", runtime: bool | None = None
    ) -> None:
        """Set a property of the build."""
        self.build.setProperty(propname, value, source)

    def setBuildData(self, name: str, value: bytes, source: str) -> Any:
        """Store bytes for the build under a name, for reporters and other steps; returns a
        Deferred."""
        return self.master.data.updates.setBuildData(self.build.buildid, name, value, source)

    # What the engine calls

    def _first_log(self) -> str | None:
        """Return the name of the log that ``run()`` opens first and in any case, if there is one.

        The engine opens it in the transaction that records the step.
        """
        return None

    async def _render_all(self) -> None:
        """Render the attributes that are renderable."""
        properties = self.getProperties()
        kind: Any = type(self)
        for name in _renderables(kind):
            value = getattr(self, name, None)
            if value.__class__ not in PLAIN_TYPES and not is_constant(value):
                setattr(self, name, await render_value(value, properties))
        self.rendered = True

    async def _is_wanted(self) -> bool:
        """Render the step, and return whether it is to run."""
        if self.doStepIf is False:
            return False
        await self._render_all()
        wanted = self.doStepIf
        return bool(await answered("doStepIf", wanted, self) if callable(wanted) else wanted)

    async def _needed_locks(self) -> Any:
        """Return the locks that it needs."""
        if not self.locks:
            return ()
        locks = await render_value(self.locks, self.getProperties())
        return lock_accesses(flatten(locks))

    async def _run_in_engine(self, runtime: StepRuntime) -> Any:
        """Run it: what ``run()`` returned, all logs finished."""
        self._engine_runtime = runtime
        self.stepid = runtime.step.id
        self.name = runtime.step.name
        self.number = runtime.step.number
        self._running = True
        try:
            if type(self).addTestResultSets is not StepTestResults.addTestResultSets:
                await answered("addTestResultSets", self.addTestResultSets)
            if is_old_style(type(self)):
                return await self._run_old_style()
            result = await inward(self.run)
            self._refuse_unfinished()
            return result
        except BuildStepCancelled:
            return CANCELLED
        except BuildStepFailed:
            return FAILURE
        finally:
            self._running = False
            if self._unfinished:
                await self._end_commands()
            if self._open_sets:
                await self._end_test_results()
            await self._end_logs()

    async def _is_hidden(self) -> bool:
        """Return whether it is not to be shown."""
        hide = self.hideStepIf
        hidden = await answered("hideStepIf", hide, self.results, self) if callable(hide) else hide
        return bool(hidden)


@per_class
def _renderables(cls: type) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        names.update(dict.fromkeys(base.__dict__.get("renderables") or ()))
    return tuple(names)


__getattr__ = old_names_of(__name__)
