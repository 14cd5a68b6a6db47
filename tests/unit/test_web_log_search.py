"""Searching logs over HTTP: parameters, answers, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from web_site import Site, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.domain.identifiers import LogId
from chargehand.logs.searching import Take


@pytest.mark.parametrize(
    "path",
    [
        "/logs/8",
        "/steps/5/logs/stdio",
        "/builds/1/steps/compile/logs/stdio",
        "/builders/quick%20one/builds/1/steps/0/logs/stdio",
    ],
)
async def test_a_log_is_searched_by_every_path(path: str):
    async with visited() as site:
        status, body = await site.get(f"{path}/search?text=OO")

        assert status == 200
        assert body == {
            "matches": [{"line": 2, "text": "oops", "ranges": [[0, 2]]}],
            "meta": {"total": 1, "is_complete": True, "lines_searched": 3},
        }


async def test_channel_letters_are_not_part_of_the_text():
    async with visited() as site:
        _, body = await site.get("/logs/8/search?regex=^h")
        assert [one["line"] for one in body["matches"]] == [1]

        _, body = await site.get("/logs/9/search?regex=^%3Cs")
        assert [one["line"] for one in body["matches"]] == [0]


@pytest.mark.parametrize(
    ("parameters", "lines", "total"),
    [
        ("text=o", [0, 1, 2], 3),
        ("text=o&limit=2", [0, 1], 3),
        ("text=o&limit=0", [], 3),
        ("text=o&offset=1", [1, 2], 2),
        ("text=o&offset=1&limit=1", [1], 2),
        ("text=o&offset=99", [], 0),
        ("text=O&case=1", [], 0),
        ("text=O&case=0", [0, 1, 2], 3),
        ("regex=o{2}", [2], 1),
    ],
)
async def test_parameters_say_which_part_is_wanted(parameters: str, lines: list[int], total: int):
    async with visited() as site:
        site.logs.texts[8] = b"oone\notwo\neooops\n"

        _, body = await site.get(f"/logs/8/search?{parameters}")

        assert [one["line"] for one in body["matches"]] == lines
        assert body["meta"]["total"] == total


async def test_the_numbers_of_lines_are_enough_for_marks():
    async with visited() as site:
        site.logs.texts[8] = b"ox\noy\n" * 12_000

        _, body = await site.get("/logs/8/search?text=x&lines=1")

        assert body["lines"] == list(range(0, 20_000, 2))
        assert body["meta"] == {"total": 12_000, "is_complete": True, "lines_searched": 24_000}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/logs/8/search", 400, "a search needs text=… or regex=…, and not both"),
        ("/logs/8/search?text=a&regex=b", 400, "a search needs text=… or regex=…, and not both"),
        ("/logs/8/search?text=", 400, "text is empty"),
        ("/logs/8/search?regex=a(b", 400, "regex missing ): a(b (at position 0)"),
        ("/logs/8/search?text=a&case=yes", 400, "case must be 0 or 1, not 'yes'"),
        ("/logs/8/search?text=a&limit=x", 400, "invalid limit"),
        ("/logs/8/search?text=a&offset=-1", 400, "invalid offset"),
        ("/logs/8/search?text=a&before=3", 400, "unrecognized query parameter 'before'"),
        ("/logs/77/search?text=a", 404, "not found: logs {'logid': 77}"),
    ],
)
async def test_what_cannot_be_searched_for_is_refused(path: str, status: int, message: str):
    async with visited() as site:
        assert await site.get(path) == (status, {"error": message})


async def test_a_search_gives_up_when_its_time_is_over():
    async with visited(with_web(limits=WebLimits(search_seconds=1e-9))) as site:
        status, body = await site.get("/logs/8/search?text=make")

        assert status == 200
        assert body["meta"] == {"total": 1, "is_complete": False, "lines_searched": 1}


class _Halted:
    """Lets searches begin, and waits before they go on."""

    def __init__(self, site: Site) -> None:
        self.began: asyncio.Queue[None] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.ended: asyncio.Queue[None] = asyncio.Queue()
        self._scan = site.logs.scan
        site.logs.scan = self._halting  # type: ignore[method-assign]

    async def _halting(
        self, log_id: LogId, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        self.began.put_nowait(None)
        try:
            async for count in self._scan(log_id, first, take, with_letters=with_letters):
                await self.go_on.wait()
                yield count
        finally:
            self.ended.put_nowait(None)


def _begin(site: Site) -> asyncio.Task[tuple[int, Any]]:
    return asyncio.create_task(site.get("/logs/8/search?text=o"))


async def test_one_client_has_so_many_searches_under_way_at_once():
    async with visited(with_web(limits=WebLimits(searches_per_client=2))) as site:
        halted = _Halted(site)
        searches = [_begin(site), _begin(site)]
        for _ in searches:
            await halted.began.get()

        async with site.session.get("/api/v2/logs/8/search?text=o") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        halted.go_on.set()

        assert [status for status, _ in await asyncio.gather(*searches)] == [200, 200]
        assert (await site.get("/logs/8/search?text=o"))[0] == 200


async def test_a_search_ends_when_its_client_has_gone():
    async with visited() as site:
        halted = _Halted(site)
        search = _begin(site)
        await halted.began.get()
        search.cancel()
        while site.server.connections:
            await asyncio.sleep(0)
        halted.go_on.set()
        await halted.ended.get()

        assert (await site.get("/logs/8/search?text=o"))[0] == 200
