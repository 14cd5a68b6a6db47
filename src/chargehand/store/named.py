"""Named things of the configuration, which keep their identifiers forever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from chargehand.domain.identifiers import MasterId
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import masters
from chargehand.store.engine.transaction import Transaction


def ids_of(
    connection: Connection, table: Table, names: Sequence[str], new: Mapping[str, object]
) -> tuple[dict[str, int], list[str]]:
    """Return the identifiers of rows by name, and which names were added (with *new*)."""
    query = select(table.c.name, table.c.id).where(is_among(table.c.name, "names"))
    values = {"names": as_json(names)}
    found = {row[0]: row[1] for row in connection.execute(query, values)}
    missing = [name for name in dict.fromkeys(names) if name not in found]
    if missing:
        connection.execute(insert(table), [{"name": name, **new} for name in missing])
        found = {row[0]: row[1] for row in connection.execute(query, values)}
    return {name: found[name] for name in names}, missing


class Ownership:
    """Which running master owns a scheduler or change source.

    *table* has one row per owned thing; its primary key is *column*. If two masters claim the same
    thing at once, they insert the same key: the second insert fails, its writer repeats it, and it
    sees the row.
    """

    def __init__(self, table: Table, column: str) -> None:
        self._table = table
        self._column = column
        thing = table.c[column]
        self._owners = select(thing, table.c.master_id).where(is_among(thing))
        self._forsaken = delete(table).where(
            is_among(thing),
            table.c.master_id.in_(select(masters.c.id).where(~masters.c.active)),
        )
        self._give_up = delete(table).where(table.c.master_id == bindparam("master"))

    def take(
        self, transaction: Transaction, ids: Sequence[int], master_id: MasterId
    ) -> tuple[set[int], set[int]]:
        """Claim what no other running master owns; return what is ours, and which of it is new."""
        connection = transaction.connection
        values = {"ids": ids_as_json(ids)}
        connection.execute(self._forsaken, values)
        owners = {row[0]: row[1] for row in connection.execute(self._owners, values)}
        taken = [id_ for id_ in dict.fromkeys(ids) if id_ not in owners]
        if taken:
            rows = [{self._column: id_, "master_id": master_id} for id_ in taken]
            connection.execute(insert(self._table), rows)
        ours = {id_ for id_, owner in owners.items() if owner == master_id}
        return ours | set(taken), set(taken)

    def give_up(self, transaction: Transaction, master_id: MasterId) -> None:
        """Release everything that the master owns."""
        transaction.connection.execute(self._give_up, {"master": master_id})
