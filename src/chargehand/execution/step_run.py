"""Running one step: its locks, its record, its end, whatever its code does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from chargehand.domain.build import Build, Log, LogType, Segment, Step, StepUrl
from chargehand.domain.command import Command, CommandUpdate
from chargehand.domain.lock import LockAccess, LockHolder
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.session import WorkerLost
from chargehand.execution.failure_text import html_of, text_of
from chargehand.execution.means import Means
from chargehand.execution.ports import (
    Assignment,
    HostedStep,
    LockGrant,
    LogFailed,
)
from chargehand.execution.rules import as_result, slug_of
from chargehand.logs.limits import LimitedLog
from chargehand.logs.segments import segment_of

_log = logging.getLogger(__name__)


class Stop(Exception):
    """The build is to end: with which result, and why."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


class StepRun:
    """One step on its way; what it offers to the step's code is `StepRuntime`."""

    step: Step

    def __init__(
        self,
        *,
        hosted: HostedStep,
        build: Build,
        assignment: Assignment,
        builddir: str,
        means: Means,
        stop_all: Callable[[Stop], None],
    ) -> None:
        self._hosted = hosted
        self._build = build
        self._assignment = assignment
        self._builddir = builddir
        self._means = means
        self._stop_all = stop_all
        self._turn = asyncio.Lock()
        """Held while the step's record changes: each change builds on the one before."""
        self._limits: dict[int, LimitedLog] = {}
        self._open_logs: dict[int, Log] = {}
        self._log_failure: str | None = None
        self._commands: dict[str, Command] = {}
        self._stop: Stop | None = None
        self._stopped = asyncio.Event()
        self._asking: asyncio.Timeout | None = None
        """Set while users' functions are asked whether the step is wanted."""
        self.is_worker_lost = False
        """Whether the worker went away while one of its commands ran."""
        self.build_sentence: str | None = None
        """What it contributes to the build's state sentence, once it has run."""
        self._sentence: str | None = None
        self.seconds_waited = 0.0
        """How long it waited for its locks."""

    async def run(self) -> Result:
        """Run the step to its end, record it, and return its result. Never raises for the step."""
        wanted, locks, error = await self._prepare()
        result: Result
        runs = wanted and error is None
        waits = bool(locks) and runs
        self._sentence = await self._sentence_now()
        self.step = await self._means.steps.add_step(
            self._build.id, self._hosted.name, self._sentence, started=runs and not waits
        )
        if not runs:
            self.step = await self._means.steps.start_step(self.step, locks_acquired=False)
        grant: LockGrant | None = None
        try:
            if error is not None:
                result = await self._failed(error)
            elif not wanted:
                result = Result.SKIPPED
            elif self._stop is not None:
                result = self._stop.result
            elif waits and (grant := await self._acquire(locks)) is None:
                result = self._result_when_stopped()
            else:
                result = await self._work()
        finally:
            if grant is not None:
                grant.release()
        return await self._finish(result)

    def stop(self, stop: Stop) -> None:
        """Make `run` end soon; the first stop counts."""
        if self._stop is None:
            self._stop = stop
            self._stopped.set()
            if self._asking is not None:
                self._asking.reschedule(asyncio.get_running_loop().time())

    async def _prepare(self) -> tuple[bool, tuple[LockAccess, ...], Exception | None]:
        asking = asyncio.timeout(None)
        try:
            async with asking:
                self._asking = asking
                wanted = await self._hosted.is_wanted()
                locks = await self._hosted.locks() if wanted else ()
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if asking.expired():  # The build was stopped; it does not wait for the answer.
                return True, (), None
            return False, (), error
        finally:
            self._asking = None
        held = {access.lock.name for access in self._assignment.locks}
        if twice := [access.lock.name for access in locks if access.lock.name in held]:
            message = f"lock {twice[0]!r} is claimed by both the builder and this step"
            return False, (), RuntimeError(message)
        return wanted, locks, None

    async def _acquire(self, locks: tuple[LockAccess, ...]) -> LockGrant | None:
        self.step = await self._means.steps.start_step(self.step, locks_acquired=False)
        loop = asyncio.get_running_loop()
        began = loop.time()
        holder = LockHolder(
            builder_name=self._assignment.builder_name,
            build_id=self._build.id,
            build_number=self._build.number,
            step_id=self.step.id,
            step_name=self.step.name,
        )
        waiting = asyncio.ensure_future(
            self._means.locks.acquire(locks, self._assignment.worker_name, holder)
        )
        await self._first_of(waiting)
        self.seconds_waited = loop.time() - began
        if not waiting.done():
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                (await waiting).release()
            return None
        grant = waiting.result()
        try:
            self.step = await self._means.steps.step_got_locks(self.step)
        except BaseException:
            grant.release()
            raise
        return grant

    async def _work(self) -> Result:
        work = self._means.tasks.spawn(self._guarded(), name=f"run step {self.step.name}")
        await self._first_of(work)
        if not work.done():
            await self._end(work)
        result = work.result() if work.done() and not work.cancelled() else Result.CANCELLED
        return Result.RETRY if self.is_worker_lost else result

    async def _first_of(self, work: asyncio.Future[Any]) -> None:
        if self._stopped.is_set():
            return
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()

    async def _guarded(self) -> Result:
        try:
            value = await self._hosted.run(self)
        except WorkerLost:
            self.is_worker_lost = True
            return Result.RETRY
        except LogFailed as error:
            _log.warning("step %s of build %d: %s", self._hosted.name, self._build.id, error)
            self._log_failure = str(error)
            return Result.EXCEPTION
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            return await self._failed(error)
        result = as_result(value)
        if result is None:
            message = (
                f"the step's run() returned {value!r}; it must return a result such as SUCCESS"
            )
            return await self._failed(TypeError(message))
        return result

    async def _end(self, work: asyncio.Future[Result]) -> None:
        """Interrupt the step; then cancel it; then leave it alone, and say so."""
        assert self._stop is not None
        reason = self._stop.reason
        self._means.tasks.spawn(self._interrupt(reason), name="interrupt a step")
        await asyncio.wait((work,), timeout=self._means.grace + self._time_to_die())
        if work.done():
            return
        work.cancel()
        await asyncio.wait((work,), timeout=self._means.grace)
        if work.done():
            return
        message = (
            f"The step did not end within {self._means.grace:g} seconds after it was interrupted, "
            "nor after it was cancelled. It was abandoned, and may go on in the master.\n"
        )
        _log.warning("step %s of build %d was abandoned", self.step.name, self._build.id)
        await self._complete_log("abandoned", LogType.TEXT, message)

    async def _interrupt(self, reason: str) -> None:
        try:
            await self._hosted.interrupt(reason)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            if not self.step.complete:
                await self._failed(error)

    def _time_to_die(self) -> float:
        times = [command.arguments.get("sigtermTime") for command in self._commands.values()]
        return max((time for time in times if isinstance(time, int | float)), default=0.0)

    def _result_when_stopped(self) -> Result:
        return self._stop.result if self._stop is not None else Result.CANCELLED

    async def _finish(self, result: Result) -> Result:
        if self._stop is not None and result is not Result.EXCEPTION and not self.is_worker_lost:
            result = self._stop.result
        for log in list(self._open_logs.values()):
            await self._means.logs.finish(log.id)
        result, hidden = await self._hidden(result)
        result, sentence = await self._last_sentences(result)
        async with self._turn:
            self.step = await self._means.steps.finish_step(self.step, result, sentence, hidden)
        return result

    async def _sentence_now(self) -> str:
        try:
            return await self._hosted.sentence(None)
        except Exception:  # noqa: BLE001 - the guard around extension code; it shows at the end
            return "pending"

    async def _hidden(self, result: Result) -> tuple[Result, bool]:
        try:
            return result, await self._hosted.is_hidden(result)
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            return await self._failed(error), False

    async def _last_sentences(self, result: Result) -> tuple[Result, str]:
        try:
            sentence = await self._hosted.sentence(result)
            self.build_sentence = await self._hosted.build_sentence(result)
            if self._log_failure is not None:
                sentence = self.build_sentence = f"{sentence}: {self._log_failure}"
        except Exception as error:  # noqa: BLE001 - the guard around extension code
            result, sentence = await self._failed(error), "finished (exception)"
            self.build_sentence = sentence
        return result, sentence

    async def _failed(self, error: Exception) -> Result:
        _log.info("step %s of build %d: %r", self._hosted.name, self._build.id, error)
        try:
            await self._complete_log("err.text", LogType.TEXT, text_of(error))
            await self._complete_log("err.html", LogType.HTML, html_of(error))
        except Exception:  # noqa: BLE001 - a full disk, say: the build has to end all the same
            _log.exception("step %s of build %d: no log", self._hosted.name, self._build.id)
        return Result.EXCEPTION

    async def _complete_log(self, name: str, kind: LogType, text: str) -> None:
        log = await self.open_log(name, kind)
        await self.append_log(log, segment_of(text.encode("utf-8", "backslashreplace")))
        await self.finish_log(log)

    # What the step's code may use: StepRuntime.

    async def run_command(
        self, command: Command, receive: Callable[[CommandUpdate], Awaitable[None]]
    ) -> None:
        """Run a command on the worker. Raises WorkerLost, CommandRefused."""
        self._commands[command.id] = command
        try:
            there = msgspec.structs.replace(
                command, builddir=self._builddir, arguments=self._arguments(command)
            )
            await self._assignment.session.run(there, receive)
        except WorkerLost:
            self.is_worker_lost = True
            raise
        finally:
            del self._commands[command.id]

    def _arguments(self, command: Command) -> Mapping[str, Any]:
        encoding = self._means.log_config.encoding
        if command.name != "shell" or encoding == "utf-8":
            return command.arguments
        return {"encoding": encoding, **command.arguments}

    async def interrupt_command(self, command: Command, reason: str) -> None:
        """Kill a command that runs."""
        if command.id in self._commands:
            await self._assignment.session.interrupt(command, reason)

    async def open_log(self, name: str, kind: LogType) -> Log:
        """Open a log of this step."""
        log = await self._means.logs.open(self.step.id, name, slug_of(name), kind)
        self._open_logs[log.id] = log
        kept = self._means.log_config
        if kept.max_size is not None:
            self._limits[log.id] = LimitedLog(kind, kept.max_size, kept.max_tail_size)
        return log

    async def append_log(self, log: Log, segment: Segment) -> None:
        """Append durably, as far as the limits allow."""
        limit = self._limits.get(log.id)
        admitted = segment if limit is None else limit.admit(segment)
        if admitted is not None:
            await self._means.logs.append(log.id, admitted)

    async def finish_log(self, log: Log) -> None:
        """No more will come."""
        limit = self._limits.pop(log.id, None)
        if limit is not None and (rest := limit.rest()) is not None:
            await self._means.logs.append(log.id, rest)
        await self._means.logs.finish(log.id)
        self._open_logs.pop(log.id, None)

    async def read_log(self, log: Log) -> bytes:
        """Return all its lines, with channel letters."""
        return await self._means.logs.read_lines(log.id, 0, None)

    async def set_state(self, sentence: str) -> None:
        """Show what the step is doing; equal sentences are not written twice."""
        if sentence != self._sentence:
            self._sentence = sentence
            async with self._turn:
                self.step = await self._means.steps.set_step_state(self.step, sentence)

    async def add_url(self, name: str, url: str) -> None:
        """Show a link."""
        async with self._turn:
            self.step = await self._means.steps.add_step_url(self.step, StepUrl(name, url))

    async def set_build_properties(self, properties: Mapping[str, Property]) -> None:
        """Record properties of the build."""
        await self._means.builds.set_build_properties(self._build.id, properties)

    def stop_build(self, reason: str, result: Result) -> None:
        """Let the build end soon, this step included."""
        self._stop_all(Stop(result, reason))
