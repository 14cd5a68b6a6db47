"""Builds: start, updates, end."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Insert,
    Integer,
    Text,
    Update,
    bindparam,
    false,
    func,
    insert,
    select,
    true,
    update,
)

from chargehand.domain.build import Build
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.canonical import canonical_properties
from chargehand.domain.identifiers import BuilderId, BuildId, MasterId, RequestId, WorkerId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.properties import Property, merged
from chargehand.domain.result import Result
from chargehand.domain.retry import Retry
from chargehand.domain.sentence import sentence
from chargehand.events.messages import (
    BuildFinished,
    BuildPropertiesUpdated,
    BuildStarted,
    BuildUpdated,
)
from chargehand.execution.ports import BuildSources, StartedBuild
from chargehand.kit.values import replace
from chargehand.store import changes, open_builds, request_rows
from chargehand.store.builders import virtual_id
from chargehand.store.buildset_completion import BUILDSET_COLUMNS, KnownStamps, buildsets_of
from chargehand.store.engine.columns import all_as_json, properties_of_json, secrets_of_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import build_properties, builders, builds, buildsets, requests
from chargehand.store.engine.transaction import Transaction
from chargehand.store.epochs import Epochs
from chargehand.store.request_rows import Claim

_MOST_BUILDS = 4096
"""How many running builds have their source stamps in memory."""

Values = dict[str, int | float | str]

_build = builds.c
_property = build_properties.c

# Serialises masters that start builds of one builder; SQLite has a single writer anyway.
_LOCK_BUILDER = select(builders.c.id).where(builders.c.id == bindparam("of")).with_for_update()
_next_number = select(func.coalesce(func.max(_build.number), 0) + 1).where(
    _build.builder_id == bindparam("numbered")
)
_INSERT = (
    insert(builds).values(number=_next_number.scalar_subquery()).returning(_build.id, _build.number)
)
# A build that was taken over has ended, or has another owner or epoch: no row is changed. The first
# update of the row wins; for the second one the condition is false.
_IS_OURS = (
    _build.id == bindparam("build"),
    _build.master_id == bindparam("master"),
    _build.epoch == bindparam("in_epoch"),
    _build.complete == false(),
)
_SET_STATE = update(builds).where(*_IS_OURS).values(state=bindparam("sentence"))
_EXISTS = select(_build.id).where(_build.id == bindparam("build"))
_SET_LOCKS_DURATION = update(builds).where(*_IS_OURS).values(locks_duration=bindparam("sum"))
_FINISH = (
    update(builds)
    .where(*_IS_OURS)
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=bindparam("outcome"),
        state=bindparam("sentence"),
    )
)
_SOURCES = (
    select(
        *BUILDSET_COLUMNS,
        changes.HAS_CHANGES.label("has_changes"),
        buildsets.c.secrets,
        request_rows.RAW_PROPERTIES,
        requests.c.properties,
    )
    .select_from(requests.join(buildsets))
    .where(requests.c.id == bindparam("request"))
)


_KEY = [_property.build_id, _property.name]
# Texts that have been made canonical need not be cleaned once more.
_GIVEN = {
    "build_id": bindparam("build_id", type_=Integer()),
    "name": bindparam("name", type_=Text()),
    "value": bindparam("value", type_=Text()),
    "source": bindparam("source", type_=Text()),
}


def _upsert(dialect_name: str) -> Insert:
    """Return the statement for a database; what SQLAlchemy has for others is not imported."""
    if dialect_name in ("mysql", "mariadb"):
        from sqlalchemy.dialects.mysql import insert as for_mysql

        statement = for_mysql(build_properties).values(_GIVEN)
        new = statement.inserted
        return statement.on_duplicate_key_update(value=new.value, source=new.source)
    if dialect_name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as for_sqlite

        inserting = for_sqlite(build_properties).values(_GIVEN)
        taken = inserting.excluded
        return inserting.on_conflict_do_update(
            index_elements=_KEY, set_={"value": taken.value, "source": taken.source}
        )
    from sqlalchemy.dialects.postgresql import insert as for_postgresql

    adding = for_postgresql(build_properties).values(_GIVEN)
    given = adding.excluded
    return adding.on_conflict_do_update(
        index_elements=_KEY, set_={"value": given.value, "source": given.source}
    )


class Builds:
    """Stores builds (``execution.BuildStore``)."""

    def __init__(self, *, database: Database, epochs: Epochs) -> None:
        self._database = database
        self._epochs = epochs
        self._upsert_properties = _upsert(database.dialect_name)
        self._stamps: OrderedDict[BuildId, KnownStamps] = OrderedDict()
        """The source stamps of what is built now, of which the end of its buildset tells."""

    async def start_build(
        self,
        request_ids: Sequence[RequestId],
        builder_id: BuilderId,
        worker_id: WorkerId,
        master_id: MasterId,
        virtual: VirtualBuilder | None = None,
    ) -> StartedBuild:
        """Claim the requests and create their build, with the number that is next for its builder,
        the *virtual* one if given, atomically."""
        row = {
            "numbered": builder_id,
            "builder_id": builder_id,
            "request_id": request_ids[0],
            "worker_id": worker_id,
            "master_id": master_id,
            "locks_duration": 0.0,
            "complete": False,
            "state": "starting",
        }
        started = await self._database.insist(
            lambda transaction: self._start(transaction, request_ids, row, virtual),
            is_short=True,
        )
        buildset = started.sources.buildset
        self._stamps[started.build.id] = {buildset.id: buildset.source_stamps}
        if len(self._stamps) > _MOST_BUILDS:
            self._stamps.popitem(last=False)
        return started

    def set_build_state(self, build: Build, state: str) -> Build:
        """Set the sentence; announce BuildUpdated."""
        state = sentence(state)
        values: Values = {"build": build.id, "sentence": state, **self._claim(build).parameters}
        return self._record(_SET_STATE, values, replace(build, state=state))

    def set_build_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set these properties; announce BuildPropertiesUpdated. Raises TypeError for values
        without a JSON form.

        Has no effect on a build that was taken over or has ended: the next awaited call reports
        that.
        """
        if not properties:
            return
        properties = canonical_properties(properties)
        rows = _property_rows(build_id, properties)
        event = BuildPropertiesUpdated(build_id=build_id, properties=dict(properties))

        def use_case(transaction: Transaction) -> None:
            if open_builds.hold(transaction.connection, build_id):
                transaction.connection.execute(self._upsert_properties, rows)
                transaction.announce(event)

        self._database.record(use_case, sequence=build_id)

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Set properties of a build that runs or has ended; announce BuildPropertiesUpdated.

        Raises TypeError for values without a JSON form, LookupError if there is no such build.
        """
        properties = canonical_properties(properties)
        rows = _property_rows(build_id, properties)

        def use_case(transaction: Transaction) -> None:
            if transaction.connection.execute(_EXISTS, {"build": build_id}).first() is None:
                raise LookupError(f"there is no build {build_id}")
            transaction.connection.execute(self._upsert_properties, rows)
            transaction.announce(BuildPropertiesUpdated(build_id=build_id, properties=properties))

        await self._database.insist(use_case, sequence=build_id)

    def add_locks_duration(self, build: Build, seconds: float) -> Build:
        """Add to the time that the build waited for locks; announce BuildUpdated."""
        total = build.locks_duration + seconds
        values: Values = {"build": build.id, "sum": total, **self._claim(build).parameters}
        return self._record(_SET_LOCKS_DURATION, values, replace(build, locks_duration=total))

    async def finish_build(
        self,
        build: Build,
        result: Result,
        state: str,
        requests: Sequence[RequestId],
        retry: Retry | None = None,
    ) -> Build:
        """End the build and its requests; with RETRY returns the requests to the queue.

        Raises NoLongerOurs if it was taken over; then nothing changes.
        """
        claim = self._claim(build)
        known = self._stamps.pop(build.id, {})
        return await self._database.insist(
            lambda transaction: _finish(
                transaction, build, result, sentence(state), requests, claim, retry, known
            ),
            sequence=build.id,
        )

    def _claim(self, build: Build) -> Claim:
        return Claim(build.master_id, self._epochs.of(build.master_id))

    def _start(
        self,
        transaction: Transaction,
        request_ids: Sequence[RequestId],
        row: dict[str, Any],
        virtual: VirtualBuilder | None,
    ) -> StartedBuild:
        epoch = self._epochs.check(transaction, row["master_id"])
        if virtual is not None:
            builder_id = virtual_id(transaction, virtual)
            row = {**row, "numbered": builder_id, "builder_id": builder_id}
        return _start(transaction, request_ids, {**row, "epoch": epoch})

    def _record(self, statement: Update, values: Values, build: Build) -> Build:
        def use_case(transaction: Transaction) -> None:
            _alter(transaction, statement, values)
            transaction.announce(BuildUpdated(build=build))

        self._database.record(use_case, sequence=build.id)
        return build


def _property_rows(build_id: BuildId, properties: Mapping[str, Property]) -> list[dict[str, Any]]:
    values = all_as_json([value for value, _ in properties.values()])
    return [
        {"build_id": build_id, "name": name, "value": value, "source": source}
        for (name, (_, source)), value in zip(properties.items(), values, strict=True)
    ]


def _finish(
    transaction: Transaction,
    build: Build,
    result: Result,
    state: str,
    request_ids: Sequence[RequestId],
    claim: Claim,
    retry: Retry | None,
    known: KnownStamps,
) -> Build:
    values = {"build": build.id, "now": transaction.now, "outcome": result, "sentence": state}
    _alter(transaction, _FINISH, {**values, **claim.parameters})
    finished = replace(
        build, complete=True, complete_at=transaction.now, result=result, state=state
    )
    transaction.announce(BuildFinished(build=finished))
    if result is Result.RETRY:
        request_rows.give_back(transaction, request_ids, claim, retry)
    else:
        request_rows.complete_ours(transaction, request_ids, result, claim, known)
    return finished


def _start(
    transaction: Transaction, request_ids: Sequence[RequestId], row: dict[str, Any]
) -> StartedBuild:
    request_rows.claim(transaction, request_ids, row["master_id"], row["epoch"])
    connection = transaction.connection
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK_BUILDER, {"of": row["builder_id"]})
    id_, number = connection.execute(_INSERT, {**row, "started_at": transaction.now}).one()
    build = Build(
        id=id_,
        number=number,
        builder_id=row["builder_id"],
        request_id=row["request_id"],
        worker_id=row["worker_id"],
        master_id=row["master_id"],
        started_at=transaction.now,
    )
    transaction.announce(BuildStarted(build=build))
    return StartedBuild(build=build, sources=_sources(connection, build.request_id))


def _alter(transaction: Transaction, statement: Update, values: Mapping[str, object]) -> None:
    if not transaction.connection.execute(statement, values).rowcount:
        raise NoLongerOurs(f"build {values['build']} was taken over, or has ended")


def _sources(connection: Connection, request_id: RequestId) -> BuildSources:
    row = connection.execute(_SOURCES, {"request": request_id}).one()
    buildset = buildsets_of(connection, [row])[0]
    built = changes.of_buildset(connection, buildset.id) if row[-4] else ()
    return BuildSources(
        buildset=buildset,
        properties=merged(properties_of_json(row[-2]), properties_of_json(row[-1])),
        secrets=secrets_of_json(row[-3]),
        stamps=buildset.source_stamps,
        changes=tuple(built),
    )
