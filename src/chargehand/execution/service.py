"""Builds: runs what was assigned, each in its caller's task, and stops what shall be stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from chargehand.config.model import BuilderConfig, LogConfig, MasterConfig, WorkerConfig
from chargehand.domain.build import Build
from chargehand.domain.identifiers import BuildId, MasterId, RequestId
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.execution.build_run import BuildRun
from chargehand.execution.means import Means
from chargehand.execution.ports import Assignment, BuildStore, Locks, LogStore, StepStore
from chargehand.execution.step_run import Stop
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)


class UnknownBuilder(Exception):
    """The builder is no longer in the configuration; give its requests back."""


class Builds:
    """Runs builds. Of a running one, the configuration is that of its beginning."""

    def __init__(
        self,
        *,
        builds: BuildStore,
        steps: StepStore,
        logs: LogStore,
        locks: Locks,
        master_id: MasterId,
        grace: float = 20.0,
    ) -> None:
        self._tasks = Tasks("builds")
        self._means = Means(
            builds=builds,
            steps=steps,
            logs=logs,
            locks=locks,
            tasks=self._tasks,
            log_config=LogConfig(),
            grace=grace,
        )
        self._master_id = master_id
        self._builders: dict[str, BuilderConfig] = {}
        self._workers: dict[str, WorkerConfig] = {}
        self._properties: Mapping[str, Property] = {}
        self._running: dict[BuildId, BuildRun] = {}
        self._starting: dict[RequestId, Stop | None] = {}

    def reconfigure(self, config: MasterConfig) -> None:
        """Use *config* for the builds that start from now on."""
        self._builders = {builder.name: builder for builder in config.builders}
        self._workers = {worker.name: worker for worker in config.workers}
        self._properties = config.properties
        self._means = replace(self._means, log_config=config.logs)

    @property
    def running(self) -> tuple[Build, ...]:
        """The builds that run now."""
        return tuple(run.build for run in self._running.values())

    async def start(self, assignment: Assignment) -> None:
        """Run one build to its end; its failure is recorded, not raised.

        Cancelling the call (the master stops) ends the build as RETRY, in good order, and gives
        its requests back. Raises UnknownBuilder, and what the store raises.
        """
        if (builder := self._builders.get(assignment.builder_name)) is None:
            raise UnknownBuilder(assignment.builder_name)
        build, stop = await self._begun(assignment)
        run = BuildRun(
            build=build,
            assignment=assignment,
            builder=builder,
            worker=self._workers.get(assignment.worker_name),
            master_properties=self._properties,
            means=self._means,
        )
        self._running[build.id] = run
        if stop is not None:
            run.stop(stop)
        work = asyncio.ensure_future(run.run())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            run.stop(Stop(Result.RETRY, "master shutting down"))
            await asyncio.shield(work)
            raise
        finally:
            del self._running[build.id]

    async def _begun(self, assignment: Assignment) -> tuple[Build, Stop | None]:
        """Return the new build, and why it is to be stopped, if somebody said so meanwhile."""
        request_ids = [pending.request.id for pending in assignment.requests]
        first = request_ids[0]
        self._starting[first] = None
        try:
            build = await self._means.builds.start_build(
                request_ids, assignment.builder_id, assignment.worker_id, self._master_id
            )
        finally:
            stop = self._starting.pop(first)
        return build, stop

    def stop_request(self, request_id: RequestId, reason: str) -> None:
        """Cancel the build that a request became, or is about to become."""
        stop = Stop(Result.CANCELLED, reason)
        if request_id in self._starting:
            self._starting[request_id] = stop
        for run in self._running.values():
            if run.build.request_id == request_id:
                run.stop(stop)

    def stop(self, build_id: BuildId, reason: str, result: Result = Result.CANCELLED) -> bool:
        """Ask a running build to end with *result*; False when it does not run here."""
        run = self._running.get(build_id)
        if run is None:
            return False
        run.stop(Stop(result, reason))
        return True

    def worker_lost(self, worker_name: str) -> None:
        """A worker's connection ended: its builds are to be retried."""
        for run in self._running.values():
            if run.worker_name == worker_name:
                run.stop(Stop(Result.RETRY, "worker lost"))

    async def close(self) -> None:
        """Give up the steps that were abandoned. Builds end by cancelling their `start`."""
        await self._tasks.close()
