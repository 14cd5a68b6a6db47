"""What running builds needs of the rest, and what the extension API gives it to run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from chargehand.domain.assignment import Assignment as Assignment
from chargehand.domain.assignment import LockGrant as LockGrant
from chargehand.domain.build import Build, Log, LogType, NewLog, Segment, Step, StepUrl
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
from chargehand.domain.lock import LockAccess, LockHolder
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
    """Locks that steps wait for, in fair order. (Given by ``dispatch``.)"""

    async def acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        waits: Callable[[LockHeld], None],
    ) -> LockGrant:
        """Wait until all are granted together, and return them; *waits* hears what for, at first
        and whenever that changes. May be cancelled.

        Raises LockTooSmall, or LockCycle when this one has to give way.
        """


class WorkerHealth(Protocol):
    """Hears whether workers can prepare builds. (Given by ``fleet``.)"""

    def ready(self, worker_name: str, builder_name: str) -> None:
        """A worker has prepared a build of that builder."""

    def not_ready(self, worker_name: str, builder_name: str, reason: str) -> None:
        """A worker could not prepare a build of that builder."""


class BuildStore(Protocol):
    """Where builds are recorded. Each method announces what it did, after the commit.

    What is not awaited is written in the order of the calls, before what is awaited next. If that
    fails, whoever awaits something of the same build next gets the failure: NoLongerOurs when
    another master, or a later start of this one, has taken the build over.
    """

    async def start_build(
        self,
        request_ids: Sequence[RequestId],
        builder_id: BuilderId,
        worker_id: WorkerId,
        master_id: MasterId,
    ) -> StartedBuild:
        """Claim the requests and create their build (its number is the builder's next) at once.

        Announces RequestClaimed for each, and BuildStarted. Raises AlreadyClaimed when one of them
        does not wait any more; then nothing of it stays.
        """

    def set_build_state(self, build: Build, state: str) -> Build:
        """Set the sentence; announce BuildUpdated."""

    def set_build_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set these properties; announce BuildPropertiesUpdated. Raises TypeError for values that
        cannot be kept."""

    def add_locks_duration(self, build: Build, seconds: float) -> Build:
        """Add to the time the build has waited for locks."""

    async def finish_build(
        self,
        build: Build,
        result: Result,
        state: str,
        requests: Sequence[RequestId],
        retry: Retry | None = None,
    ) -> Build:
        """End the build, and its requests with it. Raises NoLongerOurs.

        With RETRY the requests go back to the queue (RequestUnclaimed), with the *retry* that
        counts; else they are completed,
        and their buildset as well if they were its last.
        """


class AddedStep(NamedTuple):
    """A step that was added, and its first log, if that was asked for."""

    step: Step
    log: Log | None


class StepStore(Protocol):
    """Where steps are recorded, in the same order as their builds."""

    async def add_step(
        self,
        build_id: BuildId,
        name: str,
        state: str,
        *,
        started: bool = False,
        log: NewLog | None = None,
    ) -> AddedStep:
        """Add the build's next step; the name is made unique (``_1`` …). Announces StepAdded,
        and StepStarted when *started*, and LogAdded for its first *log*."""

    def add_finished_step(
        self, build_id: BuildId, name: str, state: str, result: Result, started_at: float
    ) -> None:
        """Add a step that is over; announce StepAdded, StepStarted and StepFinished."""

    def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        """The step begins; announce StepStarted."""

    def step_got_locks(self, step: Step) -> Step:
        """Record when the step got its locks."""

    def set_step_state(self, step: Step, state: str) -> Step:
        """Set the sentence; announce StepUpdated."""

    def add_step_url(self, step: Step, url: StepUrl) -> Step:
        """Add a link; announce StepUpdated."""

    def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        """End the step; announce StepFinished."""


class LogStore(Protocol):
    """Where logs are kept."""

    async def open(
        self,
        step_id: StepId,
        name: str,
        slug: str,
        kind: LogType,
        *,
        build_id: BuildId | None = None,
    ) -> Log:
        """Create the log (the slug is made unique in its step); announce LogAdded."""

    def append(self, log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        """Append after what was appended before; announce LogAppended.

        The future is done when the segment survives a kill of the master. Raises LogFailed, and so
        does the future.
        """

    async def flush(self, log_id: LogId) -> None:
        """Wait until all that was appended is durable, or has failed."""

    async def finish(self, log_id: LogId) -> Log:
        """No more will come; announce LogFinished."""

    async def read_lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return lines as stored, with channel letters (for ``getText`` of small logs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSources:
    """What a build shall be made of."""

    buildset: Buildset
    properties: dict[str, Property]
    """Of the buildset and the request."""
    stamps: tuple[StoredSourceStamp, ...]
    changes: tuple[Change, ...]
    """The changes of the source stamps, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedBuild:
    """A build that has just been recorded, and what it is to be made of."""

    build: Build
    sources: BuildSources


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """All that a plan needs to know of the build it is for."""

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
    redaction: Redaction = field(default_factory=Redaction)
    """What it must not show: secrets that the build uses are told to it."""


class StepRuntime(Protocol):
    """What the engine offers to a running step."""

    step: Step

    async def run_command(
        self, command: Command, routes: Routes, *, encoding: str | None = None
    ) -> None:
        """Run a command on the worker, its output going where *routes* say.

        *encoding* is that of what the command prints, where it is not the configuration's. When a
        log or a listener fails, the command is killed, and its failure raised. Raises WorkerLost,
        CommandRefused, LogFailed.
        """

    async def interrupt_command(self, command_id: CommandId, reason: str) -> None:
        """Kill a command that runs."""

    def open_log(
        self,
        name: str,
        kind: LogType,
        *,
        encoding: Encoding | None = None,
    ) -> LogWriter:
        """Return a log of this step at once; it is opened in the meantime."""

    def set_state(self, sentence: str) -> None:
        """Show what the step is doing; equal sentences are not written twice."""

    def add_url(self, name: str, url: str) -> None:
        """Show a link."""

    def set_build_properties(self, properties: Mapping[str, Property]) -> None:
        """Record properties of the build. Raises TypeError for values that cannot be kept."""

    def stop_build(self, reason: str, result: Result) -> None:
        """Let the build end soon, this step included."""


class HostedStep(Protocol):
    """A step of the user's, ready for one build. (Implemented by the extension API.)"""

    name: str
    flags: StepFlags

    def first_log(self) -> str | None:
        """The name of the log of streams that it opens in any case, before all others; or None."""

    async def locks(self) -> tuple[LockAccess, ...]:
        """The locks it needs, rendered."""

    async def is_wanted(self) -> bool:
        """``doStepIf``; raises what the user's function raises."""

    async def run(self, runtime: StepRuntime) -> object:
        """Render and run, and return what should be a result.

        Raises WorkerLost for a retry; anything else is an EXCEPTION, and the traceback becomes the
        step's log ``err.text``/``err.html``.
        """

    async def interrupt(self, reason: str) -> None:
        """Make `run` end soon."""

    async def sentence(self, result: Result | None) -> str:
        """What it is doing (None), or did: Buildbot's summary for the step."""

    async def build_part(self, result: Result, name: str) -> BuildPart | None:
        """What it contributes to the build's state sentence as the step *name*, or None."""

    async def is_hidden(self, result: Result) -> bool:
        """``hideStepIf``."""


class HostedBuild(Protocol):
    """A build of the user's. (Implemented by the extension API.)"""

    def next_step(self) -> HostedStep | None:
        """The next step in order; steps may have been added meanwhile."""

    async def properties(self) -> dict[str, Property]:
        """Properties to record when the build starts, those of the builder rendered."""

    def result_so_far(self) -> Result | None:
        """The build's result as its steps have it: they may have set it."""

    def note(self, step: HostedStep, result: Result, result_so_far: Result) -> None:
        """Tell it how the step ended (``executedSteps``, ``build.results``)."""

    async def finished(self, result: Result) -> None:
        """Tell it that the build ended; it may clean up."""


class Plan(Protocol):
    """How a builder builds: Buildbot's BuildFactory."""

    def sources(self) -> Sequence[tuple[str, str]]:
        """Return codebase and address of each repository that it gets sources from, where known."""

    def begin(self, facts: BuildFacts) -> HostedBuild:
        """Make the steps for one build. Raises what the user's code raises."""
