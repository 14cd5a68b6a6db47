"""Requests that interrupted builds had triggered and waited for."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, true

from chargehand.domain.build import Build
from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.store import request_rows
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builders, buildsets, requests
from chargehand.store.engine.transaction import Transaction
from chargehand.store.request_rows import WAITS

# Begins with the few requests that wait, not with the buildsets of all times. A request that is
# claimed in the meantime is not among the ones that `cancel_waiting` ends.
_ORPHANS = (
    select(buildsets.c.parent_build_id, requests.c.id)
    .select_from(requests.join(buildsets))
    .where(*WAITS, requests.c.waited_for == true(), is_among(buildsets.c.parent_build_id))
    .order_by(requests.c.id)
    .with_for_update(of=requests)
)
_NAMES = select(builders.c.id, builders.c.name).where(is_among(builders.c.id))


def cancel_orphans(transaction: Transaction, parents: Iterable[Build]) -> None:
    """Cancel the waiting requests that these interrupted builds waited for: they are retried, and
    trigger new ones."""
    by_id: dict[BuildId, Build] = {build.id: build for build in parents}
    connection = transaction.connection
    rows = connection.execute(_ORPHANS, {"ids": ids_as_json(by_id)}).all()
    if not rows:
        return
    names = {"ids": ids_as_json({by_id[row[0]].builder_id for row in rows})}
    name_of = {row[0]: row[1] for row in connection.execute(_NAMES, names)}
    for row in rows:
        parent, request_id = by_id[row[0]], RequestId(row[1])
        reason = (
            f"{name_of[parent.builder_id]} #{parent.number}, which waited for it, was interrupted; "
            "its retry triggers it again"
        )
        request_rows.cancel_waiting(transaction, request_id, reason)
