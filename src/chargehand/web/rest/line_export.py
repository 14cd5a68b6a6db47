"""Rows as one JSON object on each line, for programs that collect everything (audit logs)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from chargehand.kit.values import replace
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import Visibility
from chargehand.web.access.allowances import Allowance
from chargehand.web.ports import Resources
from chargehand.web.rest import query_string
from chargehand.web.rest.answers import encoded, failure
from chargehand.web.rest.streams import send_pieces

LINES = "application/x-ndjson"
_EXPORTED = frozenset({"audit"})
_AT_ONCE = 1_000


def is_export(request: web.BaseRequest, resolved: Resolved) -> bool:
    """Return whether a request asks for rows line by line."""
    is_asked = LINES in request.headers.get("Accept", "")
    return is_asked and resolved.endpoint.is_collection and resolved.endpoint.kind in _EXPORTED


class LineExport:
    """Sends rows in the order of their identifiers, as many as the filters let pass."""

    def __init__(self, *, resources: Resources) -> None:
        self._resources = resources

    async def send(
        self,
        request: web.BaseRequest,
        resolved: Resolved,
        parameters: str,
        sees: Visibility,
        client: Allowance,
    ) -> web.StreamResponse:
        """Answer a request. Raises TooMuch."""
        try:
            query = query_string.parse(parameters, resolved, sees)
        except ValueError as error:
            return failure(400, str(error)).response()
        headers = {"Content-Type": LINES, "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers | {"X-Content-Type-Options": "nosniff"})
        with client.large_answer():
            await send_pieces(request, response, self._lines(query, client))
        return response

    async def _lines(self, query: Query, client: Allowance) -> AsyncIterator[bytes]:
        async for rows in self._pages(query):
            client.read(len(rows))
            yield b"".join(encoded(row) + b"\n" for row in rows)

    async def _pages(self, query: Query) -> AsyncIterator[list[Resource]]:
        """Read some rows at a time; those that come meanwhile are the last."""
        identifier = KINDS[query.kind].identity
        left, last = query.limit, -1
        fields = query.fields and (identifier, *query.fields)
        while left is None or left > 0:
            page = await self._resources.fetch(
                replace(
                    query,
                    filters=(*query.filters, Filter(identifier, Operator.GT, (last,))),
                    order=(Order(identifier),),
                    limit=min(_AT_ONCE, left or _AT_ONCE),
                    offset=None,
                    fields=fields,
                )
            )
            if not page.rows:
                return
            last = page.rows[-1][identifier]
            left = None if left is None else left - len(page.rows)
            yield page.rows
