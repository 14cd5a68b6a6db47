"""The REST API's resources for code that cannot wait: status receivers of Buildbot 0.8."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Protocol, TypeVar

from chargehand.app.data import Data
from chargehand.domain.identifiers import LogId
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Order

T = TypeVar("T")


class _LogsHere(Protocol):
    """Logs, read in the calling thread."""

    def lines_here(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return these lines, with channel letters where the log is of type ``s``."""


class DataHere:
    """Reads in the calling thread, which is the loop's: few rows at a time, for old code only.

    *data* must read from a store that never suspends.
    """

    def __init__(self, *, data: Data, logs: _LogsHere) -> None:
        self._data = data
        self._logs = logs

    def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int | None = None,
    ) -> list[Resource] | Resource | None:
        """Return the rows of a collection, or the row of a single resource or None.

        Raises LookupError for an unknown path.
        """
        return _finished(self._data.get(path, filters=filters, order=order, limit=limit))

    def lines(self, log_id: LogId, first: int, count: int | None) -> str:
        """Return lines of a log."""
        return self._logs.lines_here(log_id, first, count).decode(errors="replace")


def _finished(work: Coroutine[object, None, T]) -> T:
    """Return the result of a coroutine that does not suspend. Raises RuntimeError if it does."""
    try:
        work.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    work.close()
    raise RuntimeError("this resource cannot be read without waiting")
