"""Interfaces that execution needs from other packages and from the extension API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from chargehand.config.trust import TrustConfig
from chargehand.domain.assignment import Assignment as Assignment
from chargehand.domain.assignment import LockGrant as LockGrant
from chargehand.domain.build import Build, Log, LogType, NewLog, Segment, Step, StepUrl
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.buildset import BuildRequest, Buildset
from chargehand.domain.change import Change
from chargehand.domain.command import Command
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    CommandId,
    LogId,
    MasterId,
    RequestId,
    StepId,
    WorkerId,
)
from chargehand.domain.json import Json
from chargehand.domain.lock import LockAccess, LockHolder
from chargehand.domain.planned_step import PlannedStep
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.domain.session import CommandRefused as CommandRefused
from chargehand.domain.session import Session as Session
from chargehand.domain.session import WorkerLost as WorkerLost
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.waiting import LockHeld
from chargehand.domain.worker import WorkerInfo
from chargehand.execution.routing import Routes as Routes
from chargehand.execution.rules import StepFlags as StepFlags
from chargehand.execution.sentences import BuildPart as BuildPart
from chargehand.kit.redaction import Redaction
from chargehand.logs.writer import Encoding, LogWriter
from chargehand.logs.writer import LogFailed as LogFailed


class Locks(Protocol):
    """Locks for steps, granted in fair order. (Implemented by ``dispatch``.)"""

    async def acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        waits: Callable[[LockHeld], None],
    ) -> LockGrant:
        """Wait until all locks are granted together; calls *waits* with the reason for waiting, at
        first and when it changes. May be cancelled.

        Raises LockTooSmall, or LockCycle if this build must give way.
        """


class WorkerHealth(Protocol):
    """Records whether workers can prepare builds. (Implemented by ``fleet``.)"""

    def ready(self, worker_name: str, builder_name: str) -> None:
        """Record that a worker has prepared a build of that builder."""

    def not_ready(self, worker_name: str, builder_name: str, reason: str) -> None:
        """Record that a worker failed to prepare a build of that builder."""


class BuildStore(Protocol):
    """Stores builds. Each method announces its change after the commit.

    Calls that are not awaited are written in order, before the next awaited one. If one of them
    fails, the next awaited call for the same build raises the failure: NoLongerOurs if another
    master, or a later start of this one, has taken the build over.
    """

    async def start_build(
        self,
        request_ids: Sequence[RequestId],
        builder_id: BuilderId,
        worker_id: WorkerId,
        master_id: MasterId,
        virtual: VirtualBuilder | None = None,
    ) -> StartedBuild:
        """Claim the requests and create their build, with the builder's next number, atomically.

        The build belongs to the *virtual* builder, if given: that is made, or brought up to date.

        Announces RequestClaimed for each, and BuildStarted. Raises AlreadyClaimed if one of them is
        no longer waiting; then nothing changes.
        """

    def set_build_state(self, build: Build, state: str) -> Build:
        """Set the sentence; announce BuildUpdated."""

    def set_build_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set these properties; announce BuildPropertiesUpdated. Raises TypeError for values that
        cannot be stored."""

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set properties of a build that runs or has ended. Raises LookupError, TypeError."""

    def add_locks_duration(self, build: Build, seconds: float) -> Build:
        """Add to the time that the build waited for locks."""

    async def finish_build(
        self,
        build: Build,
        result: Result,
        state: str,
        requests: Sequence[RequestId],
        retry: Retry | None = None,
    ) -> Build:
        """End the build and its requests. Raises NoLongerOurs.

        With RETRY the requests are returned to the queue (RequestUnclaimed), with the *retry* to
        count; otherwise they are completed, and their buildset as well if they were its last.
        """


class AddedStep(NamedTuple):
    """A step that was added, with its first log, if requested."""

    step: Step
    log: Log | None


class StepStore(Protocol):
    """Stores steps, in the same order as their builds."""

    async def add_step(
        self,
        build_id: BuildId,
        name: str,
        state: str,
        *,
        started: bool = False,
        log: NewLog | None = None,
    ) -> AddedStep:
        """Add the build's next step; makes its name unique (``_1`` …). Announces StepAdded,
        StepStarted if *started*, and LogAdded for its first *log*."""

    def add_finished_step(
        self, build_id: BuildId, name: str, state: str, result: Result, started_at: float
    ) -> None:
        """Add a finished step; announce StepAdded, StepStarted and StepFinished."""

    def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        """Start the step; announce StepStarted."""

    def step_got_locks(self, step: Step) -> Step:
        """Record the time at which the step got its locks."""

    def set_step_state(self, step: Step, state: str) -> Step:
        """Set the sentence; announce StepUpdated."""

    def add_step_url(self, step: Step, url: StepUrl, replaces: str | None = None) -> Step:
        """Add a link, in the place of the one called *replaces*; announce StepUpdated."""

    def set_step_statistics(self, step: Step, statistics: Mapping[str, Json]) -> None:
        """Set what the step has counted. Raises TypeError for values that cannot be stored."""

    def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        """End the step; announce StepFinished."""


class LogStore(Protocol):
    """Stores logs."""

    async def open(
        self,
        step_id: StepId,
        name: str,
        slug: str,
        kind: LogType,
        *,
        build_id: BuildId | None = None,
    ) -> Log:
        """Create the log, with a unique slug in its step; announce LogAdded."""

    def append(self, log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        """Append a segment; announce LogAppended.

        The future is done when the segment is durable. Both the call and the future may raise
        LogFailed.
        """

    async def flush(self, log_id: LogId) -> None:
        """Wait until all that was appended is durable, or has failed."""

    async def finish(self, log_id: LogId) -> Log:
        """Finish the log; announce LogFinished."""

    async def read_lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return lines as stored, with channel letters (for ``getText`` of small logs)."""


