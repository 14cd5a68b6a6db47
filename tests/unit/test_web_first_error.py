"""The first error over HTTP: of a log, and of the step that failed first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from web_site import Site, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.domain.identifiers import LogId
from chargehand.domain.result import Result
from chargehand.logs.error_rules import ErrorRule
from chargehand.logs.searching import Take


def _step(number: int, result: Result | None, **more: Any) -> dict[str, Any]:
    return {
        "stepid": 10 + number,
        "number": number,
        "name": f"step {number}",
        "buildid": 2,
        "results": None if result is None else int(result),
        "hidden": False,
        "complete": result is not None,
        "_scope": {"buildid": 2},
    } | more


def _log(log_id: int, step_id: int, kind: str = "s", **more: Any) -> dict[str, Any]:
    return {
        "logid": log_id,
        "stepid": step_id,
        "name": f"log {log_id}",
        "slug": f"log_{log_id}",
        "type": kind,
        "num_lines": 2,
        "complete": True,
    } | more


def _has(site: Site, steps: list[dict[str, Any]], logs: dict[int, tuple[int, bytes]]) -> None:
    """Give build 2 these steps and logs: (step, text) by log."""
    rows = site.resources.rows
    rows["steps"] = steps
    rows["logs"] = [_log(log_id, step_id) for log_id, (step_id, _) in logs.items()]
    site.logs.texts.update({log_id: text for log_id, (_, text) in logs.items()})


async def _of_build(site: Site) -> list[tuple[int, str, str]]:
    status, body = await site.get("/builds/2/first_error")
    assert status == 200, body
    return [(row["logid"], row["text"], row["rule"]) for row in body["first_errors"]]


@pytest.mark.parametrize(
    "path",
    ["/logs/8", "/steps/5/logs/stdio", "/builders/1/builds/1/steps/compile/logs/stdio"],
)
async def test_the_first_error_of_a_log_is_a_row(path: str):
    async with visited() as site:
        site.logs.texts[8] = b"hmake\nofine\nea.c:1:2: error: x\n"

        assert await site.get(f"{path}/first_error") == (
            200,
            {
                "first_errors": [
                    {
                        "stepid": 5,
                        "step": "compile",
                        "logid": 8,
                        "slug": "stdio",
                        "line": 2,
                        "text": "a.c:1:2: error: x",
                        "rule": "compiler",
                    }
                ],
                "meta": {"total": 1, "is_complete": True},
            },
        )


async def test_the_first_step_that_failed_is_looked_at():
    async with visited() as site:
        steps = [
            _step(0, Result.SUCCESS),
            _step(1, Result.WARNINGS),
            _step(2, Result.FAILURE, hidden=True),
            _step(4, Result.FAILURE),
            _step(3, Result.FAILURE),
            _step(5, None),
        ]
        logs = {20 + step["number"]: (step["stepid"], b"oerror: x\n") for step in steps}
        _has(site, steps, logs)

        assert await _of_build(site) == [(23, "error: x", "error")]


@pytest.mark.parametrize(
    ("result", "steps", "expected"),
    [
        (Result.SUCCESS, [_step(0, Result.FAILURE)], []),
        (Result.SKIPPED, [_step(0, Result.FAILURE)], []),
        (Result.WARNINGS, [_step(0, Result.WARNINGS)], [20]),
        (Result.EXCEPTION, [_step(0, Result.EXCEPTION)], [20]),
        (Result.CANCELLED, [_step(0, Result.CANCELLED)], [20]),
        (Result.RETRY, [_step(0, Result.SUCCESS), _step(1, Result.RETRY)], [21]),
        (Result.FAILURE, [_step(0, Result.WARNINGS), _step(1, Result.FAILURE)], [21]),
        (Result.FAILURE, [_step(0, Result.SUCCESS)], []),
        (None, [_step(0, Result.FAILURE), _step(1, None)], [20]),
        (None, [_step(0, None)], []),
    ],
)
async def test_only_what_failed_has_a_first_error(
    result: Result | None, steps: list[dict[str, Any]], expected: list[int]
):
    async with visited() as site:
        build = next(row for row in site.resources.rows["builds"] if row["buildid"] == 2)
        build["results"] = None if result is None else int(result)
        _has(site, steps, {20 + one["number"]: (one["stepid"], b"oerror: x\n") for one in steps})

        assert [log_id for log_id, _, _ in await _of_build(site)] == expected


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ({20: b"oerror: x\n", 21: b"oerror: y\n"}, (20, "error: x", "error")),
        ({20: b"ofine\n", 21: b"oerror: y\n"}, (21, "error: y", "error")),
        ({20: b"omake: *** [x] Error 1\n", 21: b"oerror: y\n"}, (21, "error: y", "error")),
        ({20: b"ofine\n", 21: b"omake: *** [x] Error 1\n"}, (21, "make: *** [x] Error 1", "make")),
        ({20: b"ofine\n", 21: b"ogood\n"}, (20, "fine", "last line")),
        ({20: b"", 21: b"ogood\n"}, (21, "good", "last line")),
    ],
)
async def test_of_several_logs_the_one_that_says_most_counts(
    logs: dict[int, bytes], expected: tuple[int, str, str]
):
    async with visited() as site:
        _has(
            site, [_step(1, Result.FAILURE)], {number: (11, text) for number, text in logs.items()}
        )

        assert await _of_build(site) == [expected]


async def test_what_was_found_in_a_log_that_has_ended_is_kept():
    async with visited() as site:
        asked = _Counted(site)
        _has(site, [_step(1, Result.FAILURE)], {20: (11, b"oerror: x\n"), 21: (11, b"oerror: y\n")})
        site.resources.rows["logs"][1]["complete"] = False

        for _ in range(3):
            await site.get("/logs/20/first_error")
            await site.get("/logs/21/first_error")

        assert asked.count == {20: 1, 21: 3}


async def test_visitors_who_come_together_share_one_search():
    async with visited() as site:
        asked = _Counted(site)
        _has(site, [_step(1, Result.FAILURE)], {20: (11, b"oerror: x\n")})

        answers = await asyncio.gather(*(site.get("/logs/20/first_error") for _ in range(3)))

        assert all(answer == answers[0] for answer in answers)
        assert asked.count == {20: 1}


async def test_other_rules_find_other_errors():
    async with visited() as site:
        site.logs.texts[8] = b"oerror: x\noFROB\n"
        await site.get("/logs/8/first_error")

        await site.server.reconfigure(with_web(first_error_rules=(ErrorRule("ours", "FROB"),)))

        _, body = await site.get("/logs/8/first_error")
        assert body["first_errors"][0]["rule"] == "ours"


async def test_without_time_for_all_the_answer_says_so():
    async with visited(with_web(limits=WebLimits(search_seconds=1e-9))) as site:
        site.logs.texts[8] = b"ofine\nofine, too\noerror: x\n"

        _, body = await site.get("/logs/8/first_error")

        assert body["meta"] == {"total": 1, "is_complete": False}
        assert body["first_errors"][0]["rule"] == "last line"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/logs/77/first_error", 404, "not found: logs {'logid': 77}"),
        ("/builds/77/first_error", 404, "not found: builds {'buildid': 77}"),
        ("/logs/8/first_error?depth=3", 400, "unrecognized query parameter 'depth'"),
    ],
)
async def test_what_is_not_there_has_no_first_error(path: str, status: int, message: str):
    async with visited() as site:
        assert await site.get(path) == (status, {"error": message})


class _Counted:
    """Counts how often each log is read."""

    def __init__(self, site: Site) -> None:
        self.count: dict[int, int] = {}
        self._scan = site.logs.scan
        site.logs.scan = self._counting  # type: ignore[method-assign]

    async def _counting(
        self, log_id: LogId, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        self.count[log_id] = self.count.get(log_id, 0) + 1
        async for count in self._scan(log_id, first, take, with_letters=with_letters):
            yield count
