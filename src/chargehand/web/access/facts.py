"""What is known of an order when the policy decides about it."""

from __future__ import annotations

from collections.abc import Mapping

from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.policy import Facts, Named, Visitor
from chargehand.resources.query import Query
from chargehand.resources.visibility import Visibility
from chargehand.web.access.stages import StageReader
from chargehand.web.ports import Resources

_MOST_STAMPS = 100


class OrderFacts:
    """Gathers the facts, with as many queries as there are kinds of things."""

    def __init__(self, *, resources: Resources, stages: StageReader) -> None:
        self._resources = resources
        self._stages = stages

    async def of(
        self, resolved: Resolved, parameters: Mapping[str, object], visitor: Visitor
    ) -> Facts:
        """Return what the policy wants to know of an order with these *parameters*."""
        if not visitor.needs_facts:
            return Facts(parameters=parameters)
        match resolved.endpoint.kind:
            case "builds":
                return await self._of_build(resolved, parameters, visitor.sees)
            case "buildrequests":
                rows = await self._rows("buildrequests", visitor.sees, resolved)
                return await self._of_requests(rows, parameters, visitor.sees)
            case "forceschedulers":
                return await self._of_form(resolved, parameters, visitor.sees)
        return Facts(parameters=parameters)

    async def _of_build(
        self, resolved: Resolved, parameters: Mapping[str, object], sees: Visibility
    ) -> Facts:
        builds = await self._rows("builds", sees, resolved)
        if not builds:
            return Facts(parameters=parameters)
        wanted = {"buildrequestid": int(builds[0]["buildrequestid"])}
        requests = await self._rows("buildrequests", sees, scope=wanted)
        return await self._of_requests(requests, parameters, sees)

    async def _of_requests(
        self, rows: list[Resource], parameters: Mapping[str, object], sees: Visibility
    ) -> Facts:
        if not rows:
            return Facts(parameters=parameters)
        request = rows[0]
        builders = await self._rows("builders", sees, scope={"builderid": request["builderid"]})
        buildsets = await self._rows("buildsets", sees, scope={"bsid": request["buildsetid"]})
        stamps = buildsets[0]["sourcestamps"] if buildsets else []
        owner = (request.get("properties") or {}).get("owner")
        name = str(builders[0]["name"]) if builders else ""
        branches = tuple(str(one["branch"] or "") for one in stamps[:_MOST_STAMPS])
        project = str(stamps[0]["project"] or "") if stamps else ""
        return Facts(
            things=(Named(builder=name, branches=branches, project=project),),
            owners=(str(owner[0]),) if owner else (),
            parameters=parameters,
        )

    async def _of_form(
        self, resolved: Resolved, parameters: Mapping[str, object], sees: Visibility
    ) -> Facts:
        """Return the builders that are to be forced: those that are named, or all of the form."""
        names: object = parameters.get("builderNames")
        if not names and isinstance(number := parameters.get("builderid"), int | str):
            wanted = int(number) if str(number).isdigit() else -1
            rows = await self._rows("builders", sees, scope={"builderid": wanted})
            names = [row["name"] for row in rows]
        if not names:
            forms = await self._stages.forms(sees)
            scheduler = resolved.scope["schedulername"]
            names = [
                one for form in forms if form["name"] == scheduler for one in form["builder_names"]
            ]
        if isinstance(names, str):
            names = [names]
        told = names if isinstance(names, list | tuple) else []
        return Facts(
            things=tuple(
                Named(builder=str(name), branches=(str(parameters.get("branch", "")),))
                for name in told
            ),
            parameters=parameters,
        )

    async def _rows(
        self,
        kind: str,
        sees: Visibility,
        resolved: Resolved | None = None,
        *,
        scope: Mapping[str, int | str] | None = None,
    ) -> list[Resource]:
        where = resolved.scope if resolved is not None else scope or {}
        properties = ("owner",) if kind == "buildrequests" else ()
        query = Query(kind=kind, scope=where, sees=sees, limit=1, properties=properties)
        return (await self._resources.fetch(query)).rows
