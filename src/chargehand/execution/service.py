"""Runs assigned builds, each in its caller's task, and stops them on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from chargehand.config.model import BuilderConfig, LogConfig, MasterConfig, WorkerConfig
from chargehand.config.trust import TrustConfig
from chargehand.domain.assignment import Assignment, UnknownBuilder
from chargehand.domain.build import Build
from chargehand.domain.identifiers import BuilderId, BuildId, MasterId, RequestId
from chargehand.domain.prediction import Prediction
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.waiting import WorkerPreparing
from chargehand.execution.build_run import BuildRun
from chargehand.execution.build_services import BuildServices
from chargehand.execution.expectations import Expectations
from chargehand.execution.gate import gated
from chargehand.execution.ports import (
    BuildStore,
    Locks,
    LogStore,
    StateStore,
    StepStore,
    WorkerHealth,
)
from chargehand.execution.stop import Stop
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.guard import guarded
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks
from chargehand.kit.values import replace

_log = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds for steps' code to end, after it was interrupted and cancelled."""


class Builds:
    """Runs builds. A running build keeps the configuration it started with."""

    def __init__(
        self,
        *,
        builds: BuildStore,
        steps: StepStore,
        logs: LogStore,
        locks: Locks,
        health: WorkerHealth,
        master_id: MasterId,
        clock: Clock | None = None,
        grace: float = 20.0,
        redaction: Redaction | None = None,
        state: StateStore | None = None,
    ) -> None:
        self._tasks = Tasks("builds")
        self._expectations = Expectations(state=state, tasks=self._tasks)
        self._services = BuildServices(
            builds=builds,
            steps=steps,
            logs=logs,
            locks=locks,
            health=health,
            tasks=self._tasks,
            log_config=LogConfig(),
            trust=TrustConfig(),
            redaction=redaction or Redaction(),
            clock=clock or SystemClock(),
            expectations=self._expectations,
            grace=grace,
        )
        self._master_id = master_id
        self._builders: dict[str, BuilderConfig] = {}
        self._workers: dict[str, WorkerConfig] = {}
        self._properties: Mapping[str, Property] = {}
        self._runs: set[BuildRun] = set()
        """Includes builds that are about to start."""

    def reconfigure(self, config: MasterConfig) -> None:
        """Use *config* for the builds that start from now on."""
        self._builders = {builder.name: builder for builder in config.builders}
        self._workers = {worker.name: worker for worker in config.workers}
        self._properties = config.properties
        self._services = replace(self._services, log_config=config.logs, trust=config.trust)

    @property
    def running(self) -> tuple[Build, ...]:
        """The running builds."""
        return tuple(run.build for run in self._runs if run.has_begun)

    def running_on(self, builder_id: BuilderId) -> tuple[Build, ...]:
        """The builds that a builder runs."""
        runs = (run for run in self._runs if run.builder_id == builder_id)
        return tuple(run.build for run in runs if run.has_begun)

    async def start(self, assignment: Assignment) -> None:
        """Claim the requests and run their build to its end; its failure is recorded, not raised.

        Cancelling the call (the master stops) ends the build cleanly as RETRY, and returns its
        requests to the queue. Raises UnknownBuilder, AlreadyClaimed, and the store's errors.
        """
        if (builder := self._builders.get(assignment.builder_name)) is None:
            raise UnknownBuilder(assignment.builder_name)
        run = BuildRun(
            assignment=assignment,
            builder=builder,
            worker=self._workers.get(assignment.worker_name),
            master_properties=self._properties,
            master_id=self._master_id,
            services=gated(self._services),
        )
        self._expectations.load(builder.name)
        self._runs.add(run)
        work = asyncio.ensure_future(run.run())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            run.stop(Stop(Result.RETRY, "master shutting down"))
            await asyncio.shield(work)
            raise
        finally:
            self._runs.discard(run)

    async def stop_request(
        self, request_id: RequestId, reason: str, *, by: str | None = None
    ) -> bool:
        """Cancel a request's build, which is running or about to start.

        Returns False if there is none: a build that was just ending has ended by then, and the
        request may be waiting again.
        """
        for run in list(self._runs):
            if run.request_id == request_id:
                if not run.is_ending:
                    run.stop(Stop(Result.CANCELLED, reason, by=by))
                    return True
                await run.ended.wait()
        return False

    def build_of(self, request_id: RequestId) -> BuildId | None:
        """Return the running build of a request."""
        for run in self._runs:
            if run.request_id == request_id and run.has_begun:
                return run.build.id
        return None

    def why_preparing(self, build_id: BuildId) -> WorkerPreparing | None:
        """Return what a build waits for while its worker prepares it."""
        for run in self._runs:
            if run.has_begun and run.build.id == build_id:
                return run.why_preparing()
        return None

    def worker_of(self, build_id: BuildId) -> str | None:
        """Return the name of a running build's worker, None if it is not running here."""
        for run in self._runs:
            if run.has_begun and run.build.id == build_id:
                return run.worker_name
        return None

    def predictions(self, build_id: BuildId) -> tuple[Prediction, ...]:
        """Return when a running build and its step are expected to end, as far as is known."""
        for run in self._runs:
            if run.has_begun and run.build.id == build_id:
                return run.predictions()
        return ()

    def set_state(self, build_id: BuildId, sentence: str) -> bool:
        """Show what a running build is doing, until it says something else; False if it is not
        running here."""
        for run in self._runs:
            if run.has_begun and run.build.id == build_id and not run.is_ending:
                run.set_state(sentence)
                return True
        return False

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Record properties of a build that runs or has ended. Raises LookupError, TypeError."""
        await gated(self._services).builds.amend_properties(build_id, properties)

    def stop(
        self,
        build_id: BuildId,
        reason: str,
        result: Result = Result.CANCELLED,
        *,
        by: str | None = None,
    ) -> bool:
        """Tell a running build to end with *result*; False if it is not running here, or already
        ending."""
        for run in self._runs:
            if run.has_begun and run.build.id == build_id and not run.is_ending:
                run.stop(Stop(result, reason, by=by))
                return True
        return False

    def stop_all(self, reason: str) -> None:
        """Tell all builds to end soon; they will be retried."""
        for run in self._runs:
            run.stop(Stop(Result.RETRY, reason))

    def worker_lost(self, worker_name: str) -> None:
        """Retry the builds of a worker whose session was lost."""
        for run in self._runs:
            if run.worker_name == worker_name:
                run.worker_lost()

    async def close(self) -> None:
        """Drop abandoned steps. (Builds end by cancelling their `start`.)"""
        with guarded(_log, "cannot save what builds are expected to take"):
            await self._expectations.save()
        await self._tasks.close(patience=_PATIENCE)
