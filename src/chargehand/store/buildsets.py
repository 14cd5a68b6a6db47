"""Buildsets: submitting and rebuilding."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select

from chargehand.domain.buildset import Buildset, NewBuildset, SubmittedBuildset
from chargehand.domain.identifiers import BuildId, BuildsetId, ChangeId, SourceStampId
from chargehand.domain.properties import merged
from chargehand.domain.remembered import Remembered
from chargehand.store.buildset_completion import BUILDSET_COLUMNS, buildsets_of
from chargehand.store.engine.columns import ids_as_json, properties_of_json, secrets_of_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import (
    builds,
    buildset_changes,
    buildset_source_stamps,
    buildsets,
    requests,
)
from chargehand.store.engine.transaction import Transaction
from chargehand.store.request_rows import RAW_PROPERTIES
from chargehand.store.state import encoded, remember
from chargehand.store.submission import canonical_buildset, submit

_NEWEST = select(func.max(buildsets.c.id))
_OF_SCHEDULER = (
    select(*BUILDSET_COLUMNS)
    .where(
        buildsets.c.scheduler == bindparam("scheduler"),
        or_(buildsets.c.id > bindparam("after"), is_among(buildsets.c.id)),
    )
    .order_by(buildsets.c.id)
)
_ORIGIN = (
    select(
        requests.c.builder_id,  # That of the build may be a virtual one.
        buildsets.c.id,
        buildsets.c.scheduler,
        buildsets.c.external_id,
        buildsets.c.parent_build_id,
        buildsets.c.parent_relationship,
        RAW_PROPERTIES,
        requests.c.properties,
        buildsets.c.secrets,
    )
    .select_from(builds.join(requests).join(buildsets))
    .where(builds.c.id == bindparam("build_id"))
)
_STAMPS = select(buildset_source_stamps.c.source_stamp_id).where(
    buildset_source_stamps.c.buildset_id == bindparam("buildset_id")
)
_COLLECTED = select(buildset_changes.c.change_id).where(
    buildset_changes.c.buildset_id == bindparam("buildset_id")
)
_FEW = 8
"""How many requests take so little time to store that the loop can wait for it."""


class Buildsets:
    """Stores buildsets (``scheduling.BuildsetStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def submit(
        self, buildset: NewBuildset, *, at_once: bool = False, remembered: Sequence[Remembered] = ()
    ) -> SubmittedBuildset:
        """Store it with its requests and what is *remembered* in one transaction; announce both.

        Waits out a database outage, unless *at_once* is set.
        """
        marks = encoded(remembered)
        buildset = canonical_buildset(buildset)

        def use_case(transaction: Transaction) -> SubmittedBuildset:
            remember(transaction, marks)
            return submit(transaction, buildset)

        is_short = len(buildset.builder_ids) <= _FEW
        if at_once:
            return await self._database.write(use_case, is_short=is_short)
        return await self._database.insist(use_case, is_short=is_short)

    async def rebuild_of(self, build_id: BuildId) -> NewBuildset:
        """Return a new buildset for the same sources as a build. Raises LookupError."""
        return await self._database.read_patiently(
            lambda connection: _rebuild_of(connection, build_id)
        )

    async def newest_id(self) -> BuildsetId | None:
        """Return the newest buildset's identifier."""
        return await self._database.read_patiently(
            lambda connection: connection.execute(_NEWEST).scalar()
        )

    async def of_scheduler(
        self, scheduler: str, *, after: BuildsetId, among: Sequence[BuildsetId] = ()
    ) -> list[Buildset]:
        """Return what a scheduler submitted after a buildset, or that is among these; oldest
        first."""
        values = {"scheduler": scheduler, "after": after, "ids": ids_as_json(among)}
        return await self._database.read_patiently(
            lambda connection: buildsets_of(connection, connection.execute(_OF_SCHEDULER, values))
        )


def _rebuild_of(connection: Connection, build_id: BuildId) -> NewBuildset:
    row = connection.execute(_ORIGIN, {"build_id": build_id}).first()
    if row is None:
        raise LookupError(f"there is no build {build_id}")
    try:
        properties = merged(properties_of_json(row[6]), properties_of_json(row[7]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LookupError(
            f"build {build_id} cannot be rebuilt: the properties of its buildset {row[1]} are "
            f"damaged in the database ({error}); see chargehand check-database"
        ) from error
    builder_id, buildset_id, scheduler, external_id, parent_id, relationship = row[:6]
    of_buildset = {"buildset_id": buildset_id}
    stamps = connection.execute(_STAMPS, of_buildset).scalars()
    collected = connection.execute(_COLLECTED, of_buildset).scalars()
    return NewBuildset(
        builder_ids=(builder_id,),
        source_stamps=tuple(SourceStampId(stamp) for stamp in stamps),
        collected_changes=tuple(ChangeId(change) for change in collected),
        reason="rebuild",
        scheduler=scheduler,
        properties=properties,
        secrets=secrets_of_json(row[8]),
        external_id=external_id,
        parent_build_id=parent_id,
        parent_relationship=relationship,
        rebuilt_build_id=build_id,
    )
