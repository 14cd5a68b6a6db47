"""In which order builders are served."""

from __future__ import annotations

import logging

from chargehand.config.model import Hook
from chargehand.dispatch.attempt import PATIENCE
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.kit.guard import guarded
from chargehand.kit.limits import time_limit

_log = logging.getLogger(__name__)


async def in_order(lines: list[BuilderLine], prioritize: Hook | None) -> list[BuilderLine]:
    """Return builders that have work as *prioritize* wants them, or by their oldest request.

    Those that the user's function leaves out are not served now.
    """
    if len(lines) > 1:
        lines = sorted(lines, key=lambda line: line.queue.first_rank())
    if prioritize is not None and lines:
        by_name = {line.config.name: line for line in lines}
        with guarded(_log, "prioritizeBuilders failed; builders go by their oldest request"):
            async with time_limit(PATIENCE):
                names = await prioritize(list(by_name))
            return [by_name[name] for name in names if name in by_name]
    return lines
