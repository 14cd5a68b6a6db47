"""Running a loop that users' code cannot end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Never, TypeVar

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


def run(work: Coroutine[object, Never, _T]) -> _T:
    """Run *work* in a loop of its own to its end, as `asyncio.run` does.

    asyncio lets SystemExit and KeyboardInterrupt out of whatever callback raises them, and stops.
    Here the loop resumes: a callback of users' code, a timer say, ends nothing but itself. Ctrl-C
    still ends it, unless the loop has a handler for it.
    """
    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(work, name="main")
        while True:
            try:
                return runner.run(_outcome_of(task))
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done():
                    task.exception()  # It is raised here, and not to be reported as lost.
                    raise
                if _is_from_terminal(error):
                    raise
                _log.error(
                    "a callback raised %s, which does not end the master",
                    f"{type(error).__name__}: {error}".removesuffix(": "),
                    exc_info=error,
                )


async def _outcome_of(task: asyncio.Task[_T]) -> _T:
    return await task


def _is_from_terminal(error: BaseException) -> bool:
    """Return whether Ctrl-C was pressed. A handler of the loop would have heard of it."""
    handler = signal.getsignal(signal.SIGINT)
    return isinstance(error, KeyboardInterrupt) and handler is signal.default_int_handler
