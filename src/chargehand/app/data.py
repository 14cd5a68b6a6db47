"""The REST API's resources for code in the master's process: ``master.data``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chargehand.resources.endpoints import resolve
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Filter, Listed, Order, Query, Scope
from chargehand.web.access.logs import SeenLogs
from chargehand.web.access.stages import StageReader
from chargehand.web.ports import Controls, Explanations, ForceForms, Logs, Resources
from chargehand.web.rest.control import Call, ControlMethods, Refused
from chargehand.web.rest.reading import Reader

_OVER_HTTP = {"actions", "configured_builders", "failures", "first_errors", "matches"}


class Data:
    """The REST API's resources, in the master's process.

    *visitor* is the caller: for code of the configuration, the master itself. It gets texts as they
    are stored, with passwords in addresses.
    """

    def __init__(
        self,
        *,
        visitor: Visitor,
        resources: Resources,
        logs: Logs,
        controls: Controls,
        explanations: Explanations,
        forms: ForceForms,
    ) -> None:
        stages = StageReader(resources=resources, explanations=explanations, forms=forms)
        self._visitor = visitor
        self._logs = SeenLogs(resources=resources, logs=logs)
        self._reader = Reader(resources=resources, stages=stages)
        self._desk = ControlMethods(controls=controls, resources=resources, stages=stages)

    async def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        fields: Sequence[str] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> Listed | Resource | None:
        """Return the rows of a collection, or the row of a single resource or None.

        Raises LookupError for an unknown path.
        """
        resolved = resolve(tuple(path.strip("/").split("/")))
        if resolved is None:
            raise LookupError(f"the REST API has no path {path}")
        endpoint = resolved.endpoint
        if endpoint.kind == "logchunks":
            return await self._log_chunk(resolved.scope, offset or 0, limit)
        if endpoint.kind in _OVER_HTTP:
            raise LookupError(f"{path} is answered over HTTP only")
        query = Query(
            kind=endpoint.kind,
            sees=self._visitor.sees,
            scope=resolved.scope,
            filters=tuple(filters),
            order=tuple(order),
            limit=limit,
            offset=offset,
            fields=tuple(fields),
            reveals=True,
            properties=("*",) if endpoint.kind in ("builds", "buildrequests") else (),
        )
        page = await self._reader.page(query)
        if endpoint.is_collection:
            return Listed(page.rows, page.total)
        return page.rows[0] if page.rows else None

    async def _log_chunk(self, scope: Scope, first: int, count: int | None) -> Resource | None:
        log = await self._logs.find(self._visitor.sees, scope)
        if log is None:
            return None
        lines = await log.lines(first, count)
        return {"logid": log.id, "firstline": first, "content": lines.decode(errors="replace")}

    async def control(self, path: str, method: str, parameters: Mapping[str, object]) -> object:
        """Call a control method, as a client would. Raises ValueError if it fails."""
        call = Call(None, method, dict(parameters))
        try:
            return await self._desk.carry_out(path.strip("/"), call, self._visitor)
        except Refused as refused:
            raise ValueError(str(refused)) from refused
