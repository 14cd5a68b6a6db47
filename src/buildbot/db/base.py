"""What components with tables of their own are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, Table, select
from sqlalchemy.exc import IntegrityError

from buildbot._border.bridge import outgoing
from buildbot.db.connector import DBConnector

T = TypeVar("T")

__all__ = ["DBConnectorComponent"]


class DBConnectorComponent:
    """A part of the database: subclasses define tables, and methods that use ``self.db.pool``."""

    def __init__(self, connector: DBConnector) -> None:
        self.db = connector

    @property
    def master(self) -> Any:
        """The master."""
        return self.db.master

    def checkLength(self, col: Column[Any], value: str | None) -> None:
        """Raise RuntimeError if the value is too long for the column."""
        length = getattr(col.type, "length", None)
        if length is not None and value is not None and len(value) > length:
            raise RuntimeError(
                f"value for column {col} is greater than max of {length} characters: {value}"
            )

    def ensureLength(self, col: Column[Any], value: str) -> str:
        """Return the value, shortened if it is too long: its end is replaced by its hash."""
        length = getattr(col.type, "length", None)
        if length is None or len(value) <= length:
            return value
        return value[: max(length - 40, 0)] + hashlib.sha1(value.encode()).hexdigest()[:length]

    def hashColumns(self, *args: Any) -> str:
        """Return a hash of values (strings, numbers, None), in their order."""

        def encoded(value: Any) -> bytes:
            return b"\xf5" if value is None else str(value).encode()

        return hashlib.sha1(b"\0".join(map(encoded, args))).hexdigest()

    @outgoing
    async def findSomethingId(
        self, tbl: Table, whereclause: Any, insert_values: dict[str, Any], autoCreate: bool = True
    ) -> int | None:
        """Return a Deferred of the identifier of a row; one that is not there is inserted, or gives
        None without *autoCreate*."""
        if autoCreate:
            return (await self._find_or_create(tbl, whereclause, insert_values))[0]
        found: int | None = await self.db.pool.do(lambda c: _found(c, tbl, whereclause))
        return found

    @outgoing
    async def findOrCreateSomethingId(
        self, tbl: Table, whereclause: Any, insert_values: dict[str, Any]
    ) -> tuple[int, bool]:
        """Return a Deferred of (identifier, whether the row was there already)."""
        return await self._find_or_create(tbl, whereclause, insert_values)

    def doBatch(self, batch: Iterable[T], batch_n: int = 500) -> Iterator[list[T]]:
        """Return the items in lists of at most so many."""
        items = iter(batch)
        while part := list(islice(items, batch_n)):
            yield part

    async def _find_or_create(
        self, table: Table, where: Any, values: dict[str, Any]
    ) -> tuple[int, bool]:
        def thd(connection: Any) -> tuple[int, bool]:
            if (found := _found(connection, table, where)) is not None:
                return found, True
            try:
                with connection.begin_nested():
                    key = connection.execute(table.insert().values(**values)).inserted_primary_key
                return key[0], False
            except IntegrityError:
                # Somebody else has inserted it meanwhile.
                if (found := _found(connection, table, where)) is None:
                    raise
                return found, True

        row: tuple[int, bool] = await self.db.pool.do(thd)
        return row


def _found(connection: Any, table: Table, where: Any) -> int | None:
    key = next(iter(table.primary_key.columns))
    found: int | None = connection.execute(select(key).where(where)).scalar()
    return found
