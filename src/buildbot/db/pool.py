"""Threads for work on plug-ins' own tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from buildbot._border.bridge import outward

T = TypeVar("T")
P = ParamSpec("P")

Find = Callable[[], Any]
"""Returns the database of plug-ins; fails as long as the master does not run."""

__all__ = ["DBThreadPool"]


class DBThreadPool:
    """Calls functions in threads, so that neither the master's loop nor its own writing waits.

    With SQLite there is one thread, with PostgreSQL there are four.
    """

    def __init__(self, database: Find) -> None:
        self._database = database

    @property
    def engine(self) -> Any:
        """SQLAlchemy's engine of the plug-ins' tables."""
        return self._database().engine

    def do(
        self, callable: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """Call ``callable(connection, ...)`` in a thread; returns a Deferred of its result.

        What it has not committed itself is committed when it returns, and rolled back when it
        raises.
        """
        return outward(
            self._database().do(lambda connection: callable(connection, *args, **kwargs))
        )

    def do_with_engine(
        self, callable: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """Call ``callable(engine, ...)`` in a thread; returns a Deferred of its result."""
        return outward(
            self._database().do_with_engine(lambda engine: callable(engine, *args, **kwargs))
        )
