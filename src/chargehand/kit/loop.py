"""Running a loop that users' code cannot end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Coroutine
from typing import Any, Never, TypeVar

from chargehand.kit.error_text import headline_of
from chargehand.kit.limits import time_limit
from chargehand.kit.selecting import Selector
from chargehand.kit.unbroken import NotingLoop

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds that remaining tasks and threads get to end."""


class _Loop(NotingLoop):
    time = staticmethod(time.monotonic)
    """The same as asyncio's, which calls it for each turn and for each look at the clock."""


def run(work: Coroutine[object, Never, _T]) -> _T:
    """Run *work* in a loop of its own to its end, as `asyncio.run` does.

    asyncio stops the loop when a callback raises SystemExit or KeyboardInterrupt. Here the loop
    resumes: such an exception in users' code, for example in a timer, ends only that callback.
    Ctrl-C still ends the loop, unless the loop has a handler for it.

    Finally, tasks and threads that do not end are logged and abandoned.
    """
    runner = asyncio.Runner(loop_factory=lambda: _Loop(Selector()))
    loop = runner.get_loop()
    task = loop.create_task(work, name="main")
    try:
        return _until_done(runner, task)
    finally:
        _clean_up(loop)
        asyncio.set_event_loop(None)
        loop.close()
        _join_threads()


def _until_done(runner: asyncio.Runner, task: asyncio.Task[_T]) -> _T:
    while True:
        try:
            return runner.run(_outcome_of(task))
        except (SystemExit, KeyboardInterrupt) as error:
            if task.done():
                task.cancelled() or task.exception()  # Mark it as retrieved: it is raised here.
                raise
            if _is_from_terminal(error):
                raise
            _log.error(
                "a callback raised %s; the master keeps running",
                headline_of(error),
                exc_info=error,
            )


def _clean_up(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left, also when one of its callbacks raises SystemExit meanwhile."""
    task = loop.create_task(_abandon(asyncio.all_tasks(loop)), name="clean up")
    while not task.done():
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            if _is_from_terminal(error):
                task.cancel()
                raise


async def _abandon(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel these tasks, which may ignore it."""
    for task in tasks:
        task.cancel()
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in left:
            _log.warning("task %s is not ending; abandoning it", task.get_name())
    with contextlib.suppress(TimeoutError):
        async with time_limit(_PATIENCE):
            await asyncio.get_running_loop().shutdown_asyncgens()


def _join_threads() -> None:
    """Wait for the loop's thread pool to end, but not for threads that never return."""
    deadline = time.monotonic() + _PATIENCE
    for thread in threading.enumerate():
        if thread.name.startswith("asyncio_"):
            thread.join(max(0.0, deadline - time.monotonic()))


def stuck_threads() -> list[str]:
    """Return the names of threads that prevent the process from exiting."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]


async def _outcome_of(task: asyncio.Task[_T]) -> _T:
    return await task


def _is_from_terminal(error: BaseException) -> bool:
    """Return whether the exception came from Ctrl-C, without a handler of the loop."""
    handler = signal.getsignal(signal.SIGINT)
    return isinstance(error, KeyboardInterrupt) and handler is signal.default_int_handler
