"""Rows of builds and builders that say why: the newest change, and the reason."""

from __future__ import annotations

from typing import Any

from store_workshop import Workshop

from chargehand.domain.change import NewChange
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING


async def _rows(workshop: Workshop, kind: str, **options: Any) -> list[dict[str, Any]]:
    await workshop.recorded()
    query = Query(kind=kind, sees=EVERYTHING, **options)
    return (await workshop.store.visited_resources.fetch(query)).rows


async def test_a_build_says_its_newest_change_and_its_reason(workshop: Workshop) -> None:
    written = "  Fix the page\n\nAnd say why at length."
    [change] = await workshop.store.changes.add(
        [NewChange(author="Ada <ada@example.org>", branch="main", revision="r1", comments=written)]
    )
    built = await workshop.build(stamps=(change.source_stamp_id,))
    forced = await workshop.build()

    rows = {row["buildid"]: row for row in await _rows(workshop, "builds", arguments={"cause": 1})}

    assert rows[built.id]["cause"] == {
        "reason": "because",
        "branch": "main",
        "revision": "r1",
        "changeid": change.id,
        "author": "Ada <ada@example.org>",
        "subject": "Fix the page",
    }
    assert rows[forced.id]["cause"] == {
        "reason": "because",
        "branch": "main",
        "revision": None,
        "changeid": None,
        "author": None,
        "subject": None,
    }


async def test_causes_are_there_only_for_those_who_ask(workshop: Workshop) -> None:
    await workshop.build()

    [plain] = await _rows(workshop, "builds")
    [narrow] = await _rows(workshop, "builds", fields=("number",), arguments={"cause": 1})

    assert "cause" not in plain
    assert set(narrow) == {"number", "cause"}


async def test_of_several_codebases_the_one_that_changed_last_is_the_cause(
    workshop: Workshop,
) -> None:
    older, newer = await workshop.store.changes.add(
        [
            NewChange(author="a", codebase="lib", revision="r1", comments="older"),
            NewChange(author="b", codebase="app", revision="r2", comments="newer"),
        ]
    )
    await workshop.build(stamps=(newer.source_stamp_id, older.source_stamp_id))

    [row] = await _rows(workshop, "builds", arguments={"cause": 1})

    assert (row["cause"]["subject"], row["cause"]["revision"]) == ("newer", "r2")


async def test_a_builder_says_why_its_newest_build_was_built(workshop: Workshop) -> None:
    [change] = await workshop.store.changes.add([NewChange(author="a", comments="newest")])
    await workshop.build()
    await workshop.build(stamps=(change.source_stamp_id,))

    b1, b2 = await _rows(workshop, "builders", arguments={"recent": 5, "cause": 1})

    assert b1["cause"]["subject"] == "newest"
    assert b2["cause"] is None
