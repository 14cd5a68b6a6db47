"""What a visitor may order, before they order it: the policy decides as about the order itself."""

from __future__ import annotations

from collections.abc import Mapping

from chargehand.domain.identifiers import BuilderId
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Query
from chargehand.web.access.facts import OrderFacts
from chargehand.web.access.stages import StageReader
from chargehand.web.ports import Resources
from chargehand.web.rest.order_parameters import ORDERS
from chargehand.web.rest.reading import NotFound, resolved_path

_FORCE = "force"
_FORMS = "forceschedulers"


class Actions:
    """Answers which orders are allowed, without giving one."""

    def __init__(self, *, resources: Resources, stages: StageReader) -> None:
        self._resources = resources
        self._stages = stages
        self._facts = OrderFacts(resources=resources, stages=stages)

    async def rows(
        self, path: str, visitor: Visitor, parameters: Mapping[str, object]
    ) -> list[Resource]:
        """Return a row for each order of the resource whose actions *path* asks for.

        Of a force scheduler, it may be about one of its builders only (``builderid``). Raises
        NotFound if the visitor does not see the resource.
        """
        of = path.strip("/").removesuffix("/actions")
        resolved = resolved_path(of)
        kind = resolved.endpoint.kind
        if kind == _FORMS:
            forms = await self._stages.forms(visitor.sees)
            if all(form["name"] != resolved.scope["schedulername"] for form in forms):
                raise NotFound(f"not found: /{of}")
        else:
            query = Query(kind=kind, sees=visitor.sees, scope=resolved.scope, limit=1)
            found = (await self._resources.fetch(query)).rows
            if not found:
                raise NotFound(f"not found: /{of}")
            if kind == "builders":
                return [await self._force(found[0], visitor)]
        return [
            _row(action, await self._why_refused(action, of, resolved, parameters, visitor))
            for of_kind, action in ORDERS
            if of_kind == kind
        ]

    async def _force(self, builder: Resource, visitor: Visitor) -> Resource:
        """Say whether one of the builder's forms may be used for it."""
        forms = await self._stages.forms(visitor.sees, BuilderId(int(builder["builderid"])))
        why: str | None = "no force scheduler is for this builder"
        for form in forms:
            path = f"{_FORMS}/{form['name']}"
            resolved = Resolved(
                resolved_path(f"{_FORMS}/x").endpoint, {"schedulername": form["name"]}
            )
            named: Resource = {"builderNames": [builder["name"]]}
            why = await self._why_refused(_FORCE, path, resolved, named, visitor)
            if why is None:
                break
        return _row(_FORCE, why)

    async def _why_refused(
        self,
        action: str,
        path: str,
        resolved: Resolved,
        parameters: Mapping[str, object],
        visitor: Visitor,
    ) -> str | None:
        facts = await self._facts.of(resolved, parameters, visitor)
        return await visitor.why_refused(action, path, facts)


def _row(action: str, why: str | None) -> Resource:
    return {"action": action, "is_allowed": why is None, "reason": why}
