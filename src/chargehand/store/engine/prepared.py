"""Frequent SQLite statements: compiled once, and executed directly by the driver.

For each execution, SQLAlchemy Core looks up the statement's text in its cache and creates a
context, a cursor and a result, which costs several times the execution in SQLite. Everything else
(lists in parameters, defaults computed in Python, other databases) uses SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import itemgetter

import msgspec
from sqlalchemy import Boolean, Connection, Delete, Dialect, Executable, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from chargehand.store.engine.generations import AFFECTED_BY_DELETE

Process = Callable[[object], object]
Parameters = Mapping[str, object]
Row = tuple[object, ...]

_WORTH_IT = 3
"""Executions before a statement is compiled: some statements are created each time."""
_MOST = 512


def written_tables(statement: Executable) -> Collection[str]:
    """Return the tables that a statement writes to."""
    # Insert, Update and Delete have a table; Select has none.
    table = getattr(statement, "table", None)
    if table is None:
        return ()
    if isinstance(statement, Delete):
        return AFFECTED_BY_DELETE.get(table.name, frozenset())
    return (table.name,)


class Rows(msgspec.Struct):
    """A statement's result: the part of SQLAlchemy's ``CursorResult`` that the store uses."""

    _rows: list[Row]
    rowcount: int
    inserted_primary_key: tuple[int | None]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def all(self) -> list[Row]:
        """Return all rows."""
        return self._rows

    def first(self) -> Row | None:
        """Return the first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """Return the only row."""
        (row,) = self._rows
        return row

    def scalar(self) -> object:
        """Return the first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> object:
        """Return the first column of the only row."""
        return self.one()[0]

    def scalars(self) -> _Scalars:
        """Return the first column of all rows."""
        return _Scalars(row[0] for row in self._rows)


class _Scalars(list[object]):
    """Values that are read as those of SQLAlchemy's results are."""

    def all(self) -> list[object]:
        """Return all of them."""
        return self


class Prepared:
    """One statement, compiled for the driver, which is always *given* the same parameters.

    *touches* has the tables that it writes to.
    """

    def __init__(
        self,
        compiled: SQLCompiler,
        connection: Connection,
        *,
        given: frozenset[str],
        touches: Collection[str],
    ) -> None:
        self.touches = touches
        self._dialect = dialect = connection.dialect
        self._text = str(compiled)
        self._is_insert = isinstance(compiled.statement, Insert)
        names = compiled.positiontup or ()
        binds = {name: compiled.binds[name] for name in names}
        self._defaults = [binds[name].value for name in names]
        self._given = [(index, name) for index, name in enumerate(names) if name in given]
        bind_processes = [_bind_processor(binds[name].type, dialect) for name in names]
        self._bind_processes: list[tuple[int, Process]] = [
            (index, process) for index, process in enumerate(bind_processes) if process is not None
        ]
        self._select: Callable[[Parameters], Sequence[object]] | None = None
        """Takes the values out of the parameters, where they are all there as they are needed."""
        if len(names) > 1 and given.issuperset(names) and not self._bind_processes:
            self._select = itemgetter(*names)
        columns = compiled._result_columns
        processes = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        self._processes: list[tuple[int, Process]] = [
            (index, process) for index, process in enumerate(processes) if process is not None
        ]

    def execute(
        self, driver: sqlite3.Connection, parameters: Parameters | list[Parameters]
    ) -> Rows:
        """Execute it in the driver's transaction. Raises DBAPIError."""
        try:
            if isinstance(parameters, list):
                bind = self._select or self._bound
                cursor = driver.executemany(self._text, map(bind, parameters))
            elif self._select is not None:
                cursor = driver.execute(self._text, self._select(parameters))
            else:
                cursor = driver.execute(self._text, self._bound(parameters))
            rows = cursor.fetchall() if cursor.description is not None else []
        except sqlite3.Error as error:
            raised = DBAPIError.instance(
                self._text, None, error, sqlite3.Error, dialect=self._dialect
            )
            raise raised from error
        if self._processes:
            rows = [self._processed(row) for row in rows]
        return Rows(rows, cursor.rowcount, (cursor.lastrowid if self._is_insert else None,))

    def _bound(self, parameters: Parameters) -> list[object]:
        values = self._defaults.copy()
        for index, name in self._given:
            values[index] = parameters[name]
        for index, process in self._bind_processes:
            values[index] = process(values[index])
        return values

    def _processed(self, row: Row) -> Row:
        values = list(row)
        for index, process in self._processes:
            values[index] = process(values[index])
        return tuple(values)


def _bind_processor(type_: TypeEngine[object], dialect: Dialect) -> Process | None:
    if isinstance(type_, Boolean):
        return None  # The driver stores True as 1.
    return type_.dialect_impl(dialect).bind_processor(dialect)


_Key = tuple[object, ...]
"""The identity of a statement, and the names of its parameters in the order given."""


class PreparedStatements:
    """The prepared statements of one SQLite connection, by statement and columns."""

    def __init__(self) -> None:
        self._seen: dict[_Key, tuple[Executable, int]] = {}
        self._found: dict[_Key, Prepared | None] = {}

    def find(
        self,
        statement: Executable,
        parameters: Parameters | list[Parameters],
        connection: Connection,
    ) -> Prepared | None:
        """Return the compiled statement; None if SQLAlchemy must execute it."""
        one = parameters[0] if parameters.__class__ is list else parameters
        key = (id(statement), *one)
        try:
            return self._found[key]
        except KeyError:
            return self._sought(key, statement, parameters, connection)

    def _sought(
        self,
        key: _Key,
        statement: Executable,
        parameters: Parameters | list[Parameters],
        connection: Connection,
    ) -> Prepared | None:
        # Keep the statement alive, so that its identity is not reused.
        _, count = self._seen.get(key, (statement, 0))
        if count < _WORTH_IT:
            if len(self._seen) >= _MOST:
                self._seen.clear()
                self._found.clear()
            self._seen[key] = (statement, count + 1)
            return None
        is_many = isinstance(parameters, list)
        one = parameters[0] if isinstance(parameters, list) else parameters
        self._found[key] = prepared = _prepared(statement, list(one), connection, is_many)
        return prepared


def _prepared(
    statement: Executable, keys: list[str], connection: Connection, is_many: bool
) -> Prepared | None:
    is_insert = isinstance(statement, Insert)
    compiled = statement.compile(  # type: ignore[attr-defined] # what is executed can be compiled
        dialect=connection.dialect, column_keys=keys if is_insert else None
    )
    is_simple = isinstance(compiled, SQLCompiler) and not (
        compiled.post_compile_params
        or compiled.literal_execute_params
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or (is_many and compiled._result_columns)
    )
    if not is_simple:
        return None
    return Prepared(compiled, connection, given=frozenset(keys), touches=written_tables(statement))
