"""``master.data``: the resources of the REST API for users' code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import outward
from buildbot._border.times import datetime2epoch, epoch2datetime
from buildbot._host.views.engine_access import EngineAccess
from buildbot.data.exceptions import InvalidPathError
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import BuildId
from chargehand.domain.properties import Property
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import resolve
from chargehand.resources.query import Filter, Operator, Order


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
        """Return a Deferred of a list of dictionaries, or of one (None where there is nothing).

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
        if isinstance(found, list):
            return [entity.with_moments(one, epoch2datetime) for one in found]
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
        """Order something (``force``, ``stop``, ``rebuild`` …); returns a Deferred."""
        return outward(self._access.engine.data.control(_joined(path), action, args))


class Updates:
    """``master.data.updates``: what users' code may write."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access

    def addChange(
        self,
        files: Sequence[str] | None = None,
        comments: str | None = None,
        author: str | None = None,
        committer: str | None = None,
        revision: str | None = None,
        when_timestamp: Any = None,
        branch: str | None = None,
        category: Any = None,
        revlink: str | None = "",
        properties: Mapping[str, Any] | None = None,
        repository: str = "",
        codebase: str | None = None,
        project: str | None = "",
        src: str | None = None,
        **_: Any,
    ) -> Any:
        """Add a change; returns a Deferred of its identifier, fired when it is stored."""
        when = datetime2epoch(when_timestamp) if hasattr(when_timestamp, "year") else when_timestamp
        new = NewChange(
            author=author or "",
            committer=committer,
            files=tuple(files or ()),
            comments=comments or "",
            revision=None if revision is None else str(revision),
            when=None if when is None else float(when),
            branch=branch,
            category=category,
            revlink=revlink or "",
            properties=_sourced(properties or {}, "Change"),
            repository=repository or "",
            project=project or "",
            codebase=codebase or "",
        )
        return outward(self._add(new))

    def setBuildData(self, buildid: int, name: str, value: bytes, source: str) -> Any:
        """Store bytes for a build under a name, in the place of those it has; returns a
        Deferred."""
        if not isinstance(value, bytes):
            raise TypeError(f"build data must be bytes, not {type(value).__name__}")
        if not isinstance(name, str) or not isinstance(source, str) or not name:
            raise TypeError("the name and the source of build data must be strings")
        return outward(self._access.engine.build_data.set(BuildId(buildid), name, value, source))

    async def _add(self, new: NewChange) -> int:
        return (await self._access.engine.changes.add_change(new)).id


def _sourced(properties: Mapping[str, Any], source: str) -> dict[str, Property]:
    """Return properties with their sources; they may come as values, or as (value, source)."""
    return {
        name: (value[0], value[1])
        if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], str)
        else (value, source)
        for name, value in properties.items()
    }


def _joined(path: Sequence[Any] | str) -> str:
    return path if isinstance(path, str) else "/".join(map(str, path))


def _filter(given: Any) -> Filter:
    if isinstance(given, Filter):
        return given
    return Filter(given.field, Operator(given.op), tuple(given.values))
