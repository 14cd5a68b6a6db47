"""Small stored values of components."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from chargehand.domain.canonical import canonical
from chargehand.domain.remembered import Remembered
from chargehand.store.engine.columns import as_json, of_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import object_state
from chargehand.store.engine.transaction import Transaction

_log = logging.getLogger(__name__)

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
    """Stores JSON values (``intake.StateStore``, ``scheduling.StateStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        """Return the value set for the object *name* of class *kind*."""
        values = {"of_name": name, "of_kind": kind, "of_key": key}
        found = await self._database.read_patiently(
            lambda connection: connection.execute(_GET, values).scalar()
        )
        if found is None:
            return default
        try:
            return of_json(found)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            _log.error(
                "the database is damaged: object_state (%s, %s, %s) is not JSON; ignoring it",
                name,
                kind,
                key,
            )
            return default

    async def set(self, name: str, kind: str, key: str, value: object) -> None:
        """Store the value durably. Raises TypeError for values without a JSON form."""
        rows = encoded([Remembered(name=name, kind=kind, key=key, value=value)])
        await self._database.insist(lambda transaction: remember(transaction, rows))


def encoded(remembered: Iterable[Remembered]) -> list[dict[str, str]]:
    """Return the rows for values. Raises TypeError for values without a JSON form."""
    return [
        {"name": one.name, "kind": one.kind, "key": one.key, "value": _text_of(one)}
        for one in remembered
    ]


def _text_of(one: Remembered) -> str:
    return as_json(canonical(one.value, f'"{one.key}" of {one.kind} {one.name}'))


def remember(transaction: Transaction, rows: Iterable[dict[str, str]]) -> None:
    """Store `encoded` rows, within a transaction."""
    for row in rows:
        values = {"of_name": row["name"], "of_kind": row["kind"], "of_key": row["key"]}
        transaction.connection.execute(_FORGET, values)
        transaction.connection.execute(_SET, row)
