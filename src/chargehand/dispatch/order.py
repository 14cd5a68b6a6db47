"""The order in which builders are served."""

from __future__ import annotations

import asyncio
import logging

from chargehand.config.model import Hook
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.domain.waiting import RefusedByFunction
from chargehand.kit.asking import AnswerTimeout, answer, place_of
from chargehand.kit.backoff import Backoff
from chargehand.kit.error_text import message_of
from chargehand.kit.guard import Guard, described

_log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that ``prioritizeBuilders`` may take: meanwhile nothing can start."""


class Order:
    """Orders builders by their oldest request, or by the user's ``prioritizeBuilders``.

    If that fails or times out, it orders by the oldest request, and retries after growing pauses.
    """

    def __init__(self) -> None:
        self._backoff = Backoff(first=1.0, longest=60.0)
        self._silence = Backoff(first=60.0, longest=600.0)

    def reset(self) -> None:
        """Reset the pause: the configuration changed."""
        self._backoff.reset()
        self._silence.reset()

    async def of(self, lines: list[BuilderLine], prioritize: Hook | None) -> list[BuilderLine]:
        """Return the builders with requests in order. Builders that the function omits are not
        served now.

        The function gets those of the builders that have no requests as well, at the end.
        """
        idle = [line for line in lines if not line.queue]
        lines = [line for line in lines if line.queue]
        if len(lines) > 1:
            lines.sort(key=lambda line: line.queue.first_rank())
        now = asyncio.get_running_loop().time()
        if prioritize is None or not lines or now < max(self._backoff.until, self._silence.until):
            return lines
        by_name = {line.config.name: line for line in lines}
        with Guard(self._failed):
            names: list[str] = await answer(
                prioritize([*by_name, *(line.config.name for line in idle)]),
                name="prioritizeBuilders",
                function=prioritize,
                within=_PATIENCE,
            )
            served = [by_name.pop(name) for name in names if name in by_name]
            self.reset()
            for omitted in by_name.values():
                omitted.block(_left_out(prioritize))
            return served
        return lines

    def _failed(self, error: Exception) -> None:
        is_silent = isinstance(error, AnswerTimeout)
        backoff = self._silence if is_silent else self._backoff
        pause = backoff.failed(asyncio.get_running_loop().time())
        _log.error(
            "prioritizeBuilders failed: %s; using the order of oldest requests, and calling it "
            "again in %g s at the earliest",
            message_of(error),
            pause,
            exc_info=None if is_silent else described(error),
        )


def _left_out(prioritize: Hook) -> RefusedByFunction:
    return RefusedByFunction(function="prioritizeBuilders", place=place_of(prioritize))
