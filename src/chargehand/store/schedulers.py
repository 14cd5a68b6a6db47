"""Schedulers: names, owners, and stored state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.identifiers import ChangeId, MasterId, SchedulerId, Timestamp
from chargehand.domain.master import Master, Scheduler
from chargehand.domain.remembered import Remembered
from chargehand.events.messages import SchedulerChanged
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import masters, scheduler_changes, scheduler_masters, schedulers
from chargehand.store.engine.transaction import Transaction
from chargehand.store.named import Ownership, ids_of
from chargehand.store.state import encoded, remember
from chargehand.store.submission import canonical_buildset, submit

_scheduler = schedulers.c
_classified = scheduler_changes.c
_ownership = Ownership(scheduler_masters, "scheduler_id")

_ENABLED = select(_scheduler.id, _scheduler.enabled).where(is_among(_scheduler.id))
_ONE = update(schedulers).where(_scheduler.id == bindparam("of"))
_SET_ENABLED = _ONE.values(enabled=bindparam("enable"), next_at=None)
_SET_DUE = _ONE.values(next_at=bindparam("at"))
_DESCRIBE = _ONE.values(type=bindparam("kind"), waits_for=bindparam("wait"))
_KINDS = select(_scheduler.id, _scheduler.type, _scheduler.waits_for).where(is_among(_scheduler.id))
_schedulers = Rows(Scheduler, schedulers, elsewhere=("master",))
_masters = Rows(Master, masters)
_BY_IDS = (
    select(*_schedulers.columns, *_masters.columns)
    .select_from(schedulers.outerjoin(scheduler_masters).outerjoin(masters))
    .where(is_among(_scheduler.id))
    .order_by(_scheduler.id)
)
_IS_OURS = _classified.scheduler_id == bindparam("of")
_CLASSIFIED = (
    select(_classified.change_id, _classified.important)
    .where(_IS_OURS)
    .order_by(_classified.change_id)
)
_CLASSIFY = insert(scheduler_changes)
_FLUSH = delete(scheduler_changes).where(_IS_OURS)
_FLUSH_SOME = _FLUSH.where(is_among(_classified.change_id))
_LAST_SEEN = select(_scheduler.id, _scheduler.last_change_id).where(
    is_among(_scheduler.id), _scheduler.last_change_id.is_not(None)
)
_SAW = (
    update(schedulers)
    .where(
        _scheduler.id == bindparam("of"),
        _scheduler.last_change_id.is_(None) | (_scheduler.last_change_id < bindparam("change")),
    )
    .values(last_change_id=bindparam("change"))
)


class Schedulers:
    """Stores schedulers' state (``scheduling.SchedulerStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ids(self, names: Sequence[str]) -> dict[str, SchedulerId]:
        """Return the identifiers of schedulers, creating new ones, in one transaction."""
        return await self._database.write(lambda transaction: _ids(transaction, names))

    async def activate(
        self, scheduler_ids: Sequence[SchedulerId], master_id: MasterId
    ) -> set[SchedulerId]:
        """Claim the schedulers that no other running master has; return ours."""

        def use_case(transaction: Transaction) -> set[SchedulerId]:
            ours, new = _ownership.take(transaction, scheduler_ids, master_id)
            _announce(transaction, new, "updated")
            return {SchedulerId(id_) for id_ in ours}

        return await self._database.write(use_case)

    async def deactivate(self, master_id: MasterId) -> None:
        """Release all of ours."""
        await self._database.write(lambda transaction: _ownership.give_up(transaction, master_id))

    async def describe(self, kinds: Mapping[SchedulerId, tuple[str, str | None]]) -> None:
        """Record each scheduler's type, and what it waits for; announce SchedulerChanged for those
        that changed."""
        if kinds:
            await self._database.write(lambda transaction: _describe(transaction, kinds))

    async def due(self, scheduler_id: SchedulerId, at: Timestamp) -> None:
        """Record when a scheduler is due next; announce SchedulerChanged."""

        def use_case(transaction: Transaction) -> None:
            transaction.connection.execute(_SET_DUE, {"of": scheduler_id, "at": at})
            _announce(transaction, [scheduler_id], "updated")

        await self._database.insist(use_case)

    async def enabled(self, scheduler_ids: Sequence[SchedulerId]) -> dict[SchedulerId, bool]:
        """Return the enabled schedulers."""
        values = {"ids": ids_as_json(scheduler_ids)}
        rows = await self._database.read_patiently(
            lambda connection: connection.execute(_ENABLED, values).all()
        )
        return {SchedulerId(row[0]): row[1] for row in rows}

    async def set_enabled(self, scheduler_id: SchedulerId, enabled: bool) -> None:
        """Enable or disable; a disabled one is never due. Announces SchedulerChanged.

        Raises LookupError.
        """

        def use_case(transaction: Transaction) -> None:
            values = {"of": scheduler_id, "enable": enabled}
            if not transaction.connection.execute(_SET_ENABLED, values).rowcount:
                raise LookupError(f"there is no scheduler {scheduler_id}")
            _announce(transaction, [scheduler_id], "updated")

        await self._database.write(use_case)

    async def classify(self, scheduler_id: SchedulerId, changes: Mapping[ChangeId, bool]) -> None:
        """Record changes as waiting, with their importance."""
        if changes:
            await self._database.insist(
                lambda transaction: _classify(transaction, scheduler_id, changes)
            )

    async def classified(self, scheduler_id: SchedulerId) -> dict[ChangeId, bool]:
        """Return the changes of `classify` that `flush` has not removed, oldest first."""
        rows = await self._database.read_patiently(
            lambda connection: connection.execute(_CLASSIFIED, {"of": scheduler_id}).all()
        )
        return {ChangeId(row[0]): row[1] for row in rows}

    async def flush(
        self, scheduler_id: SchedulerId, change_ids: Sequence[ChangeId] | None = None
    ) -> None:
        """Remove these waiting changes; None removes all of them."""
        statement = _FLUSH if change_ids is None else _FLUSH_SOME
        values: dict[str, object] = {"of": scheduler_id}
        if change_ids is not None:
            values["ids"] = ids_as_json(change_ids)

        def use_case(transaction: Transaction) -> None:
            transaction.connection.execute(statement, values)

        await self._database.insist(use_case)

    async def submit_and_flush(
        self,
        scheduler_id: SchedulerId,
        buildset: NewBuildset,
        change_ids: Sequence[ChangeId],
        remembered: Sequence[Remembered] = (),
    ) -> SubmittedBuildset:
        """Submit a buildset, remove these waiting changes, and record progress and *remembered*
        values, in one transaction, so that nothing is lost or built twice."""
        marks = encoded(remembered)
        buildset = canonical_buildset(buildset)
        values = {"of": scheduler_id, "ids": ids_as_json(change_ids)}

        def use_case(transaction: Transaction) -> SubmittedBuildset:
            transaction.connection.execute(_FLUSH_SOME, values)
            if change_ids:
                _saw(transaction, {scheduler_id: max(change_ids)})
            remember(transaction, marks)
            return submit(transaction, buildset)

        return await self._database.insist(use_case)

    async def last_seen_changes(
        self, scheduler_ids: Sequence[SchedulerId]
    ) -> dict[SchedulerId, ChangeId]:
        """Return the newest change each scheduler has processed; omits those without any."""
        values = {"ids": ids_as_json(scheduler_ids)}
        rows = await self._database.read_patiently(
            lambda connection: connection.execute(_LAST_SEEN, values).all()
        )
        return {SchedulerId(row[0]): ChangeId(row[1]) for row in rows}

    async def saw_changes(self, newest: Mapping[SchedulerId, ChangeId]) -> None:
        """Record the newest processed changes in one transaction; never lowers the value."""
        if newest:
            await self._database.insist(lambda transaction: _saw(transaction, newest))


