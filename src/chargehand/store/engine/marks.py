"""Marks that commits leave: they tell whether one happened whose answer was lost.

A server may commit and the connection break before it says so. Each transaction therefore writes
its number into a row of this process; after a reconnection the row says which was the last one
that happened. A database in a file has no such connection, and leaves no marks.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from chargehand.store.engine.tables import object_state

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
# The server may still be carrying out the commit whose connection broke: the lock waits for it.
_LAST = _IS_THERE.with_for_update()
_FORGET_EARLIER = delete(object_state).where(
    _state.name == bindparam("of_name"), _state.kind == _KIND, _state.key != bindparam("of_key")
)
_WAIT_SECONDS = 10


class CommitMarks:
    """The marks of one process; *owner* tells it from those that use the database, too."""

    def __init__(self, *, owner: str) -> None:
        self._ours = {"of_name": owner, "of_key": uuid4().hex}
        self._number = 0

    def prepare(self, connection: Connection) -> None:
        """Make the row, on a new connection; remove those of earlier processes."""
        with connection.begin():
            if connection.execute(_IS_THERE, self._ours).first() is None:
                connection.execute(_FORGET_EARLIER, self._ours)
                name, key = self._ours["of_name"], self._ours["of_key"]
                row = {"name": name, "kind": _KIND, "key": key, "value": "0"}
                connection.execute(_ADD, row)

    def leave(self, connection: Connection) -> int:
        """Write the transaction's number, as its last statement, and return it."""
        self._number += 1
        connection.execute(_LEAVE, {**self._ours, "number": str(self._number)})
        return self._number

    def is_left(self, connection: Connection, number: int) -> bool:
        """Return whether the transaction of that number, the last one tried, was committed."""
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
            return connection.execute(_LAST, self._ours).scalar() == str(number)
