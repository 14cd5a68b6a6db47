"""SQL that differs between SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    FunctionElement,
    Insert,
    Integer,
    Select,
    Text,
    Update,
    bindparam,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert


class _Elements(FunctionElement[Any]):
    """The elements of a JSON list, as a subquery: any number of values in one parameter."""

    inherit_cache = True


class _Numbers(_Elements):
    name = "json_numbers"
    inherit_cache = True


class _Words(_Elements):
    name = "json_words"
    inherit_cache = True


class holds(FunctionElement[bool]):  # noqa: N801 - used like a function of SQL
    """Whether the first text contains the second one, case-sensitively."""

    name = "holds"
    type = Boolean()
    inherit_cache = True


@compiles(_Elements)
def _elements(element: _Elements, compiler: SQLCompiler, **options: object) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(_Numbers, "postgresql")
def _numbers_in_postgresql(element: _Numbers, compiler: SQLCompiler, **options: object) -> str:
    value = compiler.process(element.clauses, **options)
    return f"(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST({value} AS json)))"


@compiles(_Words, "postgresql")
def _words_in_postgresql(element: _Words, compiler: SQLCompiler, **options: object) -> str:
    value = compiler.process(element.clauses, **options)
    return f"(SELECT value FROM json_array_elements_text(CAST({value} AS json)))"


@compiles(_Numbers, "mysql", "mariadb")
def _numbers_in_mysql(element: _Numbers, compiler: SQLCompiler, **options: object) -> str:
    value = compiler.process(element.clauses, **options)
    return f"(SELECT v FROM JSON_TABLE({value}, '$[*]' COLUMNS (v BIGINT PATH '$')) AS j)"


@compiles(_Words, "mysql", "mariadb")
def _words_in_mysql(element: _Words, compiler: SQLCompiler, **options: object) -> str:
    value = compiler.process(element.clauses, **options)
    return f"(SELECT v FROM JSON_TABLE({value}, '$[*]' COLUMNS (v LONGTEXT PATH '$')) AS j)"


@compiles(holds)
def _holds(element: holds, compiler: SQLCompiler, **options: object) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(holds, "postgresql")
def _holds_in_postgresql(element: holds, compiler: SQLCompiler, **options: object) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"


@compiles(holds, "mysql", "mariadb")
def _holds_in_mysql(element: holds, compiler: SQLCompiler, **options: object) -> str:
    haystack, needle = (compiler.process(part, **options) for part in element.clauses)
    return f"LOCATE(CAST({needle} AS BINARY), {haystack}) > 0"


class seconds(FunctionElement[int]):  # noqa: N801 - used like a function of SQL
    """A time in whole seconds, as in the REST API."""

    name = "seconds"
    type = Integer()
    inherit_cache = True


@compiles(seconds)
def _seconds(element: seconds, compiler: SQLCompiler, **options: object) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


@compiles(seconds, "postgresql")
def _seconds_in_postgresql(element: seconds, compiler: SQLCompiler, **options: object) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **options)}) AS BIGINT)"


@compiles(seconds, "mysql", "mariadb")
def _seconds_in_mysql(element: seconds, compiler: SQLCompiler, **options: object) -> str:
    return f"CAST(FLOOR({compiler.process(element.clauses, **options)}) AS SIGNED)"


def words_among(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Return "*column* is one of these *words*", which are a JSON list."""
    return _in(column, _Words(literal(words, Text())))


def _in(column: ColumnElement[Any], elements: _Elements) -> ColumnElement[bool]:
    return column.op("IN", is_comparison=True, return_type=Boolean())(elements)


def is_among(column: ColumnElement[Any], parameter: str = "ids") -> ColumnElement[bool]:
    """Return "*column* is in the JSON list that is given as *parameter*".

    A single parameter for any length: the statement's text stays the same and is prepared once.
    """
    elements = _Numbers if isinstance(column.type, Integer) else _Words
    value: BindParameter[str] = bindparam(parameter, type_=Text())
    return _in(column, elements(value))


class Updating:
    """An update that returns the changed rows.

    If UPDATE cannot return rows, they are selected and locked before it; *rows* is that query, with
    the same conditions as *update*.
    """

    def __init__(
        self, update: Update, columns: Sequence[ColumnElement[Any]], rows: Select[Any]
    ) -> None:
        self._update = update
        self._returning = update.returning(*columns)
        self._rows = rows.with_for_update()

    def rows(
        self, connection: Connection, parameters: Mapping[str, object]
    ) -> Sequence[Sequence[Any]]:
        """Execute the update and return the rows."""
        if connection.dialect.update_returning:
            return connection.execute(self._returning, parameters).all()
        rows = connection.execute(self._rows, parameters).all()
        connection.execute(self._update, parameters)
        return rows


def inserted_id(connection: Connection, insert: Insert, row: Mapping[str, object]) -> int:
    """Insert *row* and return its identifier."""
    key = connection.execute(insert, row).inserted_primary_key
    assert key is not None
    return int(key[0])


def inserted_ids(
    connection: Connection,
    insert: Insert,
    returning: ReturningInsert[int],
    rows: Sequence[Mapping[str, object]],
) -> list[int]:
    """Insert *rows* with one statement and return their identifiers, in order.

    *returning* is *insert* returning the identifier, sorted by the order of the rows.
    """
    if len(rows) == 1:
        return [inserted_id(connection, insert, rows[0])]
    return list(connection.execute(returning, rows).scalars())
