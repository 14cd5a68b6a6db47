"""Commit marks: determine whether a commit happened if its answer was lost.

A connection may break after the server has committed but before it answers. So each transaction
writes its number to a row of this process; after reconnecting, the row has the last committed
number. File databases need no marks.

The number is the first thing a transaction writes: the row is locked before the commit is sent, so
reading it on a new connection waits for a commit that is still on its way. PostgreSQL gets the
number together with BEGIN, so a mark costs no round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from chargehand.store.engine.tables import object_state

if TYPE_CHECKING:
    import psycopg

_KIND = "commits"
_state = object_state.c
_IS_OURS = (
    _state.name == bindparam("of_name"),
    _state.kind == _KIND,
    _state.key == bindparam("of_key"),
)
_LEAVE = update(object_state).where(*_IS_OURS).values(value=bindparam("number"))
_ADD = insert(object_state)
_IS_THERE = select(_state.value).where(*_IS_OURS)
# The server may still be executing the commit whose connection broke: the lock waits for it.
_LAST = _IS_THERE.with_for_update()
_FORGET_EARLIER = delete(object_state).where(
    _state.name == bindparam("of_name"), _state.kind == _KIND, _state.key != bindparam("of_key")
)
_QUOTED = select(func.quote_literal(bindparam("name", type_=Text())))
_TABLE = object_state.name
_WAIT_SECONDS = 10


class CommitMarks:
    """The marks of one process; *owner* distinguishes the processes that use the database."""

    def __init__(self, *, owner: str) -> None:
        self._ours = {"of_name": owner, "of_key": uuid4().hex}
        self._number = 0
        self._is_ours = ""
        """The condition in PostgreSQL, if that is the database."""

    def prepare(self, connection: Connection) -> None:
        """Create the row on a new connection, and remove rows of earlier processes."""
        name, key = self._ours["of_name"], self._ours["of_key"]
        with connection.begin():
            if connection.execute(_IS_THERE, self._ours).first() is None:
                connection.execute(_FORGET_EARLIER, self._ours)
                row = {"name": name, "kind": _KIND, "key": key, "value": "0"}
                connection.execute(_ADD, row)
            if connection.dialect.name == "postgresql":
                quoted = connection.execute(_QUOTED, {"name": name}).scalar_one()
                self._is_ours = f"name = {quoted} AND kind = '{_KIND}' AND key = '{key}'"

    def begin(self, connection: Connection) -> None:
        """Write the next number, as the first statement of a transaction."""
        self._number += 1
        if not (self._is_ours and self._is_begun(connection)):
            connection.execute(_LEAVE, {**self._ours, "number": str(self._number)})

    def _is_begun(self, connection: Connection) -> bool:
        """Send PostgreSQL the number with BEGIN, in one message, which SQLAlchemy cannot; return
        whether it succeeded. If not, nothing has happened."""
        driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
        assert driver is not None
        if driver.closed:
            return False
        statement = f"UPDATE {_TABLE} SET value = '{self._number}' WHERE {self._is_ours}"
        result = driver.pgconn.exec_(f"BEGIN; {statement}".encode())
        if not result.error_message:
            return True
        if not driver.closed:
            driver.rollback()
        return False

    def is_left(self, connection: Connection) -> bool:
        """Return whether the last transaction was committed."""
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
            return connection.execute(_LAST, self._ours).scalar() == str(self._number)
