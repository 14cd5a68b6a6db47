"""The audit log: what people order is noted, and only those read it who may."""

from __future__ import annotations

from typing import Any

from web_site import visited, with_web

from chargehand.domain.audit import AuditEntry
from chargehand.resources.policy import NoOrders


class MemoryAudit:
    """Keeps entries in memory."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def note(self, entry: AuditEntry) -> None:
        """Keep it."""
        self.entries.append(entry)


def _call(method: str, **parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


async def test_orders_are_noted_before_they_are_carried_out():
    log = MemoryAudit()
    async with visited(audit=log) as site:
        call = _call("stop", reason="too slow", results=6, password="secret")
        await site.session.post("/api/v2/builds/3", json=call)
        call = _call("stop", reason=["no text"])
        await site.session.post("/api/v2/builds/77", json=call)
    first, second = log.entries
    assert (first.kind, first.action, first.path) == ("order", "stop", "builds/3")
    assert (first.user_name, first.origin, first.is_allowed) == ("", "127.0.0.1", True)
    assert (first.reason, first.details) == ("too slow", {"results": 6})
    assert (second.path, second.reason) == ("builds/77", "")
    assert first.happened_at > 1e9


async def test_refused_orders_are_noted_with_the_reason():
    log = MemoryAudit()
    async with (
        visited(with_web(policy=NoOrders("nobody may")), audit=log) as site,
        site.session.post("/api/v2/builds/3", json=_call("stop")) as answer,
    ):
        assert answer.status == 403
    (entry,) = log.entries
    assert (entry.is_allowed, entry.reason) == (False, "nobody may")


async def test_what_is_no_order_is_not_noted():
    log = MemoryAudit()
    async with visited(audit=log) as site:
        await site.session.post("/api/v2/builds/3", json=_call("nonsense"))
        await site.session.post("/api/v2/builds/3", data=b"{")
        await site.session.get("/api/v2/builds/3")
    assert log.entries == []


async def test_visitors_do_not_read_the_log_on_any_path():
    async with visited() as site:
        for path in ("audit", "audit/1", "%61udit", "audit?limit=1", "audit/"):
            for method in ("GET", "HEAD"):
                async with site.session.request(method, f"/api/v2/{path}") as answer:
                    assert answer.status in (403, 404), path
        async with site.session.get("/api/v2/audit") as answer:
            assert "only commands on the master's machine" in await answer.text()
        async with site.session.get("/plain/audit") as answer:
            assert answer.status == 403
