"""Change sources: names and owners."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, case, update

from chargehand.domain.identifiers import ChangeSourceId, MasterId
from chargehand.domain.source_health import SourceHealth
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import change_source_masters, change_sources
from chargehand.store.engine.transaction import Transaction
from chargehand.store.named import Ownership, ids_of

_ownership = Ownership(change_source_masters, "change_source_id")
_source = change_sources.c
_SET_STATE = (
    update(change_sources)
    .where(_source.id == bindparam("source"))
    .values(
        state=bindparam("new_state"),
        state_since=case(
            (_source.state == bindparam("new_state"), _source.state_since), else_=bindparam("now")
        ),
        state_string=bindparam("sentence"),
    )
)


class ChangeSources:
    """Stores change sources (``intake.ChangeSourceStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ids(self, names: Sequence[str]) -> dict[str, ChangeSourceId]:
        """Return identifiers, creating new ones, in one transaction."""

        def use_case(transaction: Transaction) -> dict[str, ChangeSourceId]:
            ids, _new = ids_of(transaction.connection, change_sources, names, {})
            return {name: ChangeSourceId(id_) for name, id_ in ids.items()}

        return await self._database.write(use_case)

    async def activate(
        self, ids: Sequence[ChangeSourceId], master_id: MasterId
    ) -> set[ChangeSourceId]:
        """Claim the sources that no other running master has; return ours."""

        def use_case(transaction: Transaction) -> set[ChangeSourceId]:
            ours, _new = _ownership.take(transaction, ids, master_id)
            return {ChangeSourceId(id_) for id_ in ours}

        return await self._database.write(use_case)

    async def report(self, source_id: ChangeSourceId, health: SourceHealth) -> None:
        """Record a source's state; the time changes only with the state."""

        def use_case(transaction: Transaction) -> None:
            values = {
                "source": source_id,
                "new_state": health.state.value,
                "sentence": health.sentence,
                "now": transaction.now,
            }
            transaction.connection.execute(_SET_STATE, values)

        await self._database.insist(use_case)

    async def deactivate(self, master_id: MasterId) -> None:
        """Release all of ours."""
        await self._database.write(lambda transaction: _ownership.give_up(transaction, master_id))


def give_up(transaction: Transaction, master_id: MasterId) -> None:
    """Release all change sources of a master, within a transaction."""
    _ownership.give_up(transaction, master_id)
