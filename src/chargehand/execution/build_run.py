"""Runs one build, from its assignment to its result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from chargehand.config.model import BuilderConfig, WorkerConfig
from chargehand.domain.assignment import Assignment
from chargehand.domain.build import Build
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.prediction import Prediction
from chargehand.domain.properties import Property
from chargehand.domain.result import Result, worse
from chargehand.domain.retry import MOST_RETRIES, Retry, following
from chargehand.domain.session import StartsOnDemand, WorkerLost
from chargehand.domain.waiting import WorkerPreparing
from chargehand.execution.build_facts import facts_of, holder_of, virtual_of
from chargehand.execution.build_progress import BuildProgress
from chargehand.execution.build_services import BuildServices
from chargehand.execution.failure_text import headline_of
from chargehand.execution.ports import BuildFacts, BuildSources, HostedBuild, HostedStep
from chargehand.execution.preparation import Preparation
from chargehand.execution.sentences import (
    BuildPart,
    build_sentence,
    reason_that_counts,
    sentence_so_far,
    stopped_sentence,
)
from chargehand.execution.step_run import StepRun
from chargehand.execution.stop import Stop
from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.expected import Expected
from chargehand.kit.guard import described
from chargehand.kit.patience import Patience

_log = logging.getLogger(__name__)


class BuildRun:
    """One running build."""

    def __init__(
        self,
        *,
        assignment: Assignment,
        builder: BuilderConfig,
        worker: WorkerConfig | None,
        master_properties: Mapping[str, Property],
        master_id: MasterId,
        services: BuildServices,
    ) -> None:
        self._begun: Build | None = None
        self._assignment = assignment
        self._builder = builder
        self._worker = worker
        self._master_properties = master_properties
        self._master_id = master_id
        self._services = services
        self._stop: Stop | None = None
        self._is_lost = False
        self._current: StepRun | None = None
        self._preparation: Preparation | None = None
        self._is_starting = False
        """Whether it waits for its worker to be started."""
        self._patience = Patience()
        self._progress = BuildProgress()
        self._result = Result.SUCCESS
        self._halted = False
        self._hosted: HostedBuild | None = None
        self._parts: list[BuildPart] = []
        self._stopped_during: str | None = None
        """The step that ran when it was ordered to end."""
        self._error: str | None = None
        """The exception of users' code that ended it."""
        self._words = ""
        """What its class says of it."""
        self._asked_for_retry: str | None = None
        """The step that returned RETRY."""
        self._has_given_up = False
        self._is_ending = False
        self.ended = asyncio.Event()
        """Set when its end is recorded, or recording it has failed."""

    @property
    def has_begun(self) -> bool:
        """Whether its requests are claimed and it has a number."""
        return self._begun is not None

    @property
    def build(self) -> Build:
        """The build as last recorded. Call only after it has begun."""
        assert self._begun is not None
        return self._begun

    @build.setter
    def build(self, build: Build) -> None:
        self._begun = build

    @property
    def builder_id(self) -> BuilderId:
        """The builder that runs it; the build may belong to a virtual one."""
        return self._assignment.builder_id

    @property
    def request_id(self) -> RequestId:
        """The request that it builds."""
        return self._assignment.request_id

    @property
    def worker_name(self) -> str:
        """The name of its worker."""
        return self._assignment.worker_name

    @property
    def is_ending(self) -> bool:
        """Whether its result is final, so that stopping has no effect."""
        return self._is_ending

    def why_preparing(self) -> WorkerPreparing | None:
        """Return what it waits for while its worker prepares it."""
        return self._preparation.why() if self._preparation is not None else None

    def predictions(self) -> tuple[Prediction, ...]:
        """Return when the build and its step are expected to end, as far as is known."""
        step = self._current
        return self._progress.predicted(
            self._services.expectations.of(self._builder.name),
            now=self._services.clock.timestamp(),
            name=None if step is None else step.name,
            step_id=None if step is None else step.step_id,
            metrics={} if step is None else step.metrics,
        )

    def set_state(self, sentence: str) -> None:
        """Show what it is doing."""
        self.build = self._services.builds.set_build_state(self.build, sentence)

    def stop(self, stop: Stop) -> None:
        """End it soon: interrupt the running step; only ``alwaysRun`` steps follow.

        A build that has not begun yet ends right after its start. After a retry (the worker or the
        master is going away) no steps follow. The first call decides about the result, except for
        a retry: a cancelled build is not retried because its worker died, in either order.
        """
        is_retry = stop.result is Result.RETRY
        self._is_lost = self._is_lost or is_retry
        if self._stop is None or (self._stop.result is Result.RETRY and not is_retry):
            self._stop = stop
            self._stopped_during = None if self._current is None else self._current.name
        self._patience.stop()
        if self._preparation is not None:
            self._preparation.stop()
        if self._current is not None:
            self._current.stop(stop)

    async def run(self) -> Result:
        """Claim the requests, run the build to its end and record it. Raises AlreadyClaimed."""
        try:
            return await self._run_to_the_end(await self._begin())
        finally:
            self._is_ending = True
            self.ended.set()

    async def _run_to_the_end(self, sources: BuildSources) -> Result:
        try:
            await self._run_recorded(sources)
        except NoLongerOurs as error:
            # The new owner has recorded its end.
            _log.warning("abandoning build %d of %s: %s", self.build.id, self._builder.name, error)
            self._result = Result.RETRY
            await self._leave_worker()
        return self._result

    async def _run_recorded(self, sources: BuildSources) -> None:
        try:
            await self._run(sources)
        except NoLongerOurs:
            raise
        except WorkerLost:
            self._retry_elsewhere()
        except Exception as error:  # noqa: BLE001 - whatever failed: the build has to end
            which = (self.build.id, self._builder.name)
            _log.error("build %d of %s failed", *which, exc_info=described(error))
            self._result = worse(self._result, Result.EXCEPTION)
            self._error = self._error or headline_of(error)
        # What happens while users' code hears of the end does not change it.
        self._is_ending = True
        self._count_stop()
        await self._leave_worker()
        if self._result is Result.SUCCESS and self._progress.took:
            self._services.expectations.learn(self._builder.name, self._progress.took)
        await self._finish()

    async def _leave_worker(self) -> None:
        if self._hosted is not None:
            await self._hosted.leave_worker()

    async def _finish(self) -> None:
        retry = self._next_retry() if self._result is Result.RETRY else None
        sentence = self._sentence()
        if retry is not None:
            sentence += f"; {retry.words}"
        if self._has_given_up:
            sentence += f" (giving up after {MOST_RETRIES} retries)"
        await self._services.builds.finish_build(
            self.build, self._result, sentence, self._assignment.request_ids, retry
        )

    def _next_retry(self) -> Retry | None:
        """Return the retry to count, if any; too many retries end with another result."""
        if (why := reason_that_counts(self._stop, self._asked_for_retry)) is None:
            return None
        last = self._assignment.requests[0].request.retry
        retry = following(last, now=self._services.clock.timestamp(), reason=why)
        if retry is None:
            self._result, self._has_given_up = Result.EXCEPTION, True
            words = f"giving up after {MOST_RETRIES} retries"
        else:
            words = retry.words
        _log.info("%s #%d: %s because %s", self._builder.name, self.build.number, words, why)
        return retry

    def _sentence(self) -> str:
        if self._stop is not None:
            seconds = self._services.clock.timestamp() - self.build.started_at
            return stopped_sentence(self._result, self._stop, self._stopped_during, seconds)
        if self._words and self._error is None:
            return self._words
        return build_sentence(self._result, self._parts, error=self._error)

    async def _begin(self) -> BuildSources:
        assignment = self._assignment
        virtual = virtual_of(assignment, self._builder)
        started = await self._services.builds.start_build(
            assignment.request_ids,
            assignment.builder_id,
            assignment.worker_id,
            self._master_id,
            virtual,
        )
        self.build = started.build
        assignment.grant.name(holder_of(assignment, started.build, virtual))
        return started.sources

    def _count_stop(self) -> None:
        if self._stop is not None:
            self._result = worse(self._result, self._stop.result)
            if self._stop.result is Result.RETRY:
                self._result = Result.RETRY

    async def _run(self, sources: BuildSources) -> None:
        preparation = Preparation(
            build=self.build,
            session=self._assignment.session,
            builddir=self._builder.worker_builddir,
            services=self._services,
        )
        try:
            facts = self._facts(sources)
            hosted = self._hosted = self._builder.plan.begin(facts)
            condition = hosted.condition()
            if condition and not await self._patience.answer("do_build_if", condition, then=0.0):
                self._result = Result.SKIPPED
            elif not await self._is_started(preparation, hosted, sources):
                return
            properties = await self._patience.answer("a property", hosted.properties(), then=0.0)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if isinstance(error, AnswerTimeout) and self._stop is not None:
                return
            _log.warning(
                "cannot start the build of builder %s: %s",
                self._builder.name,
                headline_of(error),
                exc_info=None if isinstance(error, Expected) else described(error),
            )
            self._result = Result.EXCEPTION
            self._error = f"the build cannot start: {headline_of(error)}"
            await preparation.fail(error)
            return
        self._services.builds.set_build_properties(self.build.id, properties)
        if self._result is not Result.SKIPPED and await self._is_prepared(preparation):
            await self._steps(hosted)

    async def _is_started(
        self, preparation: Preparation, hosted: HostedBuild, sources: BuildSources
    ) -> bool:
        """Start the worker, if it is one that is started on demand; return whether it is there."""
        session = self._assignment.session
        if not isinstance(session, StartsOnDemand):
            return True
        if self._stop is not None:
            return False
        self.set_state(f"starting worker {self.worker_name}")
        self._preparation = preparation
        self._is_starting = True
        try:
            is_started = await preparation.start(session, hosted)
        finally:
            self._preparation = None
            self._is_starting = False
        if (failure := preparation.not_started) is not None:
            reason = f"worker {self.worker_name} could not be started: {failure}"
            if failure.is_final:
                self._result, self._error = Result.EXCEPTION, reason
            else:
                # Others may build it; this worker gets no builds for a while.
                self.stop(Stop(Result.RETRY, reason))
        if is_started:
            hosted.worker_started(self._facts(sources))
        return is_started

    def worker_lost(self) -> None:
        """Retry it, unless it waits for its worker, whose former session this was."""
        if not self._is_starting:
            self._retry_elsewhere()

    def _retry_elsewhere(self) -> None:
        self.stop(Stop(Result.RETRY, f"worker lost: {self.worker_name}", counts=True))

    async def _is_prepared(self, preparation: Preparation) -> bool:
        if self._stop is not None:
            return False
        self.set_state("building")
        self._preparation = preparation
        try:
            ready = await preparation.run()
        finally:
            self._preparation = None
        health, name = self._services.health, self._builder.name
        if ready:
            health.ready(self.worker_name, name)
        elif preparation.is_worker_lost:
            self._retry_elsewhere()
        elif preparation.failure is not None:
            # The worker is at fault: it gets no such builds for a while, and others may build it.
            health.not_ready(self.worker_name, name, preparation.failure)
            self.stop(Stop(Result.RETRY, "worker not ready"))
        return ready

    async def _steps(self, hosted: HostedBuild) -> None:
        while (step := hosted.next_step()) is not None:
            if self._is_lost:
                break
            if (self._stop is not None or self._halted) and not step.flags.always_run:
                continue
            await self._step(hosted, step)
        end = await hosted.finished(self._result)
        self._result = end.result
        self._error = self._error or end.error
        self._words = end.words

    async def _step(self, hosted: HostedBuild, step: HostedStep) -> None:
        running = StepRun(
            hosted=step,
            build=self.build,
            assignment=self._assignment,
            builddir=self._builder.worker_builddir,
            services=self._services,
            stop_all=self.stop,
        )
        self._current = running
        self._progress.begin()
        result = await running.run()
        self._progress.end(running.name, running.metrics, running.seconds_waited)
        if running.is_worker_lost:
            self._retry_elsewhere()
        elif result is Result.RETRY:
            self._asked_for_retry = running.name
        self._current = None
        if running.seconds_waited:
            self.build = self._services.builds.add_locks_duration(
                self.build, running.seconds_waited
            )
        outcome = await hosted.step_done(step, result, self._result)
        self._result = outcome.result
        self._halted = self._halted or outcome.halts
        if self._error is None and result is Result.EXCEPTION:
            self._error = running.error
        self._error = self._error or outcome.error
        if running.part is not None:
            self._parts.append(running.part)
            self.set_state(sentence_so_far(self._result, self._parts))

    def _facts(self, sources: BuildSources) -> BuildFacts:
        return facts_of(
            build=self.build,
            assignment=self._assignment,
            builder=self._builder,
            worker=self._worker,
            master_properties=self._master_properties,
            sources=sources,
            redaction=self._services.redaction,
            trust=self._services.trust,
        )
