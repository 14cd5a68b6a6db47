"""What happened in a world, as the bus of its masters told it."""

from __future__ import annotations

from chargehand.domain.build import Build, Log, Step
from chargehand.domain.buildset import BuildRequest
from chargehand.domain.identifiers import BuilderId, BuildId, LogId, RequestId, StepId
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildStarted,
    BuildUpdated,
    LogAdded,
    LogFinished,
    RequestCancelled,
    RequestClaimed,
    RequestCompleted,
    RequestSubmitted,
    RequestUnclaimed,
    StepAdded,
    StepFinished,
    StepStarted,
    StepUpdated,
)

_PREPARATION = "worker_preparation"


class History:
    """The newest state of every build, step, log and request; outlives the masters."""

    def __init__(self) -> None:
        self.builds: dict[BuildId, Build] = {}
        self.steps: dict[StepId, Step] = {}
        self.logs: dict[LogId, Log] = {}
        self.requests: dict[RequestId, BuildRequest] = {}
        self.waiting: set[RequestId] = set()
        """Requests that no build serves."""
        self.unfinished: set[RequestId] = set()

    def listen(self, bus: Bus) -> None:
        """Hear what a master tells."""
        bus.subscribe(self._hear_build, BuildStarted, BuildUpdated, BuildFinished)
        bus.subscribe(self._hear_step, StepAdded, StepStarted, StepUpdated, StepFinished)
        bus.subscribe(self._hear_log, LogAdded, LogFinished)
        bus.subscribe(self._hear_waiting, RequestSubmitted, RequestUnclaimed)
        bus.subscribe(self._hear_request, RequestClaimed, RequestCompleted, RequestCancelled)

    @property
    def is_anything_unfinished(self) -> bool:
        """Whether a request or a build has not come to its end."""
        return bool(self.unfinished) or any(not build.complete for build in self.builds.values())

    def builds_of(
        self, *, builder: BuilderId | None = None, request: RequestId | None = None
    ) -> list[Build]:
        """Return the builds of a builder, or of a request, or all; oldest first."""
        return [
            build
            for build in sorted(self.builds.values(), key=lambda build: build.id)
            if builder in (None, build.builder_id) and request in (None, build.request_id)
        ]

    def steps_of(self, build: Build) -> list[Step]:
        """Return a build's steps in order, without the preparation of its worker."""
        return [
            step
            for step in sorted(self.steps.values(), key=lambda step: step.number)
            if step.build_id == build.id and step.name != _PREPARATION
        ]

    def logs_of(self, step: Step) -> list[Log]:
        """Return a step's logs."""
        return [log for log in self.logs.values() if log.step_id == step.id]

    def _hear_build(self, event: BuildStarted | BuildUpdated | BuildFinished) -> None:
        self.builds[event.build.id] = event.build

    def _hear_step(self, event: StepAdded | StepStarted | StepUpdated | StepFinished) -> None:
        self.steps[event.step.id] = event.step

    def _hear_log(self, event: LogAdded | LogFinished) -> None:
        self.logs[event.log.id] = event.log

    def _hear_waiting(self, event: RequestSubmitted | RequestUnclaimed) -> None:
        request = event.pending.request
        self.requests[request.id] = request
        self.waiting.add(request.id)
        self.unfinished.add(request.id)

    def _hear_request(self, event: RequestClaimed | RequestCompleted | RequestCancelled) -> None:
        request = event.request
        self.requests[request.id] = request
        self.waiting.discard(request.id)
        if request.complete:
            self.unfinished.discard(request.id)
