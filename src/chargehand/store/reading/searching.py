"""Builders, builds, changes, workers and projects that a few words name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Integer, Text, and_, bindparam, func, or_, select

from chargehand.domain.result import Result
from chargehand.kit.passwords import without_passwords
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.columns import ids_as_json, shown_of_json
from chargehand.store.engine.portable import holds, is_among
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import builders, builds, changes, projects, workers

ARGUMENT = "q"
_USUAL = 20
_MOST = 100
_MOST_WORDS = 8
_LOOKED_AT = 50_000
"""The newest changes, whose texts are looked at: that takes a tenth of a second."""
_SHORTEST_REVISION = 3
_NUMBERED = re.compile(r"(.*?)\s*#([0-9]{1,9})\Z", re.DOTALL)

_BUILDERS = select(builders.c.id, builders.c.name, builders.c.tags, builders.c.description)
_WORKERS = select(workers.c.id, workers.c.name)
_PROJECTS = select(projects.c.id, projects.c.name, projects.c.description)
_BUILDS = (
    select(
        builds.c.id,
        builds.c.builder_id,
        builds.c.number,
        builds.c.complete,
        builds.c.result,
        builds.c.state,
    )
    .where(is_among(builds.c.builder_id), builds.c.number == bindparam("number", type_=Integer()))
    .order_by(builds.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_CHANGES = select(
    changes.c.id,
    changes.c.author,
    changes.c.comments,
    changes.c.revision,
    changes.c.branch,
)
_OF_REVISION = (
    _CHANGES.where(changes.c.revision >= bindparam("low"), changes.c.revision < bindparam("high"))
    .order_by(changes.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_NEWEST = select(func.max(changes.c.id))
_TEXTS = (func.lower(changes.c.author), func.lower(changes.c.comments))
_WITH_WORDS = {
    count: _CHANGES.where(
        changes.c.id > bindparam("after"),
        and_(
            *(
                or_(*(holds(one, bindparam(f"word_{number}", type_=Text())) for one in _TEXTS))
                for number in range(count)
            )
        ),
    )
    .order_by(changes.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
    for count in range(1, _MOST_WORDS + 1)
}


def search(reading: Reading, query: Query) -> list[Resource]:
    """Return what the argument ``q`` names, of each kind the best first."""
    text = str(query.arguments.get(ARGUMENT, "")).strip()
    limit = min(query.limit or _USUAL, _MOST)
    words = text.lower().split()[:_MOST_WORDS]
    if not words:
        return []
    known = _Named(reading.execute(_BUILDERS, {}).all())
    found = [
        _builds(reading, known, text, limit),
        [_builder(row) for row in known.like(words)[:limit]],
        [
            _row("worker", row[0], row[1], "", f"/workers/{row[0]}")
            for row in _Named(reading.execute(_WORKERS, {}).all()).like(words)[:limit]
        ],
        [
            _row("project", row[0], row[1], row[2] or "", f"/projects/{row[0]}")
            for row in _Named(reading.execute(_PROJECTS, {}).all()).like(words)[:limit]
        ],
        _changes(reading, text, words, limit),
    ]
    return _fairly(found, limit)


class _Named:
    """Rows with an identifier, a name and, if they are builders, tags."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows

    def like(self, words: Sequence[str]) -> list[Sequence[Any]]:
        """Return the rows that have each of the words, the most similar first."""
        fitting = [
            row for row in self._rows if all(any(w in one for one in _texts(row)) for w in words)
        ]
        return sorted(fitting, key=_distance(" ".join(words)))

    def ids(self) -> list[int]:
        """Return all identifiers."""
        return [row[0] for row in self._rows]

    def names(self) -> dict[int, str]:
        """Return the names by identifier."""
        return {row[0]: row[1] for row in self._rows}


def _texts(row: Sequence[Any]) -> list[str]:
    texts = [str(row[1]).lower()]
    if len(row) == len(_BUILDERS.selected_columns):
        texts += [str(tag).lower() for tag in _tags(row)]
    return texts


