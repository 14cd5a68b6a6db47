"""Answers for which whole logs are read: searches, first errors, and failures."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.logs.error_rules import ErrorRule
from chargehand.resources import selection
from chargehand.resources.endpoints import Resolved
from chargehand.resources.field import Resource
from chargehand.resources.policy import Visitor
from chargehand.resources.query import Query
from chargehand.web.access.logs import SeenLogs
from chargehand.web.ports import Resources
from chargehand.web.rest import log_search, query_string
from chargehand.web.rest.answers import Answer, failure, success
from chargehand.web.rest.failures import Failures
from chargehand.web.rest.first_errors import FirstErrors
from chargehand.web.rest.query_string import BadQuery
from chargehand.web.rest.reading import NotFound
from chargehand.web.rest.scan_places import ScanPlaces


class WholeLogs:
    """Answers requests for ``search``, ``first_error`` and ``failures``."""

    def __init__(
        self,
        *,
        resources: Resources,
        logs: SeenLogs,
        limits: Callable[[], WebLimits],
        rules: Callable[[], tuple[ErrorRule, ...]],
    ) -> None:
        self._logs = logs
        self._places = ScanPlaces(limits=limits)
        self._first_errors = FirstErrors(
            resources=resources, logs=logs, places=self._places, rules=rules
        )
        self._failures = Failures(resources=resources, first_errors=self._first_errors)

    async def search(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        resolved: Resolved,
        parameters: str,
        *,
        compact: bool,
    ) -> Answer:
        """Return the lines of a log that match. Raises NotFound, Busy."""
        log = await self._logs.find(visitor.sees, resolved.scope)
        if log is None:
            raise NotFound(f"not found: logs {resolved.scope}")
        try:
            asked = log_search.parsed(parameters)
        except BadQuery as error:
            return failure(400, str(error))
        with self._places.place(request, visitor) as scanning:
            return await log_search.searched(scanning, log, asked, compact=compact)

    async def first_error(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        resolved: Resolved,
        parameters: str,
        *,
        compact: bool,
    ) -> Answer:
        """Return the line that says what went wrong first. Raises NotFound, Busy."""
        try:
            query = query_string.parse(parameters, resolved, visitor.sees)
        except BadQuery as error:
            return failure(400, str(error))
        rows, is_complete = await self._first_errors.rows(request, visitor, resolved)
        return _answer(resolved, query, rows, is_complete, compact=compact)

    async def failures(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        resolved: Resolved,
        parameters: str,
        *,
        compact: bool,
    ) -> Answer:
        """Return why builds failed. Raises Busy."""
        try:
            query = query_string.parse(parameters, resolved, visitor.sees)
            with self._places.place(request, visitor) as scanning:
                rows, is_complete = await self._failures.rows(scanning, query)
        except BadQuery as error:
            return failure(400, str(error))
        return _answer(resolved, query, rows, is_complete, compact=compact)


def _answer(
    resolved: Resolved, query: Query, rows: list[Resource], is_complete: bool, *, compact: bool
) -> Answer:
    page = selection.select(rows, query)
    meta = {"total": page.total, "is_complete": is_complete}
    return success(resolved.endpoint.plural, page.rows, meta, compact=compact)
