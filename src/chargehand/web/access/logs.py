"""Access to the text of visible logs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence

from chargehand.domain.identifiers import LogId
from chargehand.domain.raw_log import RawLog
from chargehand.logs.searching import Take
from chargehand.resources.field import Resource
from chargehand.resources.query import Basis, Filter, Operator, Order, Query, Scope
from chargehand.resources.visibility import Visibility
from chargehand.web.ports import Logs, Resources

_Key = tuple[object, ...]
_KEPT = 256


class SeenLog:
    """A log that the visitor may read."""

    def __init__(self, *, row: Resource, logs: Logs) -> None:
        self.row = row
        self.id = LogId(row["logid"])
        self._logs = logs

    async def lines(self, first: int, count: int | None) -> bytes:
        """Return these lines, with channel letters if the log has type ``s``."""
        return await self._logs.lines(self.id, first, count)

    def lines_in_pieces(self, first: int, count: int | None) -> AsyncGenerator[bytes, None]:
        """Return the same as `lines`, in pieces of whole lines."""
        return self._logs.lines_in_pieces(self.id, first, count)

    async def raw(self) -> RawLog:
        """Return the text as written by the command, without channel letters."""
        return await self._logs.raw(self.id)

    def scan(
        self, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        """Give the lines from *first* on to *take*; yields how many it has taken since."""
        return self._logs.scan(self.id, first, take, with_letters=with_letters)


class SeenLogs:
    """Finds logs: the only way to their text, both for the web and for `master.data`."""

    def __init__(self, *, resources: Resources, logs: Logs) -> None:
        self._resources = resources
        self._logs = logs
        self._found: OrderedDict[_Key, tuple[Basis, Resource]] = OrderedDict()
        """Rows, valid until a table is written to that they, or who sees them, depend on."""

    async def find(self, sees: Visibility, scope: Scope) -> SeenLog | None:
        """Return the log at a path, None if it does not exist or is hidden."""
        key = (sees.key, *scope.items())
        row = self._kept(key)
        if row is None:
            query = Query(kind="logs", scope=dict(scope), limit=1, sees=sees)
            page = await self._resources.fetch(query)
            if not page.rows:
                return None
            row = page.rows[0]
            if page.basis is not None:
                self._keep(key, page.basis, row)
        return SeenLog(row=row, logs=self._logs)

    async def of_steps(self, sees: Visibility, step_ids: Sequence[int]) -> list[SeenLog]:
        """Return the visible logs of these steps, in the order in which they began."""
        query = Query(
            kind="logs",
            filters=(Filter("stepid", Operator.EQ, tuple(step_ids)),),
            order=(Order("logid"),),
            sees=sees,
        )
        page = await self._resources.fetch(query)
        return [SeenLog(row=row, logs=self._logs) for row in page.rows]

    def _kept(self, key: _Key) -> Resource | None:
        basis, row = self._found.get(key, (None, None))
        return row if basis is not None and self._resources.is_current(basis) else None

    def _keep(self, key: _Key, basis: Basis, row: Resource) -> None:
        self._found[key] = (basis, row)
        self._found.move_to_end(key)
        if len(self._found) > _KEPT:
            self._found.popitem(last=False)
