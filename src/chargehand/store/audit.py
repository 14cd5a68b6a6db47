"""The audit log: who did what."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select

from chargehand.domain.audit import AuditEntry
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import audit
from chargehand.store.engine.transaction import Transaction

BATCH = 500
"""Entries that one transaction deletes."""
_LONGEST = 1000
"""Characters of a text; a client chooses paths and reasons."""

_audit = audit.c
_INSERT = insert(audit)
_OLD = (
    select(_audit.id)
    .where(_audit.happened_at < bindparam("before"))
    .order_by(_audit.happened_at)
    .limit(BATCH)
)
_DELETE = delete(audit).where(is_among(_audit.id))


class Audit:
    """Stores what people do (``web.AuditLog``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def note(self, entry: AuditEntry) -> None:
        """Write an entry with the next write: with that of the order itself, if it is one."""
        row = {
            "happened_at": entry.happened_at,
            "kind": entry.kind,
            "action": entry.action[:_LONGEST],
            "path": entry.path[:_LONGEST],
            "user_name": entry.user_name[:_LONGEST],
            "origin": entry.origin[:_LONGEST],
            "is_allowed": entry.is_allowed,
            "details": as_json(entry.details),
            "reason": entry.reason[:_LONGEST],
        }

        def use_case(transaction: Transaction) -> None:
            transaction.connection.execute(_INSERT, row)

        self._database.record(use_case)

    async def delete_before(self, moment: float) -> int:
        """Delete entries of before that time, at most `BATCH`; return how many."""

        def use_case(transaction: Transaction) -> int:
            found = transaction.connection.execute(_OLD, {"before": moment}).scalars().all()
            if found:
                transaction.connection.execute(_DELETE, {"ids": ids_as_json(found)})
            return len(found)

        return await self._database.insist(use_case)
