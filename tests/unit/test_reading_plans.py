"""What people look at all the time is found without reading all there ever was."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.dialects import sqlite

from chargehand.store.engine.tables import builds, requests
from chargehand.store.store import Store

_LISTS = {
    "running": select(builds.c.id)
    .where(builds.c.complete == bindparam("flag", False))
    .order_by(builds.c.started_at, builds.c.id)
    .limit(100),
    "ended": select(builds.c.id)
    .where(builds.c.complete == bindparam("flag", True))
    .order_by(builds.c.complete_at.desc(), builds.c.id.desc())
    .limit(15),
    "waiting": select(requests.c.id)
    .where(requests.c.claimed == bindparam("flag", False))
    .order_by(requests.c.builder_id, requests.c.id)
    .limit(1),
}


@pytest.mark.parametrize("name", _LISTS)
async def test_a_list_is_read_with_an_index(tmp_path: Path, name: str):
    plan = await _plan(tmp_path, _LISTS[name])

    assert "USING" in plan
    assert "builds_by_start" not in plan
    assert "SCAN builds" not in plan


async def _plan(basedir: Path, question: Select[tuple[int]]) -> str:
    dialect = sqlite.dialect(paramstyle="named")
    asked = question.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=lambda _: None)
    await store.open()
    try:
        rows = await store.database.read(
            lambda connection: connection.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all()
        )
    finally:
        await store.close()
    return "; ".join(str(row[-1]) for row in rows)
