"""Data held by the stages instead of the store: force forms, and why requests wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.identifiers import BuilderId, BuildId, ChangeId, RequestId
from chargehand.domain.prediction import Prediction
from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.waiting import BuilderNotConfigured, Waiting
from chargehand.domain.waiting_line import MOST_NAMED, WaitingLine
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.values import replace
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.reasons import as_seen
from chargehand.resources.visibility import Visibility
from chargehand.resources.waiting_groups import grouped, holders_of
from chargehand.web.ports import Explanations, ForceForms, Resources

Id = TypeVar("Id", bound=int)


class StageReader:
    """Queries the stages and removes what the visitor may not see; the only way to them."""

    def __init__(
        self,
        *,
        resources: Resources,
        explanations: Explanations,
        forms: ForceForms,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._resources = resources
        self._explanations = explanations
        self._forms = forms

    async def forms(
        self, sees: Visibility, builder_id: BuilderId | None = None, *, asked: bool = False
    ) -> list[Resource]:
        """Return the force schedulers (optionally of one builder), without hidden builders.

        With *asked*, users' functions have said what may be chosen.
        """
        forms = (
            await self._forms.asked_forms(builder_id) if asked else self._forms.forms(builder_id)
        )
        if sees.every_builder:
            return forms
        seen = await self._builder_names(sees)
        narrowed = [
            form | {"builder_names": [name for name in form["builder_names"] if name in seen]}
            for form in forms
        ]
        return [form for form in narrowed if form["builder_names"]]

    async def why_waiting(self, sees: Visibility, request_id: RequestId) -> Waiting | None:
        """Return the reason, None if the request is not waiting. Raises LookupError."""
        if not sees.is_everything:
            scope = {"buildrequestid": request_id}
            fields = ("buildrequestid",)
            query = Query(kind="buildrequests", scope=scope, fields=fields, sees=sees)
            if not (await self._resources.fetch(query)).rows:
                raise LookupError(f"there is no buildrequestid {request_id}")
        waiting = await self._explanations.why_waiting(request_id)
        if waiting is None:
            return None
        return (await self._as_seen(sees, {request_id: waiting}))[request_id]

    async def outcomes_of(self, sees: Visibility, change_id: ChangeId) -> list[ChangeOutcome]:
        """Return what schedulers did with a change. Raises LookupError.

        Who does not see everything hears only of the buildsets of which they see requests.
        """
        query = Query(kind="changes", scope={"changeid": change_id}, sees=sees)
        if not (await self._resources.fetch(query)).rows:
            raise LookupError(f"there is no changeid {change_id}")
        fates = await self._explanations.outcomes_of(change_id)
        if sees.is_everything:
            return fates
        told = [fate for fate in fates if fate.kind in ("built", "no_scheduler")]
        return [
            fate
            for fate in told
            if fate.kind == "no_scheduler" or await self._sees_all_of(sees, fate)
        ]

    def waiting_changes(self, sees: Visibility) -> list[WaitingChanges]:
        """Return what waits for tree-stable timers, for visitors who see everything."""
        return self._explanations.waiting_changes() if sees.is_everything else []

    def refused_logins(self, sees: Visibility) -> Sequence[RefusedLogin]:
        """Return the refused logins of workers, for visitors who see everything."""
        return self._explanations.refused_logins() if sees.is_everything else []

    async def _sees_all_of(self, sees: Visibility, fate: ChangeOutcome) -> bool:
        ids = fate.details["buildsetids"]
        assert isinstance(ids, list)
        query = Query(
            kind="buildsets", sees=sees, filters=(Filter("bsid", Operator.IN, tuple(ids)),)
        )
        return len((await self._resources.fetch(query)).rows) == len(ids)

    async def why_build_waits(
        self, sees: Visibility, scope: Mapping[str, int | str]
    ) -> Waiting | None:
        """Return what a build waits for, None when it does not. Raises LookupError."""
        build_id = await self._build_id(sees, scope)
        return (await self.why_builds_wait(sees, [build_id])).get(build_id)

    async def predictions(
        self, sees: Visibility, scope: Mapping[str, int | str]
    ) -> tuple[BuildId, Sequence[Prediction]]:
        """Return a build, and when it and its step are expected to end. Raises LookupError."""
        build_id = await self._build_id(sees, scope)
        return build_id, self._explanations.predictions(build_id)

    async def _build_id(self, sees: Visibility, scope: Mapping[str, int | str]) -> BuildId:
        query = Query(kind="builds", scope=scope, fields=("buildid",), sees=sees)
        rows = (await self._resources.fetch(query)).rows
        if not rows:
            raise LookupError("there is no such build")
        return BuildId(int(rows[0]["buildid"]))

    async def why_builds_wait(
        self, sees: Visibility, build_ids: Iterable[BuildId]
    ) -> dict[BuildId, Waiting]:
        """Return what builds wait for, of those that do, as *sees* already knows them to."""
        asked = {build_id: self._explanations.why_build_waits(build_id) for build_id in build_ids}
        waiting = {build_id: why for build_id, why in asked.items() if why is not None}
        return await self._as_seen(sees, waiting)

    async def why_these_wait(
        self, sees: Visibility, requests: Mapping[RequestId, BuilderId]
    ) -> dict[RequestId, Waiting]:
        """Return the reasons for requests that are waiting and visible to *sees*."""
        return await self._as_seen(sees, self._explanations.why_these_wait(requests))

    async def waiting_groups(
        self, sees: Visibility, builder_id: BuilderId | None = None
    ) -> list[Resource]:
        """Return what waits, of one builder or of all, by what it waits for."""
        scope = {} if builder_id is None else {"builderid": builder_id}
        query = Query(kind="builders", sees=sees, scope=scope, fields=("builderid", "name"))
        found = (await self._resources.fetch(query)).rows
        names = {BuilderId(int(row["builderid"])): str(row["name"]) for row in found}
        here = self._explanations.waiting_lines()
        lines = [line for line in here if line.builder_id in names]
        lines += await self._not_here(sees, {line.builder_id for line in here}, scope)
        seen = await self._as_seen(sees, {place: line.why for place, line in enumerate(lines)})
        lines = [replace(line, why=seen[place]) for place, line in enumerate(lines)]
        holders = {one.build_id for line in lines for one in holders_of(line.why) if one.build_id}
        return grouped(
            lines,
            builder_names=names,
            started_at=await self._started_at(sees, holders),
            now=self._clock.timestamp(),
        )

    async def _not_here(
        self, sees: Visibility, known: set[BuilderId], scope: Mapping[str, int]
    ) -> list[WaitingLine]:
        """Return what waits at builders that this master does not run."""
        filters = [Filter("claimed", Operator.EQ, (False,))]
        if known:
            filters.append(Filter("builderid", Operator.NOT_IN, tuple(known)))
        query = Query(
            kind="buildrequests",
            sees=sees,
            scope=scope,
            filters=tuple(filters),
            # As the index of what waits has them: else all requests there ever were are read.
            order=(Order("builderid"), Order("buildrequestid")),
            fields=("buildrequestid", "builderid", "submitted_at"),
        )
        waiting: dict[BuilderId, list[Resource]] = {}
        for row in (await self._resources.fetch(query)).rows:
            waiting.setdefault(BuilderId(int(row["builderid"])), []).append(row)
        return [
            WaitingLine(
                builder_id=builder_id,
                why=BuilderNotConfigured(),
                count=len(rows),
                oldest_submitted_at=min(row["submitted_at"] for row in rows),
                request_ids=tuple(row["buildrequestid"] for row in rows[:MOST_NAMED]),
            )
            for builder_id, rows in waiting.items()
        ]

    async def _started_at(self, sees: Visibility, build_ids: set[BuildId]) -> dict[BuildId, float]:
        if not build_ids:
            return {}
        among = (Filter("buildid", Operator.IN, tuple(sorted(build_ids))),)
        query = Query(kind="builds", sees=sees, filters=among, fields=("buildid", "started_at"))
        rows = (await self._resources.fetch(query)).rows
        return {BuildId(int(row["buildid"])): float(row["started_at"]) for row in rows}

    async def _as_seen(self, sees: Visibility, reasons: dict[Id, Waiting]) -> dict[Id, Waiting]:
        if sees.is_everything or not reasons:
            return reasons
        names = await self._builder_names(sees)
        return {
            one: as_seen(waiting, workers=sees.workers, builder_names=names)
            for one, waiting in reasons.items()
        }

    async def _builder_names(self, sees: Visibility) -> frozenset[str]:
        page = await self._resources.fetch(Query(kind="builders", fields=("name",), sees=sees))
        return frozenset(str(row["name"]) for row in page.rows)