def _tags(row: Sequence[Any]) -> list[object]:
    shown = shown_of_json(row[2])
    return shown if isinstance(shown, list) else []


def _distance(wanted: str) -> Callable[[Sequence[Any]], tuple[bool, bool, bool, str]]:
    def key(row: Sequence[Any]) -> tuple[bool, bool, bool, str]:
        name = str(row[1]).lower()
        return name != wanted, not name.startswith(wanted), wanted not in name, name

    return key


def _builder(row: Sequence[Any]) -> Resource:
    told = without_passwords(row[3] or "").partition("\n")[0]
    subtitle = ", ".join(map(str, _tags(row))) or told
    return _row("builder", row[0], row[1], subtitle, f"/builders/{row[0]}")


def _builds(reading: Reading, known: _Named, text: str, limit: int) -> list[Resource]:
    """Return the builds with a number: ``linux #34``, or ``#34`` of any builder."""
    if (parts := _NUMBERED.match(text)) is None:
        return []
    words = parts[1].lower().split()[:_MOST_WORDS]
    ids = [row[0] for row in known.like(words)] if words else known.ids()
    values = {"ids": ids_as_json(ids), "number": int(parts[2]), "limit": limit}
    rows = reading.execute(_BUILDS, values).all()
    names = known.names()
    place = {one: number for number, one in enumerate(ids)} if words else {}
    return [
        _row(
            "build",
            id_,
            f"{names[builder]} #{number}",
            _outcome(state, result) if complete else "running",
            f"/builders/{builder}/builds/{number}",
        )
        for id_, builder, number, complete, result, state in sorted(
            rows, key=lambda row: place.get(row[1], 0)
        )
    ]


def _outcome(state: str, result: int | None) -> str:
    told = without_passwords(state)
    return told if result is None else Result(result).described(told)


def _changes(reading: Reading, text: str, words: Sequence[str], limit: int) -> list[Resource]:
    """Return changes by the beginning of their revision, or words of author and comments."""
    found: dict[int, Sequence[Any]] = {}
    if len(words) == 1 and len(text) >= _SHORTEST_REVISION:
        # Whatever the order of texts is, "z" comes after the digits of revisions.
        values: dict[str, object] = {"low": text, "high": text + "zz", "limit": limit}
        for row in reading.execute(_OF_REVISION, values):
            if str(row[3]).startswith(text):
                found[row[0]] = row
    newest = reading.execute(_NEWEST, {}).scalar() or 0
    values = {"after": newest - _LOOKED_AT, "limit": limit}
    values |= {f"word_{number}": word for number, word in enumerate(words)}
    for row in reading.execute(_WITH_WORDS[len(words)], values):
        # What is not shown is not found, either.
        shown = without_passwords(f"{row[1]}\n{row[2]}").lower()
        if all(word in shown for word in words):
            found.setdefault(row[0], row)
    return [_change(row) for row in found.values()][:limit]


def _change(row: Sequence[Any]) -> Resource:
    id_, author, comments, revision, branch = row
    first = without_passwords(comments).strip().partition("\n")[0][:200]
    on = f" on {branch}" if branch else ""
    subtitle = without_passwords(f"{revision or 'no revision'} by {author}{on}")
    return _row(
        "change", id_, first or str(revision or f"change {id_}"), subtitle, f"/changes/{id_}"
    )


def _row(kind: str, id_: int, title: str, subtitle: str, path: str) -> Resource:
    return {"kind": kind, "id": id_, "title": title, "subtitle": subtitle, "path": path}


def _fairly(found: Iterable[Sequence[Resource]], limit: int) -> list[Resource]:
    """Return the first of each kind, then the second …, up to the limit; kinds stay together."""
    kinds = [list(enumerate(rows)) for rows in found]
    chosen = {
        (number, one[0])
        for round_ in zip_longest(*kinds)
        for number, one in enumerate(round_)
        if one is not None
    }
    first = sorted(chosen, key=lambda place: (place[1], place[0]))[:limit]
    return [kinds[kind][place][1] for kind, place in sorted(first)]
