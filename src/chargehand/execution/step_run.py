"""Runs one step: locks, recording, and a reliable end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from chargehand.domain.build import Build, LogType, NewLog
from chargehand.domain.identifiers import StepId
from chargehand.domain.lock import LockAccess, LockCycle, LockHolder, LockTooSmall
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.result import Result
from chargehand.domain.session import WorkerLost
from chargehand.domain.waiting import LockHeld
from chargehand.execution.build_services import BuildServices
from chargehand.execution.failure_text import error_sentence, html_of, log_text_of, text_of
from chargehand.execution.ports import Assignment, HostedStep, LockGrant
from chargehand.execution.rules import as_result, no_result, slug_of
from chargehand.execution.sentences import BuildPart
from chargehand.execution.step_context import StepContext
from chargehand.execution.step_logs import StepLogs
from chargehand.execution.stop import Stop
from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.expected import Expected
from chargehand.kit.patience import Patience
from chargehand.logs.writer import LogFailed

_log = logging.getLogger(__name__)


class StepRun:
    """One step, from ``doStepIf`` to its result."""

    _context: StepContext
    _logs: StepLogs

    def __init__(
        self,
        *,
        hosted: HostedStep,
        build: Build,
        assignment: Assignment,
        builddir: str,
        services: BuildServices,
        stop_all: Callable[[Stop], None],
    ) -> None:
        self.name = hosted.name
        """As recorded, once it is: unique in its build."""
        self._hosted = hosted
        self._build = build
        self._assignment = assignment
        self._builddir = builddir
        self._services = services
        self._stop_all = stop_all
        self._log_failure: str | None = None
        self._stop: Stop | None = None
        self._waiting: asyncio.Future[None] | None = None
        """Set while waiting for the step's end or for a stop."""
        self._patience = Patience()
        self._error: Exception | None = None
        """The last exception of its code."""
        self.part: BuildPart | None = None
        """Its part of the build's state sentence, after it has run."""
        self.seconds_waited = 0.0
        """Seconds that it waited for its locks."""

    @property
    def is_worker_lost(self) -> bool:
        """Whether the worker was lost during one of its commands."""
        return self._context.is_worker_lost

    @property
    def step_id(self) -> StepId | None:
        """The step's identifier, once it is recorded."""
        return self._context.step.id if hasattr(self, "_context") else None

    @property
    def metrics(self) -> Mapping[str, float]:
        """How far the step says that it is."""
        return self._context.metrics if hasattr(self, "_context") else {}

    @property
    def error(self) -> str | None:
        """The error in its code as a sentence, or None."""
        return None if self._error is None else self._sentence_of(self._error)

    async def run(self) -> Result:
        """Run the step, record it, and return its result. Never raises the step's errors."""
        wanted, locks, error = await self._prepare()
        sentence, unspoken = await self._sentence_now()
        error = error or unspoken
        runs = wanted and error is None
        await self._add(sentence, runs=runs, waits=bool(locks) and runs)
        result: Result
        grant: LockGrant | None = None
        try:
            if error is not None:
                result = await self._failed(error)
            elif not wanted:
                result = Result.SKIPPED
            elif self._stop is not None:
                result = self._stop.result
            elif locks and (grant := await self._acquire(locks)) is None:
                result = self._result_when_stopped()
            else:
                result = await self._work()
        except LockTooSmall as too_small:
            result = await self._failed(too_small)
        finally:
            if grant is not None:
                grant.release()
        return await self._finish(result)

    def stop(self, stop: Stop) -> None:
        """Make `run` end soon; only the first call counts."""
        if self._stop is None:
            self._stop = stop
            self._wake()
            self._patience.stop()

    async def _add(self, sentence: str, *, runs: bool, waits: bool) -> None:
        """Record the step, together with the log that it always opens, in one transaction."""
        starts = runs and not waits
        steps = self._services.steps
        first: NewLog | None = None
        if starts and self._stop is None and (name := self._hosted.first_log()) is not None:
            first = NewLog(name, slug_of(name), LogType.STDIO)
        added = await steps.add_step(
            self._build.id, self._hosted.name, sentence, started=starts, log=first
        )
        self.name = added.step.name
        step = added.step if runs else steps.start_step(added.step, locks_acquired=False)
        self._logs = StepLogs(
            step=step,
            store=self._services.logs,
            config=self._services.log_config,
            redaction=self._services.redaction,
            first=added.log,
        )
        self._context = StepContext(
            step=step,
            logs=self._logs,
            session=self._assignment.session,
            builddir=self._builddir,
            services=self._services,
            stop_all=self._stop_all,
        )

    async def _prepare(self) -> tuple[bool, tuple[LockAccess, ...], Exception | None]:
        try:
            wanted = await self._patience.answer("doStepIf", self._hosted.is_wanted(), then=0.0)
            locks: tuple[LockAccess, ...] = ()
            if wanted:
                locks = await self._patience.answer("locks", self._hosted.locks(), then=0.0)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if isinstance(error, AnswerTimeout) and self._stop is not None:
                return True, (), None
            return False, (), error
        held = {access.lock.name for access in self._assignment.locks}
        if twice := [access.lock.name for access in locks if access.lock.name in held]:
            message = f"lock {twice[0]!r} is claimed by both the builder and this step"
            return False, (), RuntimeError(message)
        return wanted, locks, None

    async def _acquire(self, locks: tuple[LockAccess, ...]) -> LockGrant | None:
        """Wait for the locks; None if the build is stopped first."""
        context = self._context
        context.step = self._services.steps.start_step(context.step, locks_acquired=False)
        loop = asyncio.get_running_loop()
        began = loop.time()
        sentence = context.step.state
        waiting = asyncio.ensure_future(
            self._services.locks.acquire(
                locks, self._assignment.worker_name, self._holder(), self._show_wait
            )
        )
        try:
            await self._first_of(waiting)
        finally:
            self.seconds_waited = loop.time() - began
        if not waiting.done():
            waiting.cancel()
            with suppress(asyncio.CancelledError, LockCycle):
                (await waiting).release()
            return None
        try:
            grant = waiting.result()
        except LockCycle as cycle:
            _log.warning("%s; retrying build %d", cycle, self._build.id)
            self._stop_all(Stop(Result.RETRY, cycle.reason))
            return None
        try:
            context.step = self._services.steps.step_got_locks(context.step)
            context.set_state(sentence)
        except BaseException:
            grant.release()
            raise
        return grant

    def _holder(self) -> LockHolder:
        return LockHolder(
            builder_name=self._assignment.builder_name,
            build_id=self._build.id,
            build_number=self._build.number,
            step_id=self._context.step.id,
            step_name=self._context.step.name,
            request_id=self._assignment.request_id,
        )

    def _show_wait(self, held: LockHeld) -> None:
        # Not every visitor who sees this step may see the holder.
        self._context.set_state(f"waiting for lock {held.lock}")

    async def _work(self) -> Result:
        work = self._services.tasks.spawn(
            self._told_to_end(), name=f"run step {self._context.step.name}"
        )
        await self._first_of(work)
        if not work.done():
            await self._end(work)
        result = work.result() if work.done() and not work.cancelled() else Result.CANCELLED
        return Result.RETRY if self.is_worker_lost else result

    async def _first_of(self, work: asyncio.Future[Result] | asyncio.Future[LockGrant]) -> None:
        """Wait until *work* is done or the step is stopped."""
        if self._stop is None:
            self._waiting = asyncio.get_running_loop().create_future()
            work.add_done_callback(self._wake)
            await self._waiting

    def _wake(self, _: object = None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _told_to_end(self) -> Result:
        """Run its code, and say at once that it has ended, not only when the task has."""
        try:
            return await self._guarded()
        finally:
            self._wake()

    async def _guarded(self) -> Result:
        try:
            value = await self._hosted.run(self._context)
        except WorkerLost:
            self._context.is_worker_lost = True
            return Result.RETRY
        except LogFailed as error:
            return self._log_failed(error)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            return await self._failed(error)
        result = as_result(value)
        if result is None:
            return await self._failed(TypeError(no_result(value)))
        return result

    async def _end(self, work: asyncio.Future[Result]) -> None:
        """Interrupt the step, then cancel it, then abandon it with a message."""
        assert self._stop is not None
        reason = self._stop.reason
        self._services.tasks.spawn(self._interrupt(reason), name="interrupt a step")
        await asyncio.wait((work,), timeout=self._services.grace + self._context.time_to_die())
        if work.done():
            return
        work.cancel()
        await asyncio.wait((work,), timeout=self._services.grace)
        if work.done():
            return
        message = (
            f"The step did not end within {self._services.grace:g} seconds after it was "
            "interrupted, nor after it was cancelled. It was abandoned; it may keep running in the "
            "master.\n"
        )
        _log.warning("step %s of build %d was abandoned", self._context.step.name, self._build.id)
        await self._logs.add_complete("abandoned", LogType.TEXT, message)

    async def _interrupt(self, reason: str) -> None:
        try:
            await self._hosted.interrupt(reason)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if not self._context.step.complete:
                await self._failed(error)

    def _result_when_stopped(self) -> Result:
        return self._stop.result if self._stop is not None else Result.CANCELLED

    async def _finish(self, result: Result) -> Result:
        if self._stop is not None and result is not Result.EXCEPTION and not self.is_worker_lost:
            result = self._stop.result
        try:
            await self._logs.end()
        except LogFailed as error:
            result = self._log_failed(error)
        result, hidden = await self._hidden(result)
        result, sentence = await self._last_sentences(result)
        if self._error is not None:
            said = self._sentence_of(self._error)
            self.part = BuildPart(words=said, named=said)
        context = self._context
        context.step = self._services.steps.finish_step(context.step, result, sentence, hidden)
        return result

    async def _sentence_now(self) -> tuple[str, Exception | None]:
        work = self._hosted.sentence(None)
        try:
            return await self._patience.answer("getCurrentSummary", work, then=0.0), None
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if isinstance(error, AnswerTimeout) and self._stop is not None:
                return "pending", None
            return "pending", error

    async def _hidden(self, result: Result) -> tuple[Result, bool]:
        try:
            hidden = await self._patience.answer("hideStepIf", self._hosted.is_hidden(result))
            return result, hidden
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            return await self._failed(error), False

    async def _last_sentences(self, result: Result) -> tuple[Result, str]:
        try:
            sentence = await self._patience.answer(
                "getResultSummary", self._hosted.sentence(result)
            )
            self.part = await self._patience.answer(
                "getBuildResultSummary", self._hosted.build_part(result, self.name)
            )
            result = self._hosted.result(result)
            if isinstance(self._error, Expected):
                sentence = self._services.redaction.text(str(self._error))
            if self._log_failure is not None:
                sentence = f"{sentence}: {self._log_failure}"
                self.part = BuildPart.of_step(self.name, sentence, self._log_failure, None)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            result, sentence = await self._failed(error), "finished (exception)"
        return result, sentence

    async def _failed(self, error: Exception) -> Result:
        before, self._error = self._error, self._error or error
        if before is not None and self._sentence_of(before) == self._sentence_of(error):
            return Result.EXCEPTION  # getCurrentSummary and getResultSummary, say, fail alike.
        if isinstance(error, NoLongerOurs):  # no fault of the step, which stops for that reason
            _log.debug("step %s: another master took over its build", self._hosted.name)
            return Result.EXCEPTION
        is_expected = isinstance(error, Expected)
        trace = "" if is_expected else self._services.redaction.text(log_text_of(error))
        _log.info("build %d: %s%s", self._build.id, self._sentence_of(error), trace)
        try:
            await self._logs.add_complete("err.text", LogType.TEXT, text_of(error))
            await self._logs.add_complete("err.html", LogType.HTML, html_of(error))
        except NoLongerOurs:
            _log.debug("step %s: another master took over its build", self._hosted.name)
        except Exception:  # noqa: BLE001 - a full disk, say: the build has to end all the same
            _log.exception("step %s of build %d: no log", self._hosted.name, self._build.id)
        return Result.EXCEPTION

    def _sentence_of(self, error: BaseException) -> str:
        return error_sentence(self.name, error, self._services.redaction.text)

    def _log_failed(self, error: LogFailed) -> Result:
        _log.warning("step %s of build %d: %s", self._hosted.name, self._build.id, error)
        self._log_failure = str(error)
        return Result.EXCEPTION
