"""What waits to be sent, and the one policy for receivers that do not take it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from chargehand.kit.error_text import headline_of, message_of, raised_by
from chargehand.kit.guard import Guard
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_SECONDS = 10.0
"""The wait after the first failure; each further one is twice as long."""
LONGEST_SECONDS = 600.0
"""The longest wait."""
MOST_TRIES = 24
"""Tries for what the receiver answers and does not take: some three and a half hours."""
MOST_WAITING = 1_000
"""How much waits at most; then the oldest is given up."""

_MOST_TITLES = 10


class Unavailable(Exception):
    """The receiver cannot be reached: everything waits until it can be."""


class NotNow(Exception):
    """The receiver does not accept this now; other messages are still sent."""


class Refused(Exception):
    """The receiver will never take this."""


class Entry(msgspec.Struct, Generic[T]):
    """Something to send; ``title`` names it in the log."""

    title: str
    content: T
    tries: int = 0
    due: float = 0.0


class Outbox(Generic[T]):
    """Sends one thing after the other, in the background.

    *send* raises Unavailable, NotNow or Refused; any other exception counts as Refused. What is
    given up is named in the log, with the reason; *advice* says what the reader can do.
    """

    def __init__(
        self,
        *,
        owner: str,
        send: Callable[[T], Awaitable[None]],
        advice: str,
        keeps_order: bool = False,
        entries: Iterable[Entry[T]] = (),
    ) -> None:
        self._owner = owner
        self._send = send
        self._advice = advice
        self._keeps_order = keeps_order
        self._entries: deque[Entry[T]] = deque(entries)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._failures = 0
        self._tasks = Tasks(owner)
        self._tasks.spawn(self._work(), name="outbox")

    @property
    def waiting(self) -> int:
        """How many things have not been sent."""
        return len(self._entries)

    def put(self, title: str, content: T) -> None:
        """Send something soon."""
        if len(self._entries) >= MOST_WAITING:
            oldest = self._entries.popleft()
            _log.error(
                "%s gave up %s: %d more are waiting to be sent",
                self._owner,
                oldest.title,
                len(self._entries),
            )
        self._entries.append(Entry(title, content))
        self._idle.clear()
        self._news.set()

    async def close(self, *, patience: float) -> list[Entry[T]]:
        """Send what waits, within *patience* seconds; what remains is named in the log, and
        returned."""
        try:
            async with asyncio.timeout(0 if self._failures else patience):
                await self._idle.wait()
        except TimeoutError:
            pass
        await self._tasks.close(patience=2.0)
        if self._entries:
            _log.error(
                "%s stopped with %d unsent: %s. A reporter of this name sends them if it is "
                "configured while this master runs",
                self._owner,
                len(self._entries),
                self._titles(),
            )
        for entry in self._entries:
            entry.tries, entry.due = 0, 0.0
        return list(self._entries)

    def _titles(self) -> str:
        shown = [entry.title for entry in list(self._entries)[:_MOST_TITLES]]
        more = len(self._entries) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            entry = self._next()
            if entry is None:
                self._idle.set()
                self._news.clear()
                await self._news.wait()
                continue
            delay = entry.due - loop.time()
            if delay > 0:
                self._news.clear()
                try:
                    async with asyncio.timeout(delay):
                        await self._news.wait()
                except TimeoutError:
                    pass
                continue
            await self._try(entry)

    def _next(self) -> Entry[T] | None:
        """Return what is to be sent next."""
        if not self._entries:
            return None
        return self._entries[0] if self._keeps_order else min(self._entries, key=lambda e: e.due)

    async def _try(self, entry: Entry[T]) -> None:
        guard = Guard(lambda _: None)
        entry.tries += 1
        with guard:
            await self._send(entry.content)
        match guard.failure:
            case None:
                self._finish(entry)
                self._recover()
            case Unavailable() as error:
                entry.tries -= 1
                await self._wait_out(error)
            case NotNow() as error if entry.tries < MOST_TRIES:
                self._recover()
                self._put_off(entry, error)
            case error:
                self._recover()
                self._finish(entry)
                _log.error(
                    "%s gave up %s: %s. %s", self._owner, entry.title, _said(error), self._advice
                )

    def _finish(self, entry: Entry[T]) -> None:
        # It may have been given up meanwhile, for newer ones.
        if entry in self._entries:
            self._entries.remove(entry)

    def _put_off(self, entry: Entry[T], error: Exception) -> None:
        seconds = _wait_after(entry.tries)
        entry.due = asyncio.get_running_loop().time() + seconds
        if entry.tries == 1:
            _log.warning(
                "%s could not send %s: %s; retrying in %g s and then less and less often",
                self._owner,
                entry.title,
                _said(error),
                seconds,
            )

    async def _wait_out(self, error: Exception) -> None:
        """Wait before retrying the receiver; say so once."""
        self._failures += 1
        if self._failures == 1:
            _log.error(
                "%s cannot send: %s. It keeps the unsent messages (%d now) while this master "
                "runs, and retries at least every %g minutes. %s",
                self._owner,
                _said(error),
                len(self._entries),
                LONGEST_SECONDS / 60,
                self._advice,
            )
        await asyncio.sleep(_wait_after(self._failures))

    def _recover(self) -> None:
        if self._failures:
            self._failures = 0
            _log.warning("%s can send again", self._owner)


def _wait_after(failures: int) -> float:
    return min(FIRST_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_SECONDS)


def _said(error: BaseException) -> str:
    error = raised_by(error)
    ours = isinstance(error, Unavailable | NotNow | Refused)
    return (message_of(error) if ours else headline_of(error)).rstrip(".")
