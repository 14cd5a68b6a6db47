"""Commit marks: determine whether a commit happened if its answer was lost.

A connection may break after the server has committed but before it answers. So each transaction
writes its number to a row of this process; after reconnecting, the row has the last committed
number. File databases need no marks.
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
# The server may still be executing the commit whose connection broke: the lock waits for it.
_LAST = _IS_THERE.with_for_update()
_FORGET_EARLIER = delete(object_state).where(
    _state.name == bindparam("of_name"), _state.kind == _KIND, _state.key != bindparam("of_key")
)
_WAIT_SECONDS = 10


class CommitMarks:
    """The marks of one process; *owner* distinguishes the processes that use the database."""

    def __init__(self, *, owner: str) -> None:
        self._ours = {"of_name": owner, "of_key": uuid4().hex}
        self._number = 0

    def prepare(self, connection: Connection) -> None:
        """Create the row on a new connection, and remove rows of earlier processes."""
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
        """Return whether the last transaction, which has that number, was committed."""
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
            return connection.execute(_LAST, self._ours).scalar() == str(number)
