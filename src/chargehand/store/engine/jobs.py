"""Jobs for the writer, and their results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from chargehand.events.messages import Event
from chargehand.store.engine.transaction import Transaction

T = TypeVar("T")

UseCase = Callable[[Transaction], T]


class Job:
    """A job in the writer's queue, without a caller that waits for its result.

    A job of a *sequence* (a build, by its identifier) is skipped if an earlier one failed: the next
    awaited job of that sequence raises the failure.
    """

    __slots__ = (
        "error",
        "events",
        "is_committed",
        "is_recorded",
        "is_short",
        "is_taken",
        "sequence",
    )

    is_awaited = False
    """Whether its failure is reported to a caller."""
    has_effect = False
    """Whether `apply` does something."""

    def __init__(
        self, *, sequence: int | None = None, is_recorded: bool = True, is_short: bool = False
    ) -> None:
        self.sequence = sequence
        self.is_short = is_short or sequence is not None
        """Whether the loop can wait for it: a few statements about a few rows."""
        self.is_recorded = is_recorded
        """Whether it belongs to the recorder, which keeps the order and waits out outages."""
        self.is_taken = False
        """Whether the writer has taken it, so that it must not change."""
        self.is_committed = False
        """Whether it was committed although its connection broke; must not be repeated."""
        self.error: BaseException | None = None
        self.events: list[Event] = []

    def perform(self, transaction: Transaction) -> None:
        """Perform it in the loop or the writer's thread; raises its errors."""
        raise NotImplementedError

    def apply(self) -> None:
        """Called after the commit, before its events are published."""

    def settle(self) -> None:
        """Report the result to the caller, if it still waits."""


class RecordedJob(Job):
    """A use case that no caller waits for."""

    __slots__ = ("_use_case",)

    def __init__(self, use_case: UseCase[object], *, sequence: int | None) -> None:
        super().__init__(sequence=sequence)
        self._use_case = use_case

    def perform(self, transaction: Transaction) -> None:
        """Perform the use case; raises its errors."""
        self._use_case(transaction)
        self.events = transaction.events


class AwaitedJob(Job, Generic[T]):
    """A use case whose caller waits for the result."""

    __slots__ = ("_results", "_use_case", "future")

    is_awaited = True

    def __init__(
        self,
        use_case: UseCase[T],
        future: asyncio.Future[T],
        *,
        sequence: int | None = None,
        is_recorded: bool = False,
        is_short: bool = False,
    ) -> None:
        super().__init__(sequence=sequence, is_recorded=is_recorded, is_short=is_short)
        self.future = future
        self._use_case = use_case
        self._results: list[T] = []

    def perform(self, transaction: Transaction) -> None:
        """Perform the use case; raises its errors."""
        self._results = [self._use_case(transaction)]
        self.events = transaction.events

    def settle(self) -> None:
        """Report the result to the caller, if it still waits."""
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self._results[0])
        else:
            self.future.set_exception(self.error)
