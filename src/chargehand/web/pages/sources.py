"""Sources of builds: branch, revision, author and message, loaded for many builds at once."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator

_CHANGES = 500


class Rows(Protocol):
    """Reads the resources that one visitor may see."""

    def __call__(
        self,
        kind: str,
        *,
        filters: tuple[Filter, ...] = (),
        fields: tuple[str, ...] = (),
        limit: int | None = None,
    ) -> Awaitable[list[Resource]]:
        """Return the rows."""


async def with_sources(builds: list[Resource], rows: Rows) -> list[Resource]:
    """Add each build's ``source``: ``branch``, ``revision``, ``author``, ``message``, ``changeid``.

    Builds must carry their ``properties`` (for the revision that the source step found). Runs
    three queries, regardless of the number of builds.
    """
    if not builds:
        return []
    stamps = await _stamps(builds, rows)
    changes = await _changes(stamps, rows)
    return [build | {"source": _source(build, stamps, changes)} for build in builds]


async def _stamps(builds: list[Resource], rows: Rows) -> dict[int, list[Resource]]:
    """Return the source stamps by request."""
    requests = await _found(rows, "buildrequests", "buildrequestid", builds, ("buildsetid",))
    found = [{"bsid": request["buildsetid"]} for request in requests]
    buildsets = await _found(rows, "buildsets", "bsid", found, ("sourcestamps",))
    by_buildset = {buildset["bsid"]: buildset["sourcestamps"] for buildset in buildsets}
    return {
        request["buildrequestid"]: by_buildset.get(request["buildsetid"], [])
        for request in requests
    }


async def _changes(
    stamps: dict[int, list[Resource]], rows: Rows
) -> dict[tuple[str, str], Resource]:
    """Return changes by codebase and revision."""
    wanted = [{"revision": stamp["revision"]} for some in stamps.values() for stamp in some]
    fields = ("changeid", "codebase", "author", "comments")
    found = await _found(rows, "changes", "revision", wanted, fields, limit=_CHANGES)
    return {(change["codebase"], change["revision"]): change for change in found}


async def _found(
    rows: Rows,
    kind: str,
    field: str,
    wanted: list[Resource],
    fields: tuple[str, ...],
    limit: int | None = None,
) -> list[Resource]:
    values = tuple({row[field] for row in wanted if row[field]})
    if not values:
        return []
    chosen = (Filter(field, Operator.IN, values),)
    return await rows(kind, filters=chosen, fields=(field, *fields), limit=limit)


def _source(
    build: Resource,
    stamps: dict[int, list[Resource]],
    changes: dict[tuple[str, str], Resource],
) -> Resource:
    of_build = stamps.get(build["buildrequestid"], [])
    known = [
        change
        for stamp in of_build
        if (change := changes.get((stamp["codebase"], stamp["revision"]))) is not None
    ]
    stamp = next((stamp for stamp in of_build if stamp["branch"] or stamp["revision"]), {})
    got, _ = (build.get("properties") or {}).get("got_revision", ("", ""))
    change = known[0] if known else {}
    return {
        "branch": stamp.get("branch") or "",
        "revision": (got if isinstance(got, str) else "") or stamp.get("revision") or "",
        "author": change.get("author", ""),
        "message": change.get("comments", "").strip().partition("\n")[0],
        "changeid": change.get("changeid"),
    }
