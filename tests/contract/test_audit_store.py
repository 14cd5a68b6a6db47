"""The audit log in the database."""

from __future__ import annotations

import pytest
from store_workshop import Workshop

from chargehand.domain.audit import ORDER, AuditEntry
from chargehand.kit.values import replace
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store import audit as store_audit

_ENTRY = AuditEntry(
    happened_at=1000.5,
    kind=ORDER,
    action="stop",
    path="builds/3",
    user_name="alice",
    origin="192.0.2.7",
    is_allowed=False,
    details={"results": 6},
    reason="not yours",
)


async def _rows(real: Workshop) -> list[dict[str, object]]:
    page = await real.store.resources.fetch(Query(kind="audit", sees=EVERYTHING))
    return list(page.rows)


async def test_entries_are_kept_in_order_until_they_are_old(
    real: Workshop | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if real is None:
        return  # There is no fake: nothing of the engine reads it.
    log = real.store.audit
    monkeypatch.setattr(store_audit, "BATCH", 2)
    for moment in (1.0, 2.0, 3.0, 1000.5):
        log.note(replace(_ENTRY, happened_at=moment, path="x" * 5000 if moment == 2.0 else "p"))
    assert await log.delete_before(0.0) == 0  # An awaited write: all before it are written.
    rows = await _rows(real)
    assert [row["auditid"] for row in rows] == sorted(row["auditid"] for row in rows)  # type: ignore[type-var]
    assert [len(str(row["path"])) for row in rows] == [1, 1000, 1, 1]
    assert rows[-1] | {"auditid": 0, "path": "builds/3"} == {
        "auditid": 0,
        "happened_at": 1000,
        "kind": "order",
        "action": "stop",
        "path": "builds/3",
        "user": "alice",
        "origin": "192.0.2.7",
        "is_allowed": False,
        "details": {"results": 6},
        "reason": "not yours",
    }
    for name in ("kind", "user", "origin", "path", "action", "reason", "is_allowed"):
        value = rows[-1][name]
        query = Query(
            kind="audit",
            sees=EVERYTHING,
            filters=(Filter(name, Operator.EQ, (value,)), Filter("auditid", Operator.GT, (3,))),
            order=(Order(name, descending=True),),
        )
        found = (await real.store.resources.fetch(query)).rows
        assert [row["happened_at"] for row in found] == [1000], name

    deleted = 0
    while (count := await log.delete_before(500.0)) > 0:
        deleted += count
    assert deleted == 3
    assert len(await _rows(real)) == 1
