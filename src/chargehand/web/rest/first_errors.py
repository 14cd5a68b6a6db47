"""The first error of a log, and of a build: of its first step that failed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from chargehand.domain.build import LogType
from chargehand.domain.result import Result
from chargehand.logs.error_rules import ErrorRule, Grade
from chargehand.logs.first_error import FirstError, FirstErrorSearch
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Filter, Operator, Query, Scope
from chargehand.resources.visibility import Visibility
from chargehand.web.access.logs import SeenLog, SeenLogs
from chargehand.web.ports import Resources
from chargehand.web.rest.reading import NotFound
from chargehand.web.rest.scan_places import Scanning, ScanPlaces

Rules = tuple[ErrorRule, ...]

_KEPT = 1_000
_RANK = {
    Result.FAILURE: 0,
    Result.EXCEPTION: 0,
    Result.RETRY: 1,
    Result.CANCELLED: 1,
    Result.WARNINGS: 2,
}
"""Results of steps; the least says most about why a build failed."""


class Found(msgspec.Struct, frozen=True):
    """What was found in one log."""

    error: FirstError | None
    grade: Grade | None
    is_complete: bool = True


class FailedStep(msgspec.Struct, frozen=True):
    """The step with which a build failed, and the line that says what went wrong, if one does."""

    step: Resource
    log: SeenLog | None = None
    error: FirstError | None = None


class FirstErrors:
    """Finds first errors; what it found in logs that have ended is kept."""

    def __init__(
        self,
        *,
        resources: Resources,
        logs: SeenLogs,
        places: ScanPlaces,
        rules: Callable[[], Rules],
    ) -> None:
        self._resources = resources
        self._logs = logs
        self._places = places
        self._rules = rules
        self._kept: OrderedDict[tuple[Rules, int, str, int], Found] = OrderedDict()
        self._under_way: dict[int, asyncio.Event] = {}

    async def rows(
        self, request: web.BaseRequest, visitor: Visitor, resolved: Resolved
    ) -> tuple[list[Resource], bool]:
        """Return the row, or none, and whether there was time for all. Raises NotFound, Busy."""
        with self._places.place(request, visitor) as scanning:
            if "log_slug" in resolved.scope or "logid" in resolved.scope:
                return await self._of_log(scanning, visitor.sees, resolved.scope)
            return await self._of_build(scanning, visitor.sees, resolved.scope)

    async def _of_log(
        self, scanning: Scanning, sees: Visibility, scope: Scope
    ) -> tuple[list[Resource], bool]:
        log = await self._logs.find(sees, scope)
        if log is None:
            raise NotFound(f"not found: logs {scope}")
        found = await self._found(scanning, log)
        if found.error is None:
            return [], found.is_complete
        steps = await self._fetch("steps", sees, {"stepid": log.row["stepid"]})
        return [_row(step, log, found.error) for step in steps], found.is_complete

    async def _of_build(
        self, scanning: Scanning, sees: Visibility, scope: Scope
    ) -> tuple[list[Resource], bool]:
        builds = await self._fetch("builds", sees, scope)
        if not builds:
            raise NotFound(f"not found: builds {scope}")
        if builds[0]["results"] in (Result.SUCCESS, Result.SKIPPED):
            return [], True
        found, is_complete = await self.of_builds(scanning, sees, (builds[0]["buildid"],))
        return [
            _row(one.step, one.log, one.error) for one in found.values() if one.log and one.error
        ], is_complete

    async def of_builds(
        self, scanning: Scanning, sees: Visibility, build_ids: Sequence[int]
    ) -> tuple[dict[int, FailedStep], bool]:
        """Return the step that failed first of each build that has one, and what it says; and
        whether there was time for all."""
        steps = await self._failed_steps(sees, build_ids)
        logs: dict[int, list[SeenLog]] = {}
        ids = [int(step["stepid"]) for step in steps.values()]
        for log in await self._logs.of_steps(sees, ids) if ids else ():
            logs.setdefault(log.row["stepid"], []).append(log)
        found = {}
        is_complete = True
        for build_id, step in steps.items():
            found[build_id], is_all = await self._of_step(
                scanning, step, logs.get(step["stepid"], [])
            )
            is_complete = is_complete and is_all
        return found, is_complete

    async def _failed_steps(
        self, sees: Visibility, build_ids: Sequence[int]
    ) -> dict[int, Resource]:
        query = Query(
            kind="steps",
            filters=(
                Filter("buildid", Operator.EQ, tuple(build_ids)),
                Filter("results", Operator.EQ, tuple(int(one) for one in _RANK)),
            ),
            sees=sees,
        )
        steps: dict[int, Resource] = {}
        for step in (await self._resources.fetch(query)).rows if build_ids else ():
            known = steps.get(step["buildid"])
            if not step["hidden"] and (known is None or _rank(step) < _rank(known)):
                steps[step["buildid"]] = step
        return {one: steps[one] for one in build_ids if one in steps}

    async def _of_step(
        self, scanning: Scanning, step: Resource, logs: Sequence[SeenLog]
    ) -> tuple[FailedStep, bool]:
        best: tuple[SeenLog, Found] | None = None
        is_complete = True
        for log in logs:
            if log.row["type"] in (LogType.HTML, LogType.DELETED):
                continue
            found = await self._found(scanning, log)
            is_complete = is_complete and found.is_complete
            if found.error is not None and (best is None or _is_better(found, best[1])):
                best = log, found
            if found.grade is Grade.CAUSE:
                break
        if best is None or best[1].error is None:
            return FailedStep(step), is_complete
        return FailedStep(step, best[0], best[1].error), is_complete

    async def _found(self, scanning: Scanning, log: SeenLog) -> Found:
        """Return what there is in a log; of equal questions one at a time looks for it."""
        rules = self._rules()
        key = (rules, log.id, log.row["type"], log.row["num_lines"])
        while (found := self._kept.get(key)) is None:
            if (turn := self._under_way.get(log.id)) is None:
                return await self._looked_for(scanning, log, rules, key)
            await turn.wait()
        self._kept.move_to_end(key)
        return found

    async def _looked_for(
        self, scanning: Scanning, log: SeenLog, rules: Rules, key: tuple[Rules, int, str, int]
    ) -> Found:
        turn = self._under_way[log.id] = asyncio.Event()
        try:
            search = FirstErrorSearch(rules, has_letters=log.row["type"] == LogType.STDIO)
            _, is_complete = await scanning.scan(log, 0, search.take, with_letters=True)
        finally:
            del self._under_way[log.id]
            turn.set()
        found = Found(search.found, search.grade, is_complete)
        if is_complete and log.row["complete"]:
            self._kept[key] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    async def _fetch(self, kind: str, sees: Visibility, scope: Scope) -> Sequence[Resource]:
        return (await self._resources.fetch(Query(kind=kind, sees=sees, scope=scope))).rows


def _rank(step: Resource) -> tuple[int, int]:
    return _RANK[step["results"]], int(step["number"])


def _is_better(found: Found, other: Found) -> bool:
    lowest = len(Grade) + 1
    return (found.grade or lowest) < (other.grade or lowest)


def _row(step: Resource, log: SeenLog, error: FirstError) -> Resource:
    return {
        "stepid": step["stepid"],
        "step": step["name"],
        "logid": log.id,
        "slug": log.row["slug"],
        "line": error.line,
        "text": error.text,
        "rule": error.rule,
    }
