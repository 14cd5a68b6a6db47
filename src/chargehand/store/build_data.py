"""Data of builds: bytes under names, which steps leave for reporters and for each other."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, update

from chargehand.domain.identifiers import BuildId
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import build_data
from chargehand.store.engine.transaction import Transaction

_INSERT = insert(build_data)
_UPDATE = (
    update(build_data)
    .where(
        build_data.c.build_id == bindparam("of_build"), build_data.c.name == bindparam("of_name")
    )
    .values(value=bindparam("data"), length=bindparam("size"), source=bindparam("origin"))
)


class BuildData:
    """Stores data of builds."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def set(self, build_id: BuildId, name: str, value: bytes, source: str) -> None:
        """Store a datum; one of that name is replaced."""

        def use_case(transaction: Transaction) -> None:
            # Only the master that runs a build writes its data, so that none can be added between.
            of = {"of_build": build_id, "of_name": name}
            found = {"data": value, "size": len(value), "origin": source}
            if not transaction.connection.execute(_UPDATE, {**of, **found}).rowcount:
                row = {"build_id": build_id, "name": name, "value": value}
                transaction.connection.execute(
                    _INSERT, {**row, "length": len(value), "source": source}
                )

        await self._database.insist(use_case, sequence=build_id)