class BuildSources(msgspec.Struct, frozen=True, kw_only=True):
    """The sources of a build."""

    buildset: Buildset
    properties: dict[str, Property]
    """Properties of the buildset and the request."""
    stamps: tuple[StoredSourceStamp, ...]
    changes: tuple[Change, ...]
    """The changes of the source stamps, oldest first."""
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Secrets in the properties, each with what is shown instead."""


class StartedBuild(msgspec.Struct, frozen=True, kw_only=True):
    """A build that has just been recorded, with its sources."""

    build: Build
    sources: BuildSources


class BuildFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a plan needs to know about the build."""

    build: Build
    builder_name: str
    builder_config: Any
    worker_name: str
    worker_config: Any
    worker_info: WorkerInfo
    requests: tuple[BuildRequest, ...]
    sources: BuildSources
    all_stamps: tuple[tuple[StoredSourceStamp, ...], ...]
    properties: dict[str, Property]
    """Merged in Buildbot's order: master, changes, scheduler and request, builder, worker, own."""
    basedir: str
    builddir: str
    """Absolute path on the worker."""
    redaction: Redaction = msgspec.field(default_factory=Redaction)
    """Redaction of the build's output; steps register the secrets that they use."""
    trust: TrustConfig = msgspec.field(default_factory=TrustConfig)
    """What builds of less trusted sources may use."""


