"""No query string is a 500, and none occupies the database for long."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from stored_site import stored_site
from yarl import URL

from chargehand.domain.outages import TooSlow
from chargehand.resources.catalog import KINDS
from chargehand.store.engine.database import Database, Lane
from chargehand.web.server import WebServer

_PATHS = (
    "builds",
    "builders",
    "buildrequests",
    "changes",
    "builds/1/steps",
    "workers",
    "buildsets",
)
_OPERATORS = ("", "eq", "ne", "lt", "le", "gt", "ge", "contains", "in", "notin", "odd")
_VALUES = st.sampled_from(["1", "-1", "x", "", "on", "1700000000", "%", "9" * 18, "'", "%00"])
_COUNTS = st.sampled_from([1, 2, 9, 100, 101, 1_001, 10_001])


def _names(path: str) -> list[str]:
    fields = list(KINDS[path.rpartition("/")[2]].types())
    filters = [f"{field}__{word}" if word else field for field in fields for word in _OPERATORS]
    return ["order", "field", "property", "limit", "offset", "unknown", *filters]


@st.composite
def _questions(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(_PATHS))
    parts: list[str] = []
    for name in draw(st.lists(st.sampled_from(_names(path)), min_size=1, max_size=3)):
        fields = st.sampled_from(
            [
                *KINDS[path.rpartition("/")[2]].types(),
                "-" + next(iter(KINDS[path.rpartition("/")[2]].types())),
            ]
        )
        value = draw(fields if name in ("order", "field") else _VALUES)
        parts += [f"{name}={value}"] * draw(_COUNTS)
    return f"{path}?{'&'.join(parts)}"


async def _status(server: WebServer, question: str) -> tuple[int, str]:
    host, port = server.addresses[0]
    url = URL(f"http://{host}:{port}/api/v2/{question}", encoded=True)
    async with aiohttp.ClientSession(max_line_size=2**20) as session, session.get(url) as answer:
        return answer.status, await answer.text()


def test_no_query_string_is_answered_500(tmp_path: Path):
    with asyncio.Runner() as runner:
        site = stored_site(tmp_path)
        server, _ = runner.run(site.__aenter__())

        @settings(max_examples=25, deadline=None)
        @given(_questions())
        def ask(question: str) -> None:
            status, body = runner.run(_status(server, question))
            assert status in {200, 400}, (question[:200], body[:300])

        try:
            ask()
        finally:
            runner.run(site.__aexit__(None, None, None))


@pytest.mark.parametrize(
    ("parameter", "most"),
    [
        ("buildid__lt", 100),
        ("buildid__in", 10_000),
        ("buildid", 10_000),
        ("buildid__notin", 10_000),
        ("started_at__ne", 100),
        ("state_string__contains", 100),
        ("complete", 10_000),
        ("property", 12_000),
    ],
)
async def test_so_many_conditions_are_answered_and_no_more(
    tmp_path: Path, parameter: str, most: int
):
    async with stored_site(tmp_path) as (server, _):
        value = "1" if parameter == "complete" else "%d"
        parts = [f"{parameter}={value}".replace("%d", str(number)) for number in range(most + 1)]

        assert (await _status(server, "builds?" + "&".join(parts[:-1])))[0] == 200
        status, body = await _status(server, "builds?" + "&".join(parts))
        assert status == 400
        assert "too many" in body
        assert f"{most:,}" in body


async def test_any_number_of_values_finds_the_same_rows(tmp_path: Path):
    async with stored_site(tmp_path) as (server, _):
        for count in (1, 8, 9, 16, 17, 100):
            question = "builds?field=buildid&order=buildid&" + "&".join(
                f"buildid__in={number}" for number in range(2, 2 + count)
            )
            status, body = await _status(server, question)
            assert status == 200
            found = [row["buildid"] for row in json.loads(body)["builds"]]
            assert found == [2, 3, 4][: min(count, len(found))]
            assert found


def _endless(connection: Connection) -> object:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    return connection.execute(text(numbers + "SELECT count(*) FROM n")).scalar()


async def test_a_question_of_a_visitor_has_its_time_and_those_after_it_are_answered(
    tmp_path: Path,
):
    database = Database(
        url="sqlite:///state.sqlite",
        basedir=tmp_path,
        publish=lambda _events: None,
        visitor_seconds=0.05,
    )
    await database.open()
    try:
        for lane in (Lane.WEB, Lane.BULK):
            for _ in range(3):
                with pytest.raises(TooSlow, match=r"longer than 0.05 s: narrow it"):
                    await database.read(_endless, lane)
            assert await database.read(_one, lane) == 1
    finally:
        await database.close()


def _one(connection: Connection) -> object:
    return connection.execute(text("SELECT 1")).scalar()
