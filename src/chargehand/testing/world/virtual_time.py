"""A loop whose time jumps to the next timer as soon as nothing else is left to do.

Time stands still while anything outside the loop is at work for it: a thread of an executor, or a
child process. So what happens in between happens at one moment of virtual time, however long it
really takes, and an hour of waiting takes none.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack

from chargehand.kit.unbroken import NotingLoop

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")
P = TypeVar("P", bound=asyncio.BaseProtocol)
Ts = TypeVarTuple("Ts")

_LOOK_AGAIN_SECONDS = 0.05
"""How long, really, the loop sleeps at most while it waits for what is outside."""
_BEGINNING = 1_767_225_600.0
"""The first of January 2026: when every world begins."""


class VirtualTimeLoop(NotingLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._outside = 0
        self._children: list[asyncio.SubprocessTransport] = []
        self._waiting_for_rest: list[asyncio.Future[None]] = []
        self._waiting_for_time: list[asyncio.Future[None]] = []
        super().__init__(_JumpingSelector(self._pass_time))

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now

    async def at_rest(self) -> None:
        """Wait until nothing is left to do at this moment of virtual time."""
        await self._appended_to(self._waiting_for_rest)

    async def time_passed(self) -> None:
        """Wait until virtual time has gone on to the next timer."""
        await self._appended_to(self._waiting_for_time)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; meanwhile time stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    async def subprocess_exec(
        self, protocol_factory: Callable[[], P], program: Any, *args: Any, **options: Any
    ) -> tuple[asyncio.SubprocessTransport, P]:
        """Start a program; time stands still until it has ended."""
        started = await super().subprocess_exec(protocol_factory, program, *args, **options)
        self._children.append(started[0])
        return started

    def _appended_to(self, waiting: list[asyncio.Future[None]]) -> asyncio.Future[None]:
        future = self.create_future()
        waiting.append(future)
        return future

    def _came_back(self, _: object) -> None:
        self._outside -= 1

    def _is_waiting_for_outside(self) -> bool:
        self._children = [child for child in self._children if child.get_returncode() is None]
        return bool(self._outside or self._children)

    def _pass_time(self, seconds: float | None) -> float:
        """Nothing is ready: let time go on, and return how long to really wait for events."""
        if self._is_waiting_for_outside():
            return _LOOK_AGAIN_SECONDS
        if self._wake(self._waiting_for_rest):
            return 0.0
        if seconds is None:
            return _LOOK_AGAIN_SECONDS  # only somebody outside can still wake us
        self._now += seconds
        self._wake(self._waiting_for_time)
        return 0.0

    @staticmethod
    def _wake(waiting: list[asyncio.Future[None]]) -> bool:
        futures, waiting[:] = waiting[:], []
        for future in futures:
            if not future.done():
                future.set_result(None)
        return bool(futures)


class _JumpingSelector(selectors.BaseSelector):
    """Asks what to do instead of waiting."""

    def __init__(self, pass_time: Callable[[float | None], float]) -> None:
        self._real = selectors.DefaultSelector()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where nothing is and the loop would wait, let time pass."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return self._real.select(self._pass_time(timeout))

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch a file."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        """Watch it no more."""
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch it for something else."""
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        """Give up what the operating system keeps for us."""
        self._real.close()

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        """Return what is watched."""
        return self._real.get_map()


class VirtualClock:
    """The time of day that goes with a loop in virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = _BEGINNING - loop.time()

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """Return the same time as seconds since 1970."""
        return self._began + self._loop.time()

    def set(self, by: float) -> None:
        """Set the time of day so many seconds forward, or back; loop time is not changed."""
        self._began += by
