"""Use cases on their way to the writer, and what comes back of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from chargehand.events.messages import Event
from chargehand.store.engine.transaction import Transaction

T = TypeVar("T")

UseCase = Callable[[Transaction], T]


class Job:
    """What waits for its turn in the writer. Nobody waits for its result.

    A job of a *sequence* (a build, by its identifier) is not performed when one before it has
    failed: whoever waits for a job of that sequence next gets the failure.
    """

    __slots__ = ("error", "events", "is_committed", "is_recorded", "is_taken", "sequence")

    is_awaited = False
    """Whether somebody hears of its failure."""

    def __init__(self, *, sequence: int | None = None, is_recorded: bool = True) -> None:
        self.sequence = sequence
        self.is_recorded = is_recorded
        """Whether it belongs to the recorder, which keeps the order and waits out outages."""
        self.is_taken = False
        """Whether the writer has it: it may not be altered any more."""
        self.is_committed = False
        """Whether it turned out to be committed after its connection broke; not to be repeated."""
        self.error: BaseException | None = None
        self.events: list[Event] = []

    def perform(self, transaction: Transaction) -> None:
        """Do it, in the writer's thread; raises what goes wrong."""
        raise NotImplementedError

    def apply(self) -> None:
        """Take note that it is committed, before its events are published."""

    def settle(self) -> None:
        """Tell whoever waits, unless they have gone."""


class RecordedJob(Job):
    """A use case that nobody waits for."""

    __slots__ = ("_use_case",)

    def __init__(self, use_case: UseCase[object], *, sequence: int | None) -> None:
        super().__init__(sequence=sequence)
        self._use_case = use_case

    def perform(self, transaction: Transaction) -> None:
        """Perform the use case; raises what it raises."""
        self._use_case(transaction)
        self.events = transaction.events


class AwaitedJob(Job, Generic[T]):
    """A use case whose result somebody waits for."""

    __slots__ = ("_results", "_use_case", "future")

    is_awaited = True

    def __init__(
        self,
        use_case: UseCase[T],
        future: asyncio.Future[T],
        *,
        sequence: int | None = None,
        is_recorded: bool = False,
    ) -> None:
        super().__init__(sequence=sequence, is_recorded=is_recorded)
        self.future = future
        self._use_case = use_case
        self._results: list[T] = []

    def perform(self, transaction: Transaction) -> None:
        """Perform the use case; raises what it raises."""
        self._results = [self._use_case(transaction)]
        self.events = transaction.events

    def settle(self) -> None:
        """Tell whoever waits, unless they have gone."""
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self._results[0])
        else:
            self.future.set_exception(self.error)
