"""Asking users' code: it has a time to answer, and is named when it takes longer."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chargehand.kit.expected import Expected

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
"""How long a function of the configuration may take to answer."""


_GRACE = 1.0
"""Seconds to clean up for what is cancelled."""


class NoAnswer(Expected, TimeoutError):
    """A function did not answer in time; the message names it."""


async def answer(
    work: Awaitable[_T],
    *,
    name: str,
    function: Callable[..., object] | None = None,
    within: float = ANSWER_SECONDS,
) -> _T:
    """Await what a function of users does, *within* seconds. Raises NoAnswer.

    It runs as a task of its own. When the time is over, or when whoever asks is cancelled, that
    task is cancelled, and not waited for if it ignores that.
    """
    task = asyncio.get_running_loop().create_task(_awaited(work), name=f"answer of {name}")
    task.add_done_callback(_heard)
    try:
        await asyncio.wait((task,), timeout=within)
        is_late = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=_GRACE)
    if is_late:
        raise no_answer(name, function, within)
    return task.result()


def no_answer(name: str, function: object, within: float) -> NoAnswer:
    """Return the error that names a function that takes too long."""
    place = place_of(function)
    where = f" ({place})" if place else ""
    return NoAnswer(f"{name}{where} did not answer within {within:g} s")


def place_of(function: object) -> str:
    """Return ``file:line`` of what the user wrote, relative to where the master runs; "" where
    that cannot be told."""
    function = inspect.unwrap(function) if callable(function) else function
    function = getattr(function, "func", function)  # partial
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        code = getattr(inspect.getattr_static(function, "__call__", None), "__code__", None)
    if code is None or code.co_filename.startswith("<"):
        return ""
    file = os.path.relpath(code.co_filename)
    return f"{code.co_filename if file.startswith('..') else file}:{code.co_firstlineno}"


async def _awaited(work: Awaitable[_T]) -> _T:
    return await work


def _heard(task: asyncio.Task[object]) -> None:
    """Take note of a failure that may come when nobody waits any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.debug("%s failed: %r", task.get_name(), error)
