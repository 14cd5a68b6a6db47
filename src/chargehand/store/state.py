"""Small things that components remember by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from chargehand.store.engine.columns import as_json, of_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import object_state
from chargehand.store.engine.transaction import Transaction

_state = object_state.c
_IS_IT = (
    _state.name == bindparam("of_name"),
    _state.kind == bindparam("of_kind"),
    _state.key == bindparam("of_key"),
)
_GET = select(_state.value).where(*_IS_IT)
_FORGET = delete(object_state).where(*_IS_IT)
_SET = insert(object_state)


class State:
    """Keeps JSON values (``intake.StateStore``, ``scheduling.StateStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        """Return what was set for the object *name* of class *kind*."""
        values = {"of_name": name, "of_kind": kind, "of_key": key}
        found = await self._database.read(
            lambda connection: connection.execute(_GET, values).scalar()
        )
        return default if found is None else of_json(found)

    async def set(self, name: str, kind: str, key: str, value: object) -> None:
        """Remember it durably. Raises TypeError for what JSON cannot hold."""
        encoded = as_json(value)
        await self._database.write(
            lambda transaction: remember(transaction, name, kind, key, encoded)
        )


def remember(transaction: Transaction, name: str, kind: str, key: str, encoded: str) -> None:
    """Remember a value, encoded by `as_json`, within a transaction."""
    values = {"of_name": name, "of_kind": kind, "of_key": key}
    row = {"name": name, "kind": kind, "key": key, "value": encoded}
    transaction.connection.execute(_FORGET, values)
    transaction.connection.execute(_SET, row)
