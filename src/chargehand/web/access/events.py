"""Filters live events for visitors with restricted visibility."""

from __future__ import annotations

from collections.abc import Sequence

from chargehand.resources.announcements import Announcement, Key
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import Resource
from chargehand.resources.query import Filter, Operator, Query
from chargehand.resources.visibility import Visibility
from chargehand.web.ports import Resources

_REFERENCES: dict[str, tuple[str, ...]] = {
    "builds": ("workerid",),
    "buildsets": ("parent_buildid", "rebuilt_buildid", "sourcestamps"),
    "workers": ("configured_on",),
}
"""By kind: the fields that refer to other resources, which may be hidden."""


class SeenEvents:
    """Checks events in batches with the same SQL as all other reading."""

    def __init__(self, *, resources: Resources) -> None:
        self._resources = resources

    async def of(self, sees: Visibility, told: Sequence[Announcement]) -> list[Announcement | None]:
        """Return what is visible of each announcement, None if nothing is."""
        wanted: dict[str, set[int]] = {}
        for keys, _ in told:
            kind, identity = _subject(keys)
            wanted.setdefault(kind, set()).add(identity)
        found = {kind: await self._rows(sees, kind, ids) for kind, ids in wanted.items()}
        left: list[Announcement | None] = []
        for keys, resource in told:
            kind, identity = _subject(keys)
            if (row := found[kind].get(identity)) is None:
                left.append(None)
            elif keys[0][2] == "properties":
                names = await self._properties(sees, identity)
                left.append((keys, {name: resource[name] for name in resource if name in names}))
            else:
                masked = {name: row[name] for name in _references(kind) if name in resource}
                left.append((_seen_keys(kind, keys, row), resource | masked))
        return left

    async def _rows(self, sees: Visibility, kind: str, ids: set[int]) -> dict[int, Resource]:
        identity = KINDS[kind].identity
        chosen = (Filter(identity, Operator.IN, tuple(sorted(ids))),)
        query = Query(kind=kind, sees=sees, filters=chosen, fields=_references(kind))
        return {row[identity]: row for row in (await self._resources.fetch(query)).rows}

    async def _properties(self, sees: Visibility, build_id: int) -> frozenset[str]:
        query = Query(kind="properties", sees=sees, scope={"buildid": build_id})
        page = await self._resources.fetch(query)
        return frozenset(page.rows[0]) if page.rows else frozenset()


def _references(kind: str) -> tuple[str, ...]:
    return (KINDS[kind].identity, *_REFERENCES.get(kind, ()))


def _subject(keys: Sequence[Key]) -> tuple[str, int]:
    """Return the subject of an announcement: the prefix of its shortest key."""
    key = min(keys, key=len)
    return key[0], int(key[1])


def _seen_keys(kind: str, keys: tuple[Key, ...], row: Resource) -> tuple[Key, ...]:
    """Drop keys that contain a hidden worker."""
    if kind == "workers" or row.get("workerid", 0) is not None:
        return keys
    return tuple(key for key in keys if key[0] != "workers")
