"""Whether a name is among many: asked of a set in memory where the database is in the process.

A list of 3,000 names as a parameter costs the database milliseconds for each question, to decode
and to sort, even for a question about one row.
"""

from __future__ import annotations

import itertools
import threading
from sqlite3 import Connection as SqliteConnection
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Boolean, ColumnElement, FunctionElement, Integer, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from chargehand.store.engine.columns import as_json
from chargehand.store.engine.portable import words_among

_FUNCTION = "is_in_name_set"


class _NameSet:
    """Names, for as long as a statement asks for them."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.number = next(_numbers)


_numbers = itertools.count(1)
_sets: WeakValueDictionary[int, _NameSet] = WeakValueDictionary()
_by_names: WeakValueDictionary[frozenset[str], _NameSet] = WeakValueDictionary()
_making = threading.Lock()


class _IsAmong(FunctionElement[bool]):
    """Whether a column's text is in a set. It keeps the set: so does each copy of a statement."""

    name = "is_among_names"
    type = Boolean()
    inherit_cache = True
    held: _NameSet


def is_one_of(column: ColumnElement[Any], names: frozenset[str]) -> ColumnElement[bool]:
    """Return "*column* is one of these *names*"."""
    with _making:
        held = _by_names.get(names)
        if held is None:
            held = _by_names[names] = _NameSet(names)
            _sets[held.number] = held
    # As one value: databases limit how many there may be, and each would cost time.
    listed = words_among(column, as_json(sorted(names)))
    element = _IsAmong(literal(held.number, Integer()), column, listed)
    element.held = held
    return element


@compiles(_IsAmong)
def _in_others(element: _IsAmong, compiler: SQLCompiler, **options: object) -> str:
    return compiler.process([*element.clauses][2], **options)


@compiles(_IsAmong, "sqlite")
def _in_sqlite(element: _IsAmong, compiler: SQLCompiler, **options: object) -> str:
    number, column, _ = (one for one in element.clauses)
    asked = (compiler.process(number, **options), compiler.process(column, **options))
    return f"{_FUNCTION}({', '.join(asked)})"


def prepare_name_sets(connection: SqliteConnection) -> None:
    """Let a connection ask for names."""
    connection.create_function(_FUNCTION, 2, _is_in, deterministic=True)


def _is_in(number: int, name: str | None) -> bool:
    return name in _sets[number].names
