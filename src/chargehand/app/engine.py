"""The engine as users' code sees it: what ``self.master`` delegates to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from chargehand.app.directory import Directory
from chargehand.app.parts import Parts
from chargehand.domain.identifiers import MasterId
from chargehand.domain.user import MASTER
from chargehand.events.bus import Bus
from chargehand.execution.service import Builds
from chargehand.fleet.service import Fleet
from chargehand.intake.service import Intake
from chargehand.resources.announcements import EVENT_TYPES, announcement
from chargehand.resources.endpoints import resolve
from chargehand.resources.policy import Everybody, Visitor
from chargehand.resources.query import Filter, Order, Query, Scope
from chargehand.store.source_stamps import SourceStamps
from chargehand.store.state import State
from chargehand.web.access.logs import SeenLogs
from chargehand.web.access.stages import StageReader
from chargehand.web.control import Call, ControlDesk, Refused
from chargehand.web.reading import Reader


class Data:
    """The resources of the REST API, in the master's own process.

    *visitor* asks: for the code of the configuration, that is the master itself.
    """

    def __init__(self, parts: Parts, *, visitor: Visitor) -> None:
        resources = parts.store.resources
        stages = StageReader(resources=resources, explanations=parts.orders, forms=parts.scheduling)
        self._visitor = visitor
        self._logs = SeenLogs(resources=resources, logs=parts.store.logs)
        self._reader = Reader(resources=resources, stages=stages)
        self._desk = ControlDesk(controls=parts.orders, resources=resources, stages=stages)

    async def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        fields: Sequence[str] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[dict[str, object]] | dict[str, object] | None:
        """Return the rows of a collection, or the row of a single resource (None: there is none).

        Raises LookupError for a path that the API does not have.
        """
        resolved = resolve(tuple(path.strip("/").split("/")))
        if resolved is None:
            raise LookupError(f"the REST API has no path {path}")
        endpoint = resolved.endpoint
        if endpoint.kind == "logchunks":
            return await self._log_chunk(resolved.scope, offset or 0, limit)
        query = Query(
            kind=endpoint.kind,
            sees=self._visitor.sees,
            scope=resolved.scope,
            filters=tuple(filters),
            order=tuple(order),
            limit=limit,
            offset=offset,
            fields=tuple(fields),
            properties=("*",) if endpoint.kind in ("builds", "buildrequests") else (),
        )
        page = await self._reader.page(query)
        if endpoint.is_collection:
            return page.rows
        return page.rows[0] if page.rows else None

    async def _log_chunk(
        self, scope: Scope, first: int, count: int | None
    ) -> dict[str, object] | None:
        log = await self._logs.find(self._visitor.sees, scope)
        if log is None:
            return None
        lines = await log.lines(first, count)
        return {"logid": log.id, "firstline": first, "content": lines.decode(errors="replace")}

    async def control(self, path: str, method: str, parameters: Mapping[str, object]) -> object:
        """Order something as a client would. Raises ValueError when it cannot be done."""
        call = Call(None, method, dict(parameters))
        try:
            return await self._desk.carry_out(path.strip("/"), call, self._visitor)
        except Refused as refused:
            raise ValueError(str(refused)) from refused


class Engine:
    """Everything that the extension API may use (``buildbot._host.ports.Engine``)."""

    def __init__(
        self,
        *,
        name: str,
        bus: Bus,
        directory: Directory,
        parts: Parts,
        reconfigure: Callable[[], Awaitable[object]],
    ) -> None:
        self.name = name
        self.bus = bus
        self.builders = directory
        self.builds: Builds = parts.builds
        self.workers: Fleet = parts.fleet
        self.reconfigure = reconfigure
        self.data = Data(parts, visitor=Visitor(MASTER, Everybody()))
        self.event_types = EVENT_TYPES
        self.announcement = announcement
        self.stamps: SourceStamps = parts.store.source_stamps
        self.changes: Intake = parts.intake
        self.state: State = parts.store.state
        self.master_id: MasterId = parts.master_id
