"""Answers of very many rows are sent while they are read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from web_site import Site, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.resources.query import Page, Query

_MANY = 2_500


def _fill(site: Site, size: int) -> list[dict[str, Any]]:
    """Give the site many builders, each of that size."""
    row = site.resources.rows["builders"][0]
    rows = [row | {"builderid": n, "description": "x" * size} for n in range(_MANY)]
    site.resources.rows["builders"] = rows
    return [{name: value for name, value in one.items() if name != "_scope"} for one in rows]


async def _got(site: Site, path: str = "/builders", **headers: str) -> aiohttp.ClientResponse:
    response = await site.session.get(f"/api/v2{path}", headers=headers)
    await response.read()
    return response


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize(("size", "is_kept"), [(10, True), (1500, False)])
async def test_all_rows_are_there_and_small_answers_are_kept(accept: str, size: int, is_kept: bool):
    async with visited() as site:
        rows = _fill(site, size)

        answer = await _got(site, Accept=accept)

        assert await answer.json(content_type=None) == {
            "builders": rows,
            "meta": {"total": _MANY},
        }
        assert ("ETag" in answer.headers) is is_kept
        asked = len(site.resources.fetched)
        again = await _got(site, Accept=accept)
        assert await again.read() == await answer.read()
        assert (len(site.resources.fetched) == asked) is is_kept


async def test_what_was_read_in_slices_is_true_until_it_changes():
    async with visited() as site:
        _fill(site, 10)
        await _got(site)

        site.resources.rows["builders"][_MANY - 1]["name"] = "changed"
        site.resources.touch("builders")

        body = json.loads(await (await _got(site)).read())
        assert body["builders"][-1]["name"] == "changed"


async def test_limit_and_offset_hold():
    async with visited() as site:
        rows = _fill(site, 1500)

        body = json.loads(await (await _got(site, "/builders?offset=3&limit=2200")).read())

        assert body["builders"] == rows[3:2203]
        assert body["meta"] == {"total": _MANY}


async def test_the_head_alone_can_be_asked_for():
    async with visited() as site:
        _fill(site, 1500)

        async with site.session.head("/api/v2/builders") as response:
            assert (response.status, await response.read()) == (200, b"")
        assert (await site.get("/builds/1"))[0] == 200


async def test_an_answer_has_so_many_rows():
    async with visited(with_web(limits=WebLimits(rows=2000))) as site:
        _fill(site, 10)

        answer = await _got(site)

        assert answer.status == 400
        assert "2500 rows are more than one answer may have (2000)" in await answer.text()
        assert (await _got(site, "/builders?limit=1500")).status == 200


async def test_so_many_large_answers_are_under_way_at_once():
    async with visited(with_web(limits=WebLimits(large_answers=1))) as site:
        _fill(site, 1500)
        go_on, began = asyncio.Event(), asyncio.Event()
        fetch_these = site.resources.fetch_these

        async def slow(query: Query, ids: Sequence[int]) -> Page:
            began.set()
            await go_on.wait()
            return await fetch_these(query, ids)

        site.resources.fetch_these = slow  # type: ignore[method-assign]
        first = asyncio.ensure_future(_got(site))
        await began.wait()

        refused = await _got(site, "/builders?limit=2000")
        go_on.set()

        assert (refused.status, "Retry-After" in refused.headers) == (503, True)
        assert (await first).status == 200
        assert (await _got(site, "/builders?limit=2000")).status == 200


async def test_a_failure_in_the_middle_breaks_the_connection_and_frees_the_place():
    async with visited(with_web(limits=WebLimits(large_answers=1))) as site:
        _fill(site, 3000)
        fetch_these = site.resources.fetch_these

        async def fail_later(query: Query, ids: Sequence[int]) -> Page:
            if ids[-1] == _MANY - 1:
                raise RuntimeError("out of order")
            return await fetch_these(query, ids)

        site.resources.fetch_these = fail_later  # type: ignore[method-assign]
        with pytest.raises(aiohttp.ClientError):
            await _got(site)

        site.resources.fetch_these = fetch_these  # type: ignore[method-assign]
        assert (await _got(site)).status == 200
