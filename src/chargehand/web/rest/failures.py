"""Why builds failed, for many at once: what the build says that each failure goes back to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chargehand.domain.result import Result
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Query
from chargehand.resources.visibility import Visibility
from chargehand.web.ports import Resources
from chargehand.web.rest.first_errors import FailedStep, FirstErrors
from chargehand.web.rest.query_string import BadQuery
from chargehand.web.rest.scan_places import Scanning

_MOST = 100
_DEEPEST = 12
"""Builds that trigger builds that trigger builds …"""
_BAD = (int(Result.FAILURE), int(Result.EXCEPTION))


class _Root(msgspec.Struct):
    """The build that a failure goes back to, as far as it is known."""

    buildid: int
    builderid: int
    number: int
    others: int = 0
    """How many more of the builds that were triggered on the way to it failed."""


class Failures:
    """Says for many builds with one answer why they failed."""

    def __init__(self, *, resources: Resources, first_errors: FirstErrors) -> None:
        self._resources = resources
        self._first_errors = first_errors

    async def rows(self, scanning: Scanning, query: Query) -> tuple[list[Resource], bool]:
        """Return the rows of the builds that failed, and whether there was time for all.

        Raises BadQuery unless the question names the builds.
        """
        roots = await self._failed(query.sees, _asked(query))
        said: dict[int, FailedStep] = {}
        is_complete = True
        open_ = set(roots)
        for _ in range(_DEEPEST):
            ids = {roots[one].buildid for one in open_}
            found, is_all = await self._first_errors.of_builds(
                scanning, query.sees, sorted(ids - said.keys())
            )
            said |= found
            is_complete = is_complete and is_all
            open_ = {one for one in open_ if not _says_why(said.get(roots[one].buildid))}
            open_ = await self._descend(query.sees, roots, open_)
        rows = [
            {
                "buildid": build_id,
                "root_buildid": root.buildid,
                "root_builderid": root.builderid,
                "root_number": root.number,
                "others": root.others,
                **_row(said.get(root.buildid)),
            }
            for build_id, root in roots.items()
        ]
        return rows, is_complete

    async def _failed(self, sees: Visibility, asked: Sequence[int]) -> dict[int, _Root]:
        rows = await self._fetch("builds", sees, "buildid", asked)
        return {
            int(row["buildid"]): _Root(row["buildid"], row["builderid"], row["number"])
            for row in rows
        }

    async def _descend(
        self, sees: Visibility, roots: dict[int, _Root], open_: set[int]
    ) -> set[int]:
        """Go from builds that do not say why they failed to the first that they triggered and that
        failed; return those for which there is one."""
        parents = sorted({roots[one].buildid for one in open_})
        below: dict[int, list[Resource]] = {}
        for row in await self._fetch("triggers", sees, "parent_buildid", parents):
            below.setdefault(int(row["parent_buildid"]), []).append(row)
        open_ = {one for one in open_ if roots[one].buildid in below}
        for one in open_:
            first, *others = sorted(below[roots[one].buildid], key=lambda row: int(row["buildid"]))
            roots[one] = _Root(
                first["buildid"],
                first["builderid"],
                first["number"],
                roots[one].others + len(others),
            )
        return open_

    async def _fetch(
        self, kind: str, sees: Visibility, name: str, ids: Sequence[int]
    ) -> Sequence[Resource]:
        if not ids:
            return ()
        filters = (Filter(name, Operator.EQ, tuple(ids)), Filter("results", Operator.EQ, _BAD))
        return (await self._resources.fetch(Query(kind=kind, sees=sees, filters=filters))).rows


def _asked(query: Query) -> Sequence[int]:
    for one in query.filters:
        if one.field == "buildid" and one.operator in (Operator.EQ, Operator.IN):
            if len(one.values) > _MOST:
                raise BadQuery(f"too many builds: there may be {_MOST}")
            return tuple(int(value) for value in one.values)
    raise BadQuery("name the builds: buildid=…")


def _says_why(failed: FailedStep | None) -> bool:
    return failed is not None and failed.error is not None


def _row(failed: FailedStep | None) -> Resource:
    step = None if failed is None else failed.step
    log = None if failed is None else failed.log
    error = None if failed is None else failed.error
    return {
        "step": None if step is None else step["name"],
        "step_number": None if step is None else step["number"],
        "slug": None if log is None else log.row["slug"],
        "line": None if error is None else error.line,
        "text": None if error is None else error.text,
        "rule": None if error is None else error.rule,
    }
