"""Changes, each with its source stamp and its parent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import BuildsetId, ChangeId, SourceStampId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.events.messages import ChangeAdded
from chargehand.store import source_stamps, state
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import inserted_id, is_among
from chargehand.store.engine.tables import (
    buildset_changes,
    buildset_source_stamps,
    buildsets,
    changes,
)
from chargehand.store.engine.transaction import Transaction

_change = changes.c

_changes = Rows(Change, changes, columns={"when": "when_timestamp"}, elsewhere=("parent_ids",))
_COLUMNS = (_change.parent_id, *_changes.columns)
_SELECT = select(*_COLUMNS).order_by(_change.id)
_BY_IDS = _SELECT.where(is_among(_change.id))
_OF_STAMPS = _SELECT.where(is_among(_change.source_stamp_id))
_OF_BUILDSET = _SELECT.where(
    or_(
        _change.source_stamp_id.in_(
            select(buildset_source_stamps.c.source_stamp_id).where(
                buildset_source_stamps.c.buildset_id == bindparam("buildset")
            )
        ),
        _change.id.in_(
            select(buildset_changes.c.change_id).where(
                buildset_changes.c.buildset_id == bindparam("buildset")
            )
        ),
    )
)
HAS_CHANGES = or_(
    exists().where(
        buildset_source_stamps.c.buildset_id == buildsets.c.id,
        changes.c.source_stamp_id == buildset_source_stamps.c.source_stamp_id,
    ),
    exists().where(buildset_changes.c.buildset_id == buildsets.c.id),
)
"""The condition that a buildset builds changes: a column for who reads the buildset anyway."""
_BUILDSETS_OF = (
    select(buildsets.c.id, buildsets.c.scheduler)
    .where(
        or_(
            buildsets.c.id.in_(
                select(buildset_source_stamps.c.buildset_id)
                .join(
                    changes, changes.c.source_stamp_id == buildset_source_stamps.c.source_stamp_id
                )
                .where(changes.c.id == bindparam("change"))
            ),
            buildsets.c.id.in_(
                select(buildset_changes.c.buildset_id).where(
                    buildset_changes.c.change_id == bindparam("change")
                )
            ),
        )
    )
    .order_by(buildsets.c.id)
)
_AFTER = _SELECT.where(_change.id > bindparam("after")).limit(bindparam("count"))
_NEWEST = select(func.max(_change.id))
_PARENT = select(func.max(_change.id)).where(
    _change.branch.is_not_distinct_from(bindparam("branch")),
    _change.repository == bindparam("repository"),
    _change.project == bindparam("project"),
    _change.codebase == bindparam("codebase"),
)
_INSERT = insert(changes)

_Line = tuple[str | None, str, str, str]


class Changes:
    """Stores changes (``intake.ChangeStore``, ``scheduling.ChangeStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add(
        self, changes: Sequence[NewChange], remember: Remembered | None = None
    ) -> list[Change]:
        """Store changes and ``remember`` in one transaction, and announce each."""
        marks = state.encoded(() if remember is None else (remember,))

        def use_case(transaction: Transaction) -> list[Change]:
            state.remember(transaction, marks)
            return _add(transaction, changes)

        return await self._database.write(use_case)

    async def changes(self, ids: Sequence[ChangeId]) -> list[Change]:
        """Return these changes, oldest first."""
        return await self._database.read_patiently(lambda connection: by_ids(connection, ids))

    async def changes_of(self, stamps: Sequence[SourceStampId]) -> list[Change]:
        """Return the changes of these source stamps, oldest first."""
        values = {"ids": ids_as_json(stamps)}
        return await self._database.read_patiently(
            lambda connection: [change_of(row) for row in connection.execute(_OF_STAMPS, values)]
        )

    async def buildsets_of(self, change_id: ChangeId) -> dict[str, list[BuildsetId]]:
        """Return the buildsets that build the change, by their schedulers' names."""

        def read(connection: Connection) -> dict[str, list[BuildsetId]]:
            found: dict[str, list[BuildsetId]] = {}
            for number, scheduler in connection.execute(_BUILDSETS_OF, {"change": change_id}):
                found.setdefault(scheduler, []).append(BuildsetId(number))
            return found

        return await self._database.read(read)

    async def changes_after(self, change_id: ChangeId, limit: int = 1000) -> list[Change]:
        """Return changes newer than that one, oldest first."""
        values = {"after": change_id, "count": limit}
        return await self._database.read_patiently(
            lambda connection: [change_of(row) for row in connection.execute(_AFTER, values)]
        )

    async def newest_change_id(self) -> ChangeId | None:
        """Return the newest change."""
        newest = await self._database.read_patiently(
            lambda connection: connection.execute(_NEWEST).scalar_one()
        )
        return None if newest is None else ChangeId(newest)

    async def source_stamps(
        self, change_ids: Sequence[ChangeId]
    ) -> dict[ChangeId, StoredSourceStamp]:
        """Return their source stamps."""
        return await self._database.read_patiently(
            lambda connection: source_stamps.of_changes(connection, change_ids)
        )


def by_ids(connection: Connection, ids: Sequence[ChangeId]) -> list[Change]:
    """Return these changes, oldest first."""
    return [change_of(row) for row in connection.execute(_BY_IDS, {"ids": ids_as_json(ids)})]


def of_buildset(connection: Connection, buildset_id: BuildsetId) -> list[Change]:
    """Return the changes that a buildset builds, oldest first: those that came with its source
    stamps, and those that were collected with them."""
    rows = connection.execute(_OF_BUILDSET, {"buildset": buildset_id})
    return [change_of(row) for row in rows]


def change_of(row: Sequence[object]) -> Change:
    """Return the value of a row of `_COLUMNS`."""
    return _changes.of(row[1:], parent_ids=() if row[0] is None else (row[0],))


def _add(transaction: Transaction, new_changes: Sequence[NewChange]) -> list[Change]:
    stamps = source_stamps.find_or_add(transaction, [_stamp_of(new) for new in new_changes])
    newest: dict[_Line, ChangeId | None] = {}
    added = []
    # Each row names the one before it as its parent, so they are inserted one after the other.
    for new, stamp in zip(new_changes, stamps, strict=True):
        line = (new.branch, new.repository, new.project, new.codebase)
        if line not in newest:
            newest[line] = _parent(transaction, line)
        change = _insert(transaction, new, stamp.stored.id, newest[line])
        newest[line] = change.id
        transaction.announce(ChangeAdded(change=change))
        added.append(change)
    return added


def _insert(
    transaction: Transaction,
    new: NewChange,
    stamp_id: SourceStampId,
    parent_id: ChangeId | None,
) -> Change:
    when = transaction.now if new.when is None else new.when
    row = {
        "source_stamp_id": stamp_id,
        "author": new.author,
        "committer": new.committer,
        "files": as_json(new.files),
        "comments": new.comments,
        "revision": new.revision,
        "when_timestamp": when,
        "branch": new.branch,
        "category": new.category,
        "revlink": new.revlink,
        "properties": as_json(new.properties),
        "repository": new.repository,
        "project": new.project,
        "codebase": new.codebase,
        "parent_id": parent_id,
        "trust": new.trust.value,
        "trust_reason": new.trust_reason,
    }
    id_ = inserted_id(transaction.connection, _INSERT, row)
    return Change.of(
        new,
        change_id=ChangeId(id_),
        source_stamp_id=stamp_id,
        when=when,
        parent_ids=() if parent_id is None else (parent_id,),
    )


def _parent(transaction: Transaction, line: _Line) -> ChangeId | None:
    names = ("branch", "repository", "project", "codebase")
    values = dict(zip(names, line, strict=True))
    found = transaction.connection.execute(_PARENT, values).scalar_one()
    return None if found is None else ChangeId(found)


def _stamp_of(new: NewChange) -> SourceStamp:
    return SourceStamp(
        branch=new.branch,
        revision=new.revision,
        repository=new.repository,
        project=new.project,
        codebase=new.codebase,
    )
