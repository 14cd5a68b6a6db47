"""Access to the text of visible logs."""

from __future__ import annotations

from chargehand.domain.identifiers import LogId
from chargehand.domain.raw_log import RawLog
from chargehand.resources.field import Resource
from chargehand.resources.query import Query, Scope
from chargehand.resources.visibility import Visibility
from chargehand.web.ports import Logs, Resources


class SeenLog:
    """A log that the visitor may read."""

    def __init__(self, *, row: Resource, logs: Logs) -> None:
        self.row = row
        self.id = LogId(row["logid"])
        self._logs = logs

    async def lines(self, first: int, count: int | None) -> bytes:
        """Return these lines, with channel letters if the log has type ``s``."""
        return await self._logs.lines(self.id, first, count)

    async def raw(self) -> RawLog:
        """Return the text as written by the command, without channel letters."""
        return await self._logs.raw(self.id)


class SeenLogs:
    """Finds logs: the only way to their text, both for the web and for `master.data`."""

    def __init__(self, *, resources: Resources, logs: Logs) -> None:
        self._resources = resources
        self._logs = logs

    async def find(self, sees: Visibility, scope: Scope) -> SeenLog | None:
        """Return the log at a path, None if it does not exist or is hidden."""
        query = Query(kind="logs", scope=dict(scope), limit=1, sees=sees)
        page = await self._resources.fetch(query)
        return SeenLog(row=page.rows[0], logs=self._logs) if page.rows else None
