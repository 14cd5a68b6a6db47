"""What builds need, in memory: stores and a scripted worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from chargehand.config.model import BuilderConfig, LogConfig, MasterConfig, WorkerConfig
from chargehand.domain.assignment import AlreadyClaimed, Assignment
from chargehand.domain.build import Build, NewLog, Step, StepUrl
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.buildset import BuildRequest, Buildset, PendingRequest
from chargehand.domain.change import Change
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    BuildsetId,
    MasterId,
    RequestId,
    SourceStampId,
    StepId,
    WorkerId,
)
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.domain.sentence import sentence
from chargehand.domain.session import Session
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.execution.ports import AddedStep, BuildSources, StartedBuild
from chargehand.execution.service import Builds
from chargehand.store.names import numbered
from chargehand.testing.free_locks import FreeLocks
from chargehand.testing.memory_logs import MemoryLogStore
from chargehand.testing.scripted_session import ScriptedSession

NOW = 1_700_000_000.0


class MemoryBuildStore:
    """`BuildStore`, in memory. What was recorded is in its attributes."""

    def __init__(self, sources: BuildSources | None = None) -> None:
        self.builds: dict[BuildId, Build] = {}
        self.properties: dict[BuildId, dict[str, Property]] = {}
        self.states: list[str] = []
        self.claimed: set[RequestId] = set()
        """Those that are complete are among them."""
        self.unclaimed: list[RequestId] = []
        self.completed: dict[RequestId, Result] = {}
        self.retries: list[Retry | None] = []
        """Of each build that ended."""
        self.virtual: dict[str, BuilderId] = {}
        self._sources = sources or sources_of()

    async def start_build(
        self,
        request_ids: Sequence[RequestId],
        builder_id: BuilderId,
        worker_id: WorkerId,
        master_id: MasterId,
        virtual: VirtualBuilder | None = None,
    ) -> StartedBuild:
        if virtual is not None:
            builder_id = self.virtual.setdefault(virtual.name, BuilderId(-len(self.virtual)))
        taken = [request_id for request_id in request_ids if request_id in self.claimed]
        if taken:
            raise AlreadyClaimed(f"claimed by another master, or complete: {taken}")
        self.claimed.update(request_ids)
        number = 1 + sum(build.builder_id == builder_id for build in self.builds.values())
        build = Build(
            id=BuildId(len(self.builds) + 1),
            number=number,
            builder_id=builder_id,
            request_id=request_ids[0],
            worker_id=worker_id,
            master_id=master_id,
            started_at=NOW,
        )
        return StartedBuild(build=self._keep(build), sources=self._sources)

    def set_build_state(self, build: Build, state: str) -> Build:
        """Set the sentence."""
        self.states.append(state := sentence(state))
        return self._keep(msgspec.structs.replace(build, state=state))

    def set_build_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set these properties."""
        self.properties.setdefault(build_id, {}).update(properties)

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        self.set_build_properties(self.builds[build_id].id, properties)

    def add_locks_duration(self, build: Build, seconds: float) -> Build:
        """Add to the time the build has waited for locks."""
        waited = build.locks_duration + seconds
        return self._keep(msgspec.structs.replace(build, locks_duration=waited))

    async def finish_build(
        self,
        build: Build,
        result: Result,
        state: str,
        requests: Sequence[RequestId],
        retry: Retry | None = None,
    ) -> Build:
        """End the build, and its requests with it."""
        self.retries.append(retry)
        if result is Result.RETRY:
            self.unclaimed.extend(requests)
            self.claimed.difference_update(requests)
        else:
            self.completed.update(dict.fromkeys(requests, result))
        return self._keep(
            msgspec.structs.replace(
                build, result=result, state=sentence(state), complete=True, complete_at=NOW
            )
        )

    def _keep(self, build: Build) -> Build:
        self.builds[build.id] = build
        return build


