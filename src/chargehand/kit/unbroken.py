"""Work that is not given up while a thread does a part of it.

A cancelled coroutine ends at once, and a thread that it waits for goes on: what the thread makes
then is known to nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent import futures
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_TURNS = 10
"""Turns of the loop within which a coroutine learns what a thread has returned."""

_ISOLATED: Any = getattr(futures, "InterpreterPoolExecutor", ())
"""Executors whose threads share no objects with the loop, where Python has them."""

_current: ContextVar[Unbroken[Any] | None] = ContextVar("_current", default=None)


class GivenUp(Exception):
    """The time is up. It is no TimeoutError, which the work may raise itself."""


class Unbroken(Generic[_T]):
    """Runs *work* as a task of its own; it knows of the threads that the loop runs for it."""

    def __init__(self, work: Coroutine[Any, Any, _T], *, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._parts: set[asyncio.Future[None]] = set()
        """Done when a thread has done its part."""
        self._giving_up: asyncio.Task[None] | None = None
        token = _current.set(self)
        try:
            self._task = self._loop.create_task(work, name=name)
        finally:
            _current.reset(token)

    async def outcome(self, seconds: float) -> _T:
        """Return what the work returns. Raises GivenUp after so many seconds.

        Then, or when the caller is cancelled, the work is given up: it is cancelled once no thread
        works for it, so that it learns what a thread has made.
        """
        try:
            await asyncio.wait((self._task,), timeout=seconds)
        finally:
            if not self._task.done():
                self._giving_up = self._loop.create_task(self._give_up(), name="give up")
        if not self._task.done():
            raise GivenUp
        return self._task.result()

    async def ended(self) -> None:
        """Wait until nothing is done any more, in threads either."""
        if self._giving_up is not None:
            await asyncio.wait((self._giving_up,))
        if not self._has_succeeded:
            await self._without_threads()

    @property
    def is_over(self) -> bool:
        """Whether nothing is done any more."""
        return self._has_succeeded or (self._task.done() and not self._parts)

    @property
    def is_at_work(self) -> bool:
        """Whether it has not ended: what threads begin for it later is not its own part."""
        return not self._task.done()

    @property
    def _has_succeeded(self) -> bool:
        """Whether it has returned; threads that it has left at work are none of its parts."""
        task = self._task
        return task.done() and not task.cancelled() and task.exception() is None

    def part(self) -> Callable[[], None]:
        """Note that a thread begins; return what is called, in any thread, at its end."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._parts.add(future)

        def end() -> None:
            self._parts.discard(future)
            if not future.done():
                future.set_result(None)

        def ended() -> None:
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                self._loop.call_soon_threadsafe(end)

        return ended

    async def _give_up(self) -> None:
        await self._without_threads()
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()  # Mark it as retrieved: nobody asks for it any more.

    async def _without_threads(self) -> None:
        while self._parts:
            await asyncio.wait(self._parts)
            for _ in range(_TURNS):
                await asyncio.sleep(0)


class _Call(Generic[_T]):
    """What a thread of an executor calls instead of *function*.

    The part that it is ends when the thread has done it and the loop has its result.
    """

    def __init__(self, function: Callable[[], _T], end: Callable[[], None]) -> None:
        self._function = function
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._begun = threading.Lock()
        """Taken by the first of the two that asks, and never released."""
        self._has_run = False
        self._is_left = False

    def __call__(self) -> _T:
        """Call the function, unless it was cancelled while it waited for a thread."""
        if not self._begun.acquire(blocking=False):
            raise RuntimeError("the function was cancelled before it began")
        try:
            return self._function()
        finally:
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                self._loop.call_soon_threadsafe(self._ran)

    def left(self, _: asyncio.Future[_T]) -> None:
        """The future has the result, or nobody waits for it any more."""
        self._is_left = True
        # Whatever has not begun by now never does: it was cancelled, or its executor is broken.
        self._has_run |= self._begun.acquire(blocking=False)
        self._look()

    def _ran(self) -> None:
        self._has_run = True
        self._look()

    def _look(self) -> None:
        if self._has_run and self._is_left:
            self._end()


def begun() -> Callable[[], None] | None:
    """Note that the work that runs here begins a thread; return what is called at its end.

    Returns None if nobody has to know.
    """
    work = _current.get()
    return work.part() if work is not None and work.is_at_work else None


class NotingLoop(asyncio.SelectorEventLoop):
    """A loop that lets `Unbroken` know what it does in threads."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Call a function in a thread, or in what another executor has."""
        if (end := begun()) is None:
            return super().run_in_executor(executor, func, *args)
        has_threads = executor is None or isinstance(executor, futures.ThreadPoolExecutor)
        try:
            if has_threads and not isinstance(executor, _ISOLATED):
                call = _Call(partial(func, *args), end)
                future = super().run_in_executor(executor, call)
                future.add_done_callback(call.left)
            else:  # What is called must be what was given: it is sent to where it runs.
                future = super().run_in_executor(executor, func, *args)
                future.add_done_callback(lambda _: end())
        except BaseException:
            end()
            raise
        return future
