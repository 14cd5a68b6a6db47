"""Coroutines that were begun by hand, to see whether they wait for anything at all."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TypeVar

_T = TypeVar("_T")


class Rest(Generator[object, None, _T]):
    """The rest of *work*, which was begun with ``send(None)`` and waits for *first*.

    Awaiting it goes on as if it had been awaited from its beginning.
    """

    def __init__(self, work: Coroutine[object, None, _T], first: object) -> None:
        self._work = work
        self._first = first
        self._is_told = False
        """Whether the loop knows what it waits for first."""

    def __await__(self) -> Rest[_T]:
        return self

    def send(self, value: None) -> object:
        """Go on after what it waited for."""
        if not self._is_told:
            self._is_told = True
            return self._first
        return self._work.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> object:
        """Go on with an exception: a cancellation, say."""
        if isinstance(kind, BaseException):
            return self._work.throw(kind)
        return self._work.throw(kind, value, traceback)

    def close(self) -> None:
        """End it here."""
        self._work.close()
