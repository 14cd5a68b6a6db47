"""Lists of what is not finished are found by an index, however much has ended."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, event, text

from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.engine import tables
from chargehand.store.engine.redacted import prepare_sqlite
from chargehand.store.reading.planning import planner, shape_of
from chargehand.store.reading.resources import KINDS

_OPEN = Filter("complete", Operator.EQ, (False,))
_FREE = Filter("claimed", Operator.EQ, (False,))


@pytest.mark.parametrize("order", [(), (Order("builderid"),), (Order("submitted_at"),)])
@pytest.mark.parametrize(
    ("kind", "filters"),
    [
        ("buildrequests", (_OPEN,)),
        ("buildrequests", (_FREE,)),
        ("buildrequests", (_OPEN, _FREE)),
        ("builds", (_OPEN,)),
    ],
)
def test_what_is_open_is_not_looked_for_among_all(
    kind: str, filters: tuple[Filter, ...], order: tuple[Order, ...]
) -> None:
    if kind == "builds":
        order = tuple(Order("started_at") for one in order if one.field == "submitted_at")
    query = Query(kind=kind, sees=EVERYTHING, filters=filters, order=order)
    plan = planner(KINDS)(shape_of(query, KINDS[kind]))
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: prepare_sqlite(connection))

    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        for statement in (plan.rows, plan.count):
            words = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
            steps = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {words}"))]
            assert any(step.startswith("SEARCH") for step in steps), steps
            assert not any(step.startswith("SCAN") for step in steps), steps
    engine.dispose()