def give_up(transaction: Transaction, master_id: MasterId) -> None:
    """Release all schedulers of a master, within a transaction."""
    _ownership.give_up(transaction, master_id)


def _ids(transaction: Transaction, names: Sequence[str]) -> dict[str, SchedulerId]:
    ids, new = ids_of(transaction.connection, schedulers, names, {"enabled": True})
    _announce(transaction, [ids[name] for name in new], "created")
    return {name: SchedulerId(id_) for name, id_ in ids.items()}


def _describe(
    transaction: Transaction, kinds: Mapping[SchedulerId, tuple[str, str | None]]
) -> None:
    connection = transaction.connection
    known = {
        row[0]: (row[1], row[2]) for row in connection.execute(_KINDS, {"ids": ids_as_json(kinds)})
    }
    changed = {id_: kind for id_, kind in kinds.items() if known.get(id_) != kind}
    if changed:
        rows = [{"of": id_, "kind": kind, "wait": wait} for id_, (kind, wait) in changed.items()]
        connection.execute(_DESCRIBE, rows)
        _announce(transaction, changed, "updated")


def _saw(transaction: Transaction, newest: Mapping[SchedulerId, ChangeId]) -> None:
    rows = [{"of": scheduler, "change": change} for scheduler, change in newest.items()]
    transaction.connection.execute(_SAW, rows)


def _classify(
    transaction: Transaction, scheduler_id: SchedulerId, changes: Mapping[ChangeId, bool]
) -> None:
    connection = transaction.connection
    # Classifying a change again replaces the earlier entry.
    connection.execute(_FLUSH_SOME, {"of": scheduler_id, "ids": ids_as_json(changes)})
    rows = [
        {"scheduler_id": scheduler_id, "change_id": change_id, "important": important}
        for change_id, important in changes.items()
    ]
    connection.execute(_CLASSIFY, rows)
    _saw(transaction, {scheduler_id: max(changes)})


def _announce(transaction: Transaction, ids: Iterable[int], verb: str) -> None:
    wanted = list(ids)
    if wanted:
        for scheduler in _by_ids(transaction.connection, wanted):
            transaction.announce(SchedulerChanged(scheduler=scheduler, verb=verb))


def _by_ids(connection: Connection, ids: Iterable[int]) -> list[Scheduler]:
    own = len(_schedulers.columns)
    found = []
    for row in connection.execute(_BY_IDS, {"ids": ids_as_json(ids)}):
        master = None if row[own] is None else _masters.of(row[own:])
        found.append(_schedulers.of(row[:own], master=master))
    return found
