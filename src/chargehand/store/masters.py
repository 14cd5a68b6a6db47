"""Masters: who runs, since when, and what one that was killed leaves to be put right."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import bindparam, select, true, update
from sqlalchemy import false as no

from chargehand.domain.build import Build
from chargehand.domain.identifiers import MasterId, RequestId
from chargehand.domain.master import Master
from chargehand.domain.result import Result
from chargehand.events.messages import LogFinished, MasterStarted, MasterStopped, StepFinished
from chargehand.store import builders, builds, change_sources, request_rows, schedulers, workers
from chargehand.store.build_rows import (
    BUILD_COLUMNS,
    LOG_COLUMNS,
    STEP_COLUMNS,
    build_of,
    log_of,
    step_of,
)
from chargehand.store.columns import ids_as_json
from chargehand.store.database import Database
from chargehand.store.logs import Logs
from chargehand.store.mapping import Rows
from chargehand.store.named import ids_of
from chargehand.store.portable import is_among
from chargehand.store.tables import builds as build_table
from chargehand.store.tables import logs, masters, requests, steps
from chargehand.store.transaction import Transaction

_master = masters.c
_IS_IT = _master.id == bindparam("of")
_SET_ACTIVE = (
    update(masters)
    .where(_IS_IT)
    .values(active=bindparam("is_active"), last_active=bindparam("now"))
)
_STALE = select(_master.id).where(
    _master.active == true(), _master.last_active < bindparam("before")
)
_masters = Rows(Master, masters)
_SELECT = select(*_masters.columns).where(_IS_IT)

_UNFINISHED_BUILDS = (
    select(*BUILD_COLUMNS)
    .where(build_table.c.master_id == bindparam("master"), build_table.c.complete == no())
    .order_by(build_table.c.id)
)
_UNFINISHED_STEPS = (
    select(*STEP_COLUMNS)
    .where(is_among(steps.c.build_id), steps.c.complete == no())
    .order_by(steps.c.id)
)
_UNFINISHED_LOGS = (
    select(*LOG_COLUMNS)
    .select_from(logs.join(steps))
    .where(is_among(steps.c.build_id), logs.c.complete == no())
    .order_by(logs.c.id)
)
_FINISH_STEPS = (
    update(steps)
    .where(is_among(steps.c.id))
    .values(complete=true(), complete_at=bindparam("now"), result=int(Result.RETRY))
)
_FINISH_LOGS = update(logs).where(is_among(logs.c.id)).values(complete=true())
_CLAIMED = select(requests.c.id).where(
    requests.c.claimed_by == bindparam("master"), requests.c.complete == no()
)

_KILLED = "the master was killed; the build runs again"


class Masters:
    """Keeps masters."""

    def __init__(self, *, database: Database, logs: Logs) -> None:
        self._database = database
        self._logs = logs

    async def start(self, name: str) -> MasterId:
        """Record that the master runs; announce MasterStarted."""

        def use_case(transaction: Transaction) -> MasterId:
            new = {"active": False, "last_active": transaction.now}
            ids, _new = ids_of(transaction.connection, masters, [name], new)
            master_id = MasterId(ids[name])
            _set_active(transaction, master_id, is_active=True)
            transaction.announce(MasterStarted(master=_by_id(transaction, master_id)))
            return master_id

        return await self._database.write(use_case)

    async def stop(self, master_id: MasterId) -> None:
        """Record that it does not run any more, nor its builders; announce MasterStopped."""
        await self._database.write(lambda transaction: _stop(transaction, master_id))

    async def touch(self, master_id: MasterId) -> None:
        """Show that the master is alive."""
        await self._database.write(
            lambda transaction: _set_active(transaction, master_id, is_active=True)
        )

    async def expire(self, older_than: float) -> list[MasterId]:
        """Stop masters that did not `touch` for that many seconds, and `recover` their builds."""

        def use_case(transaction: Transaction) -> list[MasterId]:
            before = {"before": transaction.now - older_than}
            stale = [MasterId(row[0]) for row in transaction.connection.execute(_STALE, before)]
            for master_id in stale:
                _stop(transaction, master_id)
            return stale

        stale = await self._database.write(use_case)
        for master_id in stale:
            await self.recover(master_id)
        return stale

    async def recover(self, master_id: MasterId) -> int:
        """Put right what the master left when it was killed; return how many builds that were.

        Unfinished builds end as RETRY, their steps and logs with them, and every request that the
        master had claimed goes back to the queue. To be called before any build starts.
        """
        await self._logs.repair(master_id)
        return await self._database.write(lambda transaction: _recover(transaction, master_id))


def _set_active(transaction: Transaction, master_id: MasterId, *, is_active: bool) -> None:
    values = {"of": master_id, "is_active": is_active, "now": transaction.now}
    transaction.connection.execute(_SET_ACTIVE, values)


def _by_id(transaction: Transaction, master_id: MasterId) -> Master:
    return _masters.of(transaction.connection.execute(_SELECT, {"of": master_id}).one())


def _stop(transaction: Transaction, master_id: MasterId) -> None:
    _set_active(transaction, master_id, is_active=False)
    schedulers.give_up(transaction, master_id)
    change_sources.give_up(transaction, master_id)
    builders.stop_all(transaction, master_id)
    workers.delete_connections(transaction, master_id)
    workers.delete_configurations(transaction, master_id)
    transaction.announce(MasterStopped(master=_by_id(transaction, master_id)))


def _recover(transaction: Transaction, master_id: MasterId) -> int:
    workers.delete_connections(transaction, master_id)
    connection = transaction.connection
    values = {"master": master_id}
    unfinished = [build_of(row) for row in connection.execute(_UNFINISHED_BUILDS, values)]
    if unfinished:
        _finish_steps(transaction, unfinished)
    for build in unfinished:
        builds.finish(transaction, build, Result.RETRY, _KILLED, ())
    claimed = [RequestId(id_) for id_ in connection.execute(_CLAIMED, values).scalars()]
    request_rows.unclaim(transaction, claimed)
    return len(unfinished)


def _finish_steps(transaction: Transaction, unfinished: list[Build]) -> None:
    connection = transaction.connection
    build_ids = {"ids": ids_as_json(build.id for build in unfinished)}
    open_logs = [log_of(row) for row in connection.execute(_UNFINISHED_LOGS, build_ids)]
    open_steps = [step_of(row) for row in connection.execute(_UNFINISHED_STEPS, build_ids)]
    connection.execute(_FINISH_LOGS, {"ids": ids_as_json(log.id for log in open_logs)})
    now = transaction.now
    step_ids = ids_as_json(step.id for step in open_steps)
    connection.execute(_FINISH_STEPS, {"ids": step_ids, "now": now})
    for log in open_logs:
        transaction.announce(LogFinished(log=replace(log, complete=True)))
    for step in open_steps:
        ended = replace(step, complete=True, complete_at=now, result=Result.RETRY)
        transaction.announce(StepFinished(step=ended))
