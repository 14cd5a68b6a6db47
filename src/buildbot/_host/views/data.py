"""``master.data``: the resources of the REST API for users' code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import outward
from buildbot._border.times import epoch2datetime
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.updates import Updates
from buildbot.data.exceptions import InvalidControlException, InvalidPathError
from buildbot.data.resultspec import ListResult
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import resolve
from chargehand.resources.query import Filter, Listed, Operator, Order


class DataView:
    """Reads resources (``get``) and orders things (``control``, ``updates``)."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access
        self.updates = Updates(access)

    def get(
        self,
        path: Sequence[Any] | str,
        filters: Sequence[Any] | None = None,
        fields: Sequence[str] | None = None,
        order: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Any:
        """Return a Deferred of a `ListResult` of dictionaries, or of one dictionary (None where
        there is nothing).

        *path* is a tuple like ``("builders", 1, "builds")``; points in time are datetimes.
        """
        return outward(self.fetch(path, filters, fields, order, limit, offset))

    async def fetch(
        self,
        path: Sequence[Any] | str,
        filters: Sequence[Any] | None = None,
        fields: Sequence[str] | None = None,
        order: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Any:
        """Do the work of `get`."""
        text = _joined(path)
        resolved = resolve(tuple(text.strip("/").split("/")))
        if resolved is None and text.strip("/"):
            raise InvalidPathError(f"the data API has no path {text!r}")
        found = await self._access.engine.data.get(
            text,
            filters=[_filter(one) for one in filters or ()],
            fields=fields or (),
            order=[Order(one.lstrip("-"), one.startswith("-")) for one in order or ()],
            limit=limit,
            offset=offset,
        )
        if resolved is None or found is None:
            return found
        entity = KINDS[resolved.endpoint.plural]
        if isinstance(found, Listed):
            rows = [entity.with_moments(one, epoch2datetime) for one in found]
            return ListResult(rows, offset, found.total, limit)
        return entity.with_moments(found, epoch2datetime)

    def get_with_resultspec(self, path: Sequence[Any] | str, resultspec: Any) -> Any:
        """Return the same, with the choice of rows given as a ResultSpec."""
        return self.get(
            path,
            filters=resultspec.filters,
            fields=resultspec.fields,
            order=resultspec.order,
            limit=resultspec.limit,
            offset=resultspec.offset,
        )

    async def select(
        self, kind: str, wanted: Mapping[str, Any], resultspec: Any = None
    ) -> list[dict[str, Any]]:
        """Return the rows of a collection whose fields have the values that are not None."""
        filters = [
            Filter(name, Operator.EQ, (value,))
            for name, value in wanted.items()
            if value is not None
        ]
        rows: list[dict[str, Any]] = await self.fetch(
            kind,
            filters=[*filters, *(getattr(resultspec, "filters", None) or ())],
            order=getattr(resultspec, "order", None),
            limit=getattr(resultspec, "limit", None),
            offset=getattr(resultspec, "offset", None),
        )
        return rows

    def control(self, action: str, args: Mapping[str, Any], path: Sequence[Any] | str) -> Any:
        """Order something (``force``, ``stop``, ``rebuild`` …); returns a Deferred.

        Where builds were ordered it fires with ``(buildset id, {builder id: request id})``.

        Raises InvalidControlException, which says what was refused, and why.
        """
        return outward(self._control(_joined(path), action, args))

    async def _control(self, path: str, action: str, args: Mapping[str, Any]) -> Any:
        try:
            made = await self._access.engine.data.control(path, action, args)
        except ValueError as error:
            raise InvalidControlException(str(error)) from error
        if isinstance(made, list):
            buildset, requests = made  # in JSON, where a key is always a string
            return buildset, {int(builder): request for builder, request in requests.items()}
        return made


def _joined(path: Sequence[Any] | str) -> str:
    return path if isinstance(path, str) else "/".join(map(str, path))


def _filter(given: Any) -> Filter:
    if isinstance(given, Filter):
        return given
    return Filter(given.field, Operator(given.op), tuple(given.values))
