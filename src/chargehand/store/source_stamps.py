"""Source stamps: equal ones are one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, exists, insert, select

from chargehand.domain.identifiers import BuildsetId, ChangeId, SourceStampId, Timestamp
from chargehand.domain.source_stamp import Patch, SourceStamp, StoredSourceStamp
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import inserted_id, inserted_ids, is_among
from chargehand.store.engine.tables import (
    buildset_source_stamps,
    changes,
    patches,
    source_stamps,
)
from chargehand.store.engine.transaction import Transaction

_stamp = source_stamps.c
_patch = patches.c
_of_buildset = buildset_source_stamps.c
_HAS_CHANGES = exists().where(changes.c.source_stamp_id == _stamp.id)

_stamps = Rows(SourceStamp, source_stamps, elsewhere=("patch",))
_patches = Rows(Patch, patches)
_SELECT = select(
    _stamp.id,
    _stamp.digest,
    _stamp.created_at,
    _HAS_CHANGES.label("has_changes"),
    *_stamps.columns,
    _stamp.patch_id,
    *_patches.columns,
).select_from(source_stamps.outerjoin(patches))
_PATCH_ID = 4 + len(_stamps.columns)
_OF_BUILDSETS = (
    _SELECT.add_columns(_of_buildset.buildset_id)
    .join(buildset_source_stamps, _of_buildset.source_stamp_id == _stamp.id)
    .where(is_among(_of_buildset.buildset_id))
    .order_by(_stamp.codebase)
)
_BY_DIGEST = _SELECT.where(_stamp.digest == bindparam("one"))
_BY_IDS = _SELECT.where(is_among(_stamp.id))
_BY_DIGESTS = _SELECT.where(_stamp.digest.in_(bindparam("digests", expanding=True)))
_INSERT = insert(source_stamps)
_INSERT_MANY = _INSERT.returning(_stamp.id, sort_by_parameter_order=True)
_INSERT_PATCH = insert(patches)
_OF_CHANGES = select(changes.c.id, changes.c.source_stamp_id).where(is_among(changes.c.id))


class Found(msgspec.Struct, frozen=True):
    """A stored source stamp, and whether it came with a change."""

    stored: StoredSourceStamp
    has_changes: bool


class SourceStamps:
    """Reads source stamps, for users' functions."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def stamps(self, ids: Sequence[SourceStampId]) -> dict[SourceStampId, StoredSourceStamp]:
        """Return these source stamps, in one query."""
        found = await self._database.read(lambda connection: by_ids(connection, ids))
        return {stamp_id: one.stored for stamp_id, one in found.items()}


def by_ids(connection: Connection, ids: Iterable[SourceStampId]) -> dict[SourceStampId, Found]:
    """Return these source stamps. Raises LookupError if one is missing."""
    wanted = list(ids)
    rows = connection.execute(_BY_IDS, {"ids": ids_as_json(wanted)})
    found = {SourceStampId(row[0]): _found(row) for row in rows}
    missing = [id_ for id_ in wanted if id_ not in found]
    if missing:
        raise LookupError(f"there is no source stamp {missing[0]}")
    return found


def of_buildsets(
    connection: Connection, ids: Iterable[BuildsetId]
) -> dict[BuildsetId, list[StoredSourceStamp]]:
    """Return the source stamps of these buildsets, sorted by codebase."""
    found: dict[BuildsetId, list[StoredSourceStamp]] = defaultdict(list)
    for row in connection.execute(_OF_BUILDSETS, {"ids": ids_as_json(ids)}):
        found[row[-1]].append(_found(row).stored)
    return found


def of_changes(
    connection: Connection, change_ids: Sequence[ChangeId]
) -> dict[ChangeId, StoredSourceStamp]:
    """Return the source stamps of these changes."""
    pairs = connection.execute(_OF_CHANGES, {"ids": ids_as_json(change_ids)}).all()
    found = by_ids(connection, {SourceStampId(pair[1]) for pair in pairs})
    return {ChangeId(pair[0]): found[SourceStampId(pair[1])].stored for pair in pairs}


def find_or_add(transaction: Transaction, stamps: Sequence[SourceStamp]) -> list[Found]:
    """Return each of *stamps* as stored, in their order; new ones are added.

    Where several masters write, two may add the same one at once: the digest is unique, the second
    transaction fails, and the writer performs it again, when it finds the row of the first.
    """
    if not stamps:
        return []
    digests = [_digest(stamp) for stamp in stamps]
    if len(digests) == 1:
        rows = transaction.connection.execute(_BY_DIGEST, {"one": digests[0]})
    else:
        rows = transaction.connection.execute(_BY_DIGESTS, {"digests": list(set(digests))})
    found = {bytes(row[1]): _found(row) for row in rows}
    missing = {
        digest: stamp for digest, stamp in zip(digests, stamps, strict=True) if digest not in found
    }
    if missing:
        found.update(_added(transaction, missing))
    return [found[digest] for digest in digests]


def _added(transaction: Transaction, missing: dict[bytes, SourceStamp]) -> dict[bytes, Found]:
    stamps = [_with_patch_id(transaction, stamp) for stamp in missing.values()]
    rows = [
        {
            "digest": digest,
            "branch": stamp.branch,
            "revision": stamp.revision,
            "repository": stamp.repository,
            "project": stamp.project,
            "codebase": stamp.codebase,
            "patch_id": stamp.patch.id if stamp.patch else None,
            "created_at": transaction.now,
        }
        for digest, stamp in zip(missing, stamps, strict=True)
    ]
    ids = inserted_ids(transaction.connection, _INSERT, _INSERT_MANY, rows)
    return {
        digest: Found(
            StoredSourceStamp(
                id=SourceStampId(id_), created_at=Timestamp(transaction.now), stamp=stamp
            ),
            has_changes=False,
        )
        for digest, stamp, id_ in zip(missing, stamps, ids, strict=True)
    }


def _with_patch_id(transaction: Transaction, stamp: SourceStamp) -> SourceStamp:
    if stamp.patch is None:
        return stamp
    patch = stamp.patch
    row = {
        "level": patch.level,
        "body": patch.body,
        "subdir": patch.subdir,
        "author": patch.author,
        "comment": patch.comment,
    }
    id_ = inserted_id(transaction.connection, _INSERT_PATCH, row)
    return msgspec.structs.replace(stamp, patch=msgspec.structs.replace(patch, id=id_))


def _digest(stamp: SourceStamp) -> bytes:
    patch = stamp.patch and msgspec.structs.replace(stamp.patch, id=None)
    fields = (
        stamp.branch,
        stamp.revision,
        stamp.repository,
        stamp.project,
        stamp.codebase,
        patch,
    )
    return sha1(msgspec.msgpack.encode(fields), usedforsecurity=False).digest()


def _found(row: Sequence[Any]) -> Found:
    has_patch = row[_PATCH_ID] is not None
    stamp = _stamps.of(
        row[4:_PATCH_ID], patch=_patches.of(row[_PATCH_ID + 1 :]) if has_patch else None
    )
    stored = StoredSourceStamp(id=SourceStampId(row[0]), created_at=row[2], stamp=stamp)
    return Found(stored, has_changes=bool(row[3]))
