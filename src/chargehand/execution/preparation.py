"""The first step: starts the worker if it has to be, and creates the build's directory."""

from __future__ import annotations

import asyncio

from chargehand.domain.build import Build, LogType, Step
from chargehand.domain.result import Result
from chargehand.domain.session import (
    CommandRefused,
    Session,
    SessionState,
    StartsOnDemand,
    WorkerLost,
    WorkerNotStarted,
)
from chargehand.domain.waiting import WorkerPreparing
from chargehand.execution.build_services import BuildServices
from chargehand.execution.failure_text import html_of, text_of
from chargehand.execution.step_logs import StepLogs

_NAME = "worker_preparation"
_AT_ONCE = 0.05
"""Seconds in which a ready worker answers: then the step is recorded only at its end."""
_PATIENCE = 300.0
"""Seconds to wait for an unresponsive worker: its disk may hang."""


class Preparation:
    """Step number 0 of every build, as in Buildbot."""

    def __init__(
        self, *, build: Build, session: Session, builddir: str, services: BuildServices
    ) -> None:
        self._build = build
        self._session = session
        self._builddir = builddir
        self._services = services
        self._asked_at: float = asyncio.get_running_loop().time()
        self._step: Step | None = None
        """The step, once it is recorded."""
        self._starting: StartsOnDemand | None = None
        """The worker, while it is being started."""
        self.not_started: WorkerNotStarted | None = None
        """Why the worker could not be started."""
        self.is_worker_lost = False
        """Whether the worker was lost."""
        self.failure: str | None = None
        """Why the worker could not prepare the build."""
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, worker: StartsOnDemand, build: object) -> bool:
        """Wait until the worker is started for *build*; return whether it is."""
        self._starting = worker
        starting = asyncio.ensure_future(worker.begin(build))
        try:
            await self._wait(starting, _AT_ONCE)
            if not starting.done():
                self._step = await self._begin("starting")
                await self._wait(starting, None)
            problem = self._problem(starting)
        finally:
            self._starting = None
            starting.cancel()
        if problem is not None:
            await self._finish(problem)
        return problem is None

    def _problem(self, starting: asyncio.Future[None]) -> tuple[Result, str] | None:
        if not starting.done():
            return self._not_waited_for()
        try:
            starting.result()
        except WorkerNotStarted as error:
            self.not_started = error
            result = Result.EXCEPTION if error.is_final else Result.RETRY
            return result, f"worker {self._session.worker_name} could not be started: {error}"
        return None

    async def run(self) -> bool:
        """Prepare the worker, and return whether it is ready."""
        began = self._services.clock.timestamp()
        self._asked_at = asyncio.get_running_loop().time()
        preparing = asyncio.ensure_future(self._session.prepare([self._builddir]))
        try:
            await asyncio.sleep(0)  # Known directories take one iteration of the loop.
            await self._wait(preparing, _AT_ONCE)
            if preparing.done() and self._step is None:
                result, sentence = self._outcome(preparing)
                self._services.steps.add_finished_step(
                    self._build.id, _NAME, sentence, result, began
                )
                return result is Result.SUCCESS
            self._step = self._step or await self._begin("preparing")
            await self._wait(preparing, _PATIENCE)
            outcome = self._outcome(preparing)
            await self._finish(outcome)
        finally:
            preparing.cancel()
        return outcome[0] is Result.SUCCESS

    async def _finish(self, outcome: tuple[Result, str]) -> None:
        step = self._step or await self._begin("starting")
        self._services.steps.finish_step(step, *outcome, False)

    def _not_waited_for(self) -> tuple[Result, str]:
        return Result.CANCELLED, f"worker {self._session.worker_name} not waited for"

    def why(self) -> WorkerPreparing:
        """Return what the build waits for."""
        seconds = asyncio.get_running_loop().time() - self._asked_at
        return WorkerPreparing(
            workers=((self._session.worker_name, int(seconds)),),
            is_interrupted=self._session.state is SessionState.INTERRUPTED,
            is_starting=self._starting is not None,
            waits_for="" if self._starting is None else self._starting.waits_for,
        )

    def stop(self) -> None:
        """Stop waiting for the worker."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def _wait(self, preparing: asyncio.Future[None], seconds: float | None) -> None:
        if not preparing.done():
            await asyncio.wait(
                (preparing, self._stopped), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )

    def _outcome(self, preparing: asyncio.Future[None]) -> tuple[Result, str]:
        name = self._session.worker_name
        if not preparing.done():
            if self._stopped.done():
                return self._not_waited_for()
            self.failure = f"it did not answer within {_PATIENCE:g} s"
            return Result.RETRY, f"worker {name} not ready: {self.failure}"
        try:
            preparing.result()
        except WorkerLost as error:
            self.is_worker_lost = True
            return Result.RETRY, f"worker {name} not ready: {error}".rstrip(": ")
        except (CommandRefused, OSError) as error:
            self.failure = str(error) or type(error).__name__
            return Result.RETRY, f"worker {name} not ready: {self.failure}"
        return Result.SUCCESS, f"worker {name} ready"

    async def fail(self, error: Exception) -> None:
        """Record that creating the steps failed."""
        step = self._step or await self._begin("preparing")
        logs = StepLogs(
            step=step,
            store=self._services.logs,
            config=self._services.log_config,
            redaction=self._services.redaction,
        )
        await logs.add_complete("err.text", LogType.TEXT, text_of(error))
        await logs.add_complete("err.html", LogType.HTML, html_of(error))
        sentence = "cannot create the builder's steps"
        self._services.steps.finish_step(step, Result.EXCEPTION, sentence, False)

    async def _begin(self, doing: str) -> Step:
        added = await self._services.steps.add_step(
            self._build.id, _NAME, f"{doing} worker {self._session.worker_name}", started=True
        )
        return added.step
