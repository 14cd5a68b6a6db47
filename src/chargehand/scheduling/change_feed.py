"""Delivers changes to a scheduler: filtered, in order, one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId
from chargehand.domain.outages import StorageFailed
from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.guard import contained, guarded
from chargehand.kit.patience import Patience
from chargehand.kit.tasks import Tasks
from chargehand.scheduling.change_filter import ChangeFilter

_log = logging.getLogger(__name__)

_STOP_SECONDS = 20.0
"""Seconds that a scheduler waits, when it stops, for the change in progress."""

_RETRY_SECONDS = 5.0
"""Seconds until a failed change is retried."""

_REMEMBERED = 1000

Filter = Callable[[Change], object]
"""Returns whether a change is wanted."""

IsImportant = Callable[[Change], Awaitable[bool]]


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """The changes that a scheduler subscribes to."""

    wanted: Filter | None = None
    is_important: IsImportant | None = None
    only_important: bool = False


class ChangeFeed:
    """Delivers one scheduler's changes: calls *receive* with each one and its importance."""

    def __init__(
        self,
        *,
        name: str,
        codebases: Collection[str],
        receive: Callable[[Change, bool], Awaitable[None]],
        tasks: Tasks,
    ) -> None:
        self._name = name
        self._codebases = codebases
        self._receive = receive
        self._tasks = tasks
        self.seen: ChangeId = ChangeId(0)
        """The newest offered change; older ones are ignored."""
        self._interest: Interest | None = None
        self._inbox: deque[Change] = deque()
        self.unimportant: deque[ChangeId] = deque(maxlen=_REMEMBERED)
        """The newest unimportant changes."""
        self._reader: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._patience = Patience()

    def start(self, interest: Interest) -> None:
        """Subscribe to changes."""
        self._interest = interest
        self._stopped.clear()
        self._patience = Patience()

    async def stop(self) -> None:
        """Unsubscribe, and wait for the change in progress."""
        self._interest = None
        self._stopped.set()
        self._patience.stop()
        if (reader := self._reader) is None:
            return
        await asyncio.wait([reader], timeout=_STOP_SECONDS)
        if not reader.done():
            _log.error("scheduler %s is abandoned in the middle of a change", self._name)
            reader.cancel()
            await asyncio.wait([reader], timeout=1.0)

    @property
    def is_consuming(self) -> bool:
        """Whether it is subscribed to changes."""
        return self._interest is not None

    @property
    def looked_at(self) -> ChangeId:
        """The newest change up to which all are processed."""
        return ChangeId(self._inbox[0].id - 1) if self._inbox else self.seen

    def offer(self, change: Change) -> None:
        """Queue a change. Call in the order of the changes' identifiers."""
        if self._interest is None or change.id <= self.seen:
            return
        self.seen = change.id
        if not self._is_wanted(change, self._interest):
            return
        self._inbox.append(change)
        if self._reader is None:
            self._reader = self._tasks.spawn(self._read(), name=f"changes for {self._name}")

    def refusal(self, change: Change) -> str | None:
        """Return why the change is not wanted, None if it is. Calls the filter's functions."""
        interest = self._interest
        if interest is None or self._is_wanted(change, interest):
            return None
        if change.codebase not in self._codebases:
            known = ", ".join(f'"{name}"' for name in sorted(self._codebases))
            return f'its codebase is "{change.codebase}", not {known}'
        if isinstance(interest.wanted, ChangeFilter):
            return interest.wanted.refusal(change)
        return "the filter's function rejected it"

    def _is_wanted(self, change: Change, interest: Interest) -> bool:
        if change.codebase not in self._codebases:
            _log.debug("scheduler %s does not process codebase %r", self._name, change.codebase)
            return False
        with guarded(_log, "the change filter of scheduler %s failed", self._name):
            return interest.wanted is None or bool(contained(interest.wanted, change))
        return False

    async def _read(self) -> None:
        try:
            while self._inbox and (interest := self._interest) is not None:
                change = self._inbox[0]
                with guarded(
                    _log, "scheduler %s failed on change %d", self._name, change.id
                ) as attempt:
                    await self._look_at(change, interest)
                if self._interest is None and isinstance(
                    attempt.failure, AnswerTimeout | StorageFailed
                ):
                    return  # The next start processes it again.
                if isinstance(attempt.failure, StorageFailed):
                    # It stays first, so that it is neither lost nor overtaken.
                    await self._pause()
                    continue
                self._inbox.popleft()
        finally:
            self._reader = None

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_RETRY_SECONDS):
                await self._stopped.wait()
        except TimeoutError:
            return

    async def _look_at(self, change: Change, interest: Interest) -> None:
        important = interest.is_important is None or bool(
            await self._patience.answer("fileIsImportant", interest.is_important(change))
        )
        if not important:
            self.unimportant.append(change.id)
        if important or not interest.only_important:
            await self._receive(change, important)
