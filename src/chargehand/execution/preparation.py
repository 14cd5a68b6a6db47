"""The step before all others: is the worker there, and has it the build's directory?"""

from __future__ import annotations

import asyncio
import logging

from chargehand.domain.build import Build, LogType, Step
from chargehand.domain.result import Result
from chargehand.domain.session import CommandRefused, Session, WorkerLost
from chargehand.execution.failure_text import html_of, text_of
from chargehand.execution.means import Means
from chargehand.execution.rules import slug_of
from chargehand.logs.segments import segment_of

_log = logging.getLogger(__name__)

_NAME = "worker_preparation"


class Preparation:
    """Step number 0 of every build, as Buildbot's users know it."""

    def __init__(self, *, build: Build, session: Session, builddir: str, means: Means) -> None:
        self._build = build
        self._session = session
        self._builddir = builddir
        self._means = means
        self._stopped = asyncio.Event()

    async def run(self) -> bool:
        """Prepare the worker, and return whether it is ready."""
        name = self._session.worker_name
        step = await self._begin()
        try:
            if not await self._prepared():
                await self._end(step, Result.CANCELLED, f"worker {name} not waited for")
                return False
        except (WorkerLost, CommandRefused, OSError) as error:
            _log.warning("worker %s is not ready for build %d: %s", name, self._build.id, error)
            await self._end(step, Result.RETRY, f"worker {name} not ready: {error}".rstrip(": "))
            return False
        await self._end(step, Result.SUCCESS, f"worker {name} ready")
        return True

    def stop(self) -> None:
        """Wait no longer for the worker."""
        self._stopped.set()

    async def _prepared(self) -> bool:
        work = asyncio.ensure_future(self._session.prepare([self._builddir]))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            return work.done()
        finally:
            stopped.cancel()
            work.cancel()

    async def fail(self, error: Exception) -> None:
        """Record that the builder's plan itself failed."""
        step = await self._begin()
        await self._tell(step, "err.text", LogType.TEXT, text_of(error))
        await self._tell(step, "err.html", LogType.HTML, html_of(error))
        await self._end(step, Result.EXCEPTION, "the builder's steps could not be made")

    async def _begin(self) -> Step:
        return await self._means.steps.add_step(
            self._build.id, _NAME, "preparing worker", started=True
        )

    async def _end(self, step: Step, result: Result, sentence: str) -> None:
        await self._means.steps.finish_step(step, result, sentence, False)

    async def _tell(self, step: Step, name: str, kind: LogType, text: str) -> None:
        log = await self._means.logs.open(step.id, name, slug_of(name), kind)
        data = text.encode("utf-8", "backslashreplace")
        await self._means.logs.append(log.id, segment_of(data))
        await self._means.logs.finish(log.id)
