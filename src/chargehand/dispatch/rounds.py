"""Serves builders in turn, without waiting for slow users' functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Never

from chargehand.config.model import MasterConfig
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.domain.identifiers import BuilderId
from chargehand.domain.waiting import FunctionFailed
from chargehand.kit.tasks import Tasks

_AT_ONCE = 0.1
"""Seconds in which a round waits for functions, so that builders are served in order. Slower
functions run in parallel with the other builders, also the next time."""

_KEEPS_PLACES = 5.0
"""Seconds for which a builder keeps its places in line for locks while its functions run."""


class Rounds:
    """Serves builders one after the other, and each one only once at a time.

    A builder whose functions fail pauses for a while (`BuilderLine.backoff`).
    """

    def __init__(
        self,
        *,
        tasks: Tasks,
        look: Callable[[BuilderLine, set[str]], Coroutine[object, Never, None]],
        look_at: Callable[[Collection[BuilderId]], None],
    ) -> None:
        self._tasks = tasks
        self._look = look
        self._look_at = look_at
        self._config: MasterConfig | None = None
        self._choosy: frozenset[str] = frozenset()
        """Workers whose machines may be unfit for a build: their functions are asked."""

    async def serve(self, lines: Sequence[BuilderLine], config: MasterConfig) -> None:
        """Start builds of these builders where possible."""
        if config is not self._config:
            self._config, self._choosy = config, _choosy_workers(config)
        loop = asyncio.get_running_loop()
        full: set[str] = set()
        patience = loop.time() + _AT_ONCE
        for line in lines:
            if not _asks_functions(line, config, self._choosy):
                await self._look(line, full)
            elif line.asking is not None:
                line.is_to_be_asked_again = True
            elif loop.time() >= line.backoff.until:
                await self._ask(line, max(0.0, patience - loop.time()))

    async def _ask(self, line: BuilderLine, patience: float) -> None:
        line.is_to_be_asked_again = False
        asking = self._tasks.spawn(
            self._look(line, set()), name=f"functions of builder {line.config.name}"
        )
        line.asking = asking
        loop = asyncio.get_running_loop()
        leaving = loop.call_later(_KEEPS_PLACES, line.leave_lines)

        def answered(_: object) -> None:
            leaving.cancel()
            self._answered(line, asking)

        asking.add_done_callback(answered)
        if not line.is_slow or patience == 0.0:
            await asyncio.wait((asking,), timeout=patience)
            line.is_slow = not asking.done()

    def _answered(self, line: BuilderLine, asking: asyncio.Task[None]) -> None:
        if line.asking is not asking:
            return  # It was abandoned: the configuration changed.
        line.asking = None
        if isinstance(line.blocked, FunctionFailed):
            line.leave_lines()
            loop = asyncio.get_running_loop()
            loop.call_later(line.backoff.failed(loop.time()), self._look_at, [line.id])
            return
        line.backoff.reset()
        if line.is_to_be_asked_again:
            self._look_at([line.id])


def _choosy_workers(config: MasterConfig) -> frozenset[str]:
    return frozenset(
        worker.name
        for worker in config.workers
        if worker.instance is not None and worker.instance.may_be_incompatible
    )


def _asks_functions(line: BuilderLine, config: MasterConfig, choosy: frozenset[str]) -> bool:
    builder = line.config
    return (
        builder.next_build is not None
        or builder.next_worker is not None
        or builder.can_start_build is not None
        or callable(builder.locks)
        or config.select_next_worker is not None
        or (bool(choosy) and not choosy.isdisjoint(builder.worker_names))
    )