class NotedHealth:
    """`WorkerHealth` that only takes notes."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, str | None]] = []
        """Worker, builder, and why it was not ready."""

    def ready(self, worker_name: str, builder_name: str) -> None:
        """Note it."""
        self.notes.append((worker_name, builder_name, None))

    def not_ready(self, worker_name: str, builder_name: str, reason: str) -> None:
        """Note it."""
        self.notes.append((worker_name, builder_name, reason))


class MemoryStepStore:
    """`StepStore`, in memory."""

    def __init__(self, logs: MemoryLogStore) -> None:
        self._logs = logs
        self.steps: dict[StepId, Step] = {}
        self.statistics: dict[StepId, Mapping[str, Json]] = {}
        self.states: list[tuple[str, str]] = []

    def of(self, build_id: BuildId) -> list[Step]:
        """Return the steps of a build, in order."""
        return [step for step in self.steps.values() if step.build_id == build_id]

    async def add_step(
        self,
        build_id: BuildId,
        name: str,
        state: str,
        *,
        started: bool = False,
        log: NewLog | None = None,
    ) -> AddedStep:
        """Add the build's next step, and its first log."""
        step = self._add(build_id, name, state, NOW if started else None)
        return AddedStep(step, None if log is None else self._logs.add(step.id, log))

    def add_finished_step(
        self, build_id: BuildId, name: str, state: str, result: Result, started_at: float
    ) -> None:
        """Add a step that is over."""
        self.finish_step(self._add(build_id, name, state, started_at), result, state, False)

    def _add(self, build_id: BuildId, name: str, state: str, begun: float | None) -> Step:
        others = self.of(build_id)
        unique = numbered(name, {other.name for other in others})
        step = Step(
            id=StepId(len(self.steps) + 1),
            build_id=build_id,
            number=len(others),
            name=unique,
            state=sentence(state),
            started_at=begun,
            locks_acquired_at=begun,
        )
        return self._keep(step)

    def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        """The step begins."""
        acquired = NOW if locks_acquired else None
        return self._keep(msgspec.structs.replace(step, started_at=NOW, locks_acquired_at=acquired))

    def step_got_locks(self, step: Step) -> Step:
        """Record when the step got its locks."""
        return self._keep(msgspec.structs.replace(step, locks_acquired_at=NOW))

    def set_step_state(self, step: Step, state: str) -> Step:
        """Set the sentence."""
        return self._keep(msgspec.structs.replace(step, state=sentence(state)))

    def add_step_url(self, step: Step, url: StepUrl, replaces: str | None = None) -> Step:
        """Add a link, in the place of the one called *replaces*."""
        return self._keep(step.with_url(url, replaces))

    def set_step_statistics(self, step: Step, statistics: Mapping[str, Json]) -> None:
        """Set what the step has counted."""
        self.statistics[step.id] = statistics

    def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        """End the step."""
        return self._keep(
            msgspec.structs.replace(
                step,
                result=result,
                state=sentence(state),
                hidden=hidden,
                complete=True,
                complete_at=NOW,
            )
        )

    def _keep(self, step: Step) -> Step:
        self.states.append((step.name, step.state))
        self.steps[step.id] = step
        return step


def sources_of(
    *stamps: SourceStamp,
    changes: Sequence[Change] = (),
    properties: Mapping[str, Property] | None = None,
) -> BuildSources:
    """Return sources of these stamps, or of one that names nothing."""
    stored = tuple(
        StoredSourceStamp(id=SourceStampId(number), created_at=NOW, stamp=stamp)
        for number, stamp in enumerate(stamps or (SourceStamp(),), start=1)
    )
    return BuildSources(
        buildset=Buildset(
            id=BuildsetId(1), reason="because", submitted_at=NOW, source_stamps=stored
        ),
        properties=dict(properties or {"scheduler": ("force", "Scheduler")}),
        stamps=stored,
        changes=tuple(changes),
    )


def request_of(number: int = 1) -> PendingRequest:
    """Return a request that waits."""
    return PendingRequest(
        request=BuildRequest(
            id=RequestId(number),
            buildset_id=BuildsetId(1),
            builder_id=BuilderId(1),
            submitted_at=NOW,
        ),
        reason="because",
        source_stamp_ids=(SourceStampId(1),),
        sources=(("", "", "", None),),
    )


class Workshop:
    """Everything to run builds of one plan in memory."""

    def __init__(
        self,
        plan: Any,
        *,
        session: Session | None = None,
        sources: BuildSources | None = None,
        locks: Any = None,
        logs: LogConfig | None = None,
        grace: float = 20.0,
        **builder: Any,
    ) -> None:
        self.builds = MemoryBuildStore(sources)
        self._requests = 0
        self.logs = MemoryLogStore()
        self.steps = MemoryStepStore(self.logs)
        self.locks = locks or FreeLocks()
        self.health = NotedHealth()
        self.session: Any = session or ScriptedSession()
        self.service = Builds(
            builds=self.builds,
            steps=self.steps,
            logs=self.logs,
            locks=self.locks,
            health=self.health,
            master_id=MasterId(1),
            grace=grace,
        )
        arguments: dict[str, Any] = {"name": "b1", "builddir": "b1", "worker_builddir": "b1"}
        config = BuilderConfig(
            worker_names=(self.session.worker_name,), plan=plan, **{**arguments, **builder}
        )
        self.service.reconfigure(
            MasterConfig(
                builders=(config,),
                workers=(WorkerConfig(name=self.session.worker_name, kind="local"),),
                logs=logs or LogConfig(),
            )
        )

    def assignment(self) -> Assignment:
        """Return an assignment of another request to the worker."""
        self._requests += 1
        return Assignment(
            builder_name="b1",
            builder_id=BuilderId(1),
            worker_name=self.session.worker_name,
            worker_id=WorkerId(1),
            session=self.session,
            requests=(request_of(self._requests),),
            grant=FreeLocks(),
        )

    async def run(self) -> Build:
        """Run one build to its end and return it."""
        await self.service.start(self.assignment())
        return self.builds.builds[BuildId(len(self.builds.builds))]

    def outcome(self) -> list[tuple[str, int | None, str]]:
        """Return name, result and sentence of the steps after the preparation."""
        return [
            (step.name, None if step.result is None else int(step.result), step.state)
            for step in self.steps.steps.values()
            if step.name != "worker_preparation"
        ]