class StateStore(Protocol):
    """Stores small JSON values of components by name."""

    async def get(self, name: str, kind: str, key: str, default: Json = None) -> Json:
        """Return the value set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: Json) -> None:
        """Store the value durably."""


class StepRuntime(Protocol):
    """The engine's interface for a running step."""

    step: Step

    async def run_command(
        self, command: Command, routes: Routes, *, encoding: str | None = None
    ) -> None:
        """Run a command on the worker, with its output going to *routes*.

        *encoding* is the encoding of the output, if it differs from the configuration's. If a log
        or a listener fails, kills the command and raises the failure. Raises WorkerLost,
        CommandRefused, LogFailed.
        """

    async def interrupt_command(self, command_id: CommandId, reason: str) -> None:
        """Kill a running command."""

    def open_log(
        self,
        name: str,
        kind: LogType,
        *,
        encoding: Encoding | None = None,
    ) -> LogWriter:
        """Return a log of this step immediately, and open it in the background."""

    def set_state(self, sentence: str) -> None:
        """Show what the step is doing; repeated sentences are written once."""

    def add_url(self, name: str, url: str, replaces: str | None = None) -> None:
        """Add a link, in the place of the one called *replaces* if there is one."""

    def set_progress(self, metric: str, value: float) -> None:
        """Record how far the step is; the end of build and step are predicted from it."""

    def set_statistics(self, statistics: Mapping[str, Json]) -> None:
        """Record what the step has counted. Raises TypeError for values that cannot be stored."""

    def set_build_properties(self, properties: Mapping[str, Property]) -> None:
        """Record properties of the build. Raises TypeError for values that cannot be stored."""

    def stop_build(self, reason: str, result: Result) -> None:
        """End the build soon, including this step."""


class HostedStep(Protocol):
    """A user's step for one build. (Implemented by the extension API.)"""

    name: str
    flags: StepFlags

    def first_log(self) -> str | None:
        """The name of the log that it always opens first, or None."""

    async def locks(self) -> tuple[LockAccess, ...]:
        """The locks it needs, rendered."""

    async def is_wanted(self) -> bool:
        """Evaluate ``doStepIf``; raises the user's exceptions."""

    async def run(self, runtime: StepRuntime) -> object:
        """Render and run the step, and return its value, which should be a result.

        WorkerLost means a retry; any other exception an EXCEPTION, with the traceback in the step's
        logs ``err.text`` and ``err.html``.
        """

    async def interrupt(self, reason: str) -> None:
        """Make `run` end soon."""

    async def sentence(self, result: Result | None) -> str:
        """Return Buildbot's summary of the step, while it runs (None) or after its end."""

    async def build_part(self, result: Result, name: str) -> BuildPart | None:
        """What it contributes to the build's state sentence as the step *name*, or None."""

    async def is_hidden(self, result: Result) -> bool:
        """``hideStepIf``."""

    def result(self, result: Result) -> Result:
        """Return the result that the step's own code has written meanwhile, or *result*."""


class StepOutcome(msgspec.Struct, frozen=True):
    """What the build's result is after a step."""

    result: Result
    halts: bool
    """Whether only steps that always run may follow."""
    error: str | None = None
    """The error in the code of the build class, as a sentence."""


class BuildEnd(msgspec.Struct, frozen=True):
    """How a build ends."""

    result: Result
    words: str = ""
    """What the build class says of it, empty for the usual sentence."""
    error: str | None = None
    """The error in the code of the build class, as a sentence."""


class HostedBuild(Protocol):
    """A user's build. (Implemented by the extension API.)"""

    def condition(self) -> Awaitable[bool] | None:
        """Return what tells whether the build is done (``do_build_if``); None: it is."""

    def worker_started(self, facts: BuildFacts) -> None:
        """Take the facts again, after the build's worker was started: now it is known."""

    def next_step(self) -> HostedStep | None:
        """Return the next step; running steps may add more. Raises the user's exceptions."""

    async def properties(self) -> dict[str, Property]:
        """Return the properties to record at the start, with the builder's rendered."""

    async def step_done(self, step: HostedStep, result: Result, so_far: Result) -> StepOutcome:
        """Return what the build's result is after a step; steps and build classes may set it."""

    async def finished(self, result: Result) -> BuildEnd:
        """Return how the build ends, after its last step."""

    async def leave_worker(self) -> None:
        """Let the worker's object know that the build has ended, however that was."""


class Plan(Protocol):
    """The steps of a builder: Buildbot's BuildFactory."""

    def sources(self) -> Sequence[tuple[str, str]]:
        """Return codebase and URL of each repository it fetches sources from, if known."""

    def outline(self) -> Sequence[PlannedStep]:
        """Return its steps in order, as they are configured. Raises the user's exceptions."""

    def begin(self, facts: BuildFacts) -> HostedBuild:
        """Create the steps of a build. Raises the user's exceptions."""
