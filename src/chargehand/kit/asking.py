"""Calls to users' code with a time limit, and errors that name the function."""

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
"""Seconds that a function of the configuration may take."""


_GRACE = 1.0
"""Seconds that cancelled code may take to clean up."""


class AnswerTimeout(Expected, TimeoutError):
    """A function timed out; the message names it."""


async def answer(
    work: Awaitable[_T],
    *,
    name: str,
    function: Callable[..., object] | None = None,
    within: float = ANSWER_SECONDS,
) -> _T:
    """Await a user's function, *within* seconds. Raises AnswerTimeout.

    It runs as its own task. When the time is up, or when the caller is cancelled, that task is
    cancelled, and abandoned if it ignores the cancellation.
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


def no_answer(name: str, function: object, within: float) -> AnswerTimeout:
    """Return the error for a function that takes too long."""
    place = place_of(function)
    where = f" ({place})" if place else ""
    return AnswerTimeout(f"{name}{where} did not answer within {within:g} s")


def place_of(function: object) -> str:
    """Return ``file:line`` of users' code, relative to the working directory; "" if
    unknown."""
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
    """Retrieve a late failure, after the caller stopped waiting."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.debug("%s failed: %r", task.get_name(), error)
