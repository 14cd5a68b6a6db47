"""Masters: running state, epochs, and unfinished builds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, false, or_, select, true, update

from chargehand.domain.identifiers import MasterId
from chargehand.domain.master import Master
from chargehand.domain.ownership import NoLongerOurs, SignOfLife
from chargehand.domain.unfinished import LeftBehind, UnfinishedBuild
from chargehand.events.messages import MasterStarted, MasterStopped
from chargehand.execution.recovery import Outcome
from chargehand.store import (
    builders,
    change_sources,
    leftovers,
    request_rows,
    schedulers,
    triggered,
    workers,
)
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import Updating
from chargehand.store.engine.tables import builds, masters, requests
from chargehand.store.engine.transaction import Transaction
from chargehand.store.epochs import Epochs
from chargehand.store.logs.logs import Logs
from chargehand.store.named import ids_of
from chargehand.store.request_rows import Claim

_master = masters.c
_IS_IT = _master.id == bindparam("of")
_START = Updating(
    update(masters)
    .where(_IS_IT)
    .values(active=true(), last_active=bindparam("now"), epoch=_master.epoch + 1),
    (_master.epoch,),
    select(_master.epoch + 1).where(_IS_IT),
)
_TOUCH = (
    update(masters)
    .where(_IS_IT, _master.active == true(), _master.epoch == bindparam("in_epoch"))
    .values(last_active=bindparam("now"))
)
_SIGNS = select(_master.id, _master.epoch, _master.last_active).where(_master.active == true())
# Of two masters that declare a third one stopped, the second finds the condition false; so does
# one that comes after a sign of life.
_EXPIRE = (
    update(masters)
    .where(
        _IS_IT,
        _master.active == true(),
        _master.epoch == bindparam("in_epoch"),
        _master.last_active == bindparam("seen"),
    )
    .values(active=false(), epoch=_master.epoch + 1)
)
_IS_OURS = (_IS_IT, _master.epoch == bindparam("in_epoch"))
_STOP = (
    update(masters)
    .where(*_IS_OURS)
    .values(active=false(), last_active=bindparam("now"), epoch=_master.epoch + 1)
)
_masters = Rows(Master, masters)
_SELECT = select(*_masters.columns).where(_IS_IT)
_KNOWN = select(_master.name, _master.epoch).where(_IS_IT)
_WITH_LEFTOVERS = (
    select(_master.id)
    .where(
        _master.active == false(),
        or_(
            _master.id.in_(select(builds.c.master_id).where(builds.c.complete == false())),
            _master.id.in_(
                select(requests.c.claimed_by).where(
                    requests.c.claimed == true(), requests.c.complete == false()
                )
            ),
        ),
    )
    .order_by(_master.id)
)


class Masters:
    """Keeps masters."""

    def __init__(self, *, database: Database, logs: Logs, epochs: Epochs) -> None:
        self._database = database
        self._logs = logs
        self._epochs = epochs

    async def start(self, name: str) -> MasterId:
        """Record that the master runs, in a new epoch; `tell_started` announces it."""
        master_id, epoch = await self._database.write(lambda transaction: _start(transaction, name))
        self._epochs.begin(master_id, epoch)
        return master_id

    async def tell_started(self, master_id: MasterId) -> None:
        """Announce MasterStarted: those who listen do by now."""
        await self._database.write(
            lambda transaction: transaction.announce(
                MasterStarted(master=_by_id(transaction, master_id))
            )
        )

    async def stop(self, master_id: MasterId) -> None:
        """Record that the master and its builders stopped; announce MasterStopped.

        Ends its epoch: unfinished builds become leftovers.
        """
        epoch = self._epochs.of(master_id)

        def use_case(transaction: Transaction) -> None:
            values = {"of": master_id, "in_epoch": epoch, "now": transaction.now}
            if transaction.connection.execute(_STOP, values).rowcount:
                _give_up(transaction, master_id)

        await self._database.insist(use_case)

    async def touch(self, master_id: MasterId) -> None:
        """Update the heartbeat. Raises NoLongerOurs if the master was declared stopped."""
        epoch = self._epochs.of(master_id)

        def use_case(transaction: Transaction) -> None:
            values = {"of": master_id, "in_epoch": epoch, "now": transaction.now}
            if not transaction.connection.execute(_TOUCH, values).rowcount:
                raise NoLongerOurs(f"master {master_id} was declared stopped, or restarted")

        await self._database.insist(use_case)

    async def signs_of_life(self) -> dict[MasterId, SignOfLife]:
        """Return the last sign of life of each master that is recorded as running."""
        rows = await self._database.read_patiently(
            lambda connection: connection.execute(_SIGNS).all()
        )
        return {MasterId(row[0]): SignOfLife(row[1], row[2]) for row in rows}

    async def expire(self, silent: Mapping[MasterId, SignOfLife]) -> list[MasterId]:
        """Declare masters stopped, unless they gave another sign of life meanwhile; return those.

        Their epochs are over, and what they run is left behind.
        """

        def use_case(transaction: Transaction) -> list[MasterId]:
            expired = []
            for master_id, sign in silent.items():
                values = {"of": master_id, "in_epoch": sign.epoch, "seen": sign.last_active}
                if transaction.connection.execute(_EXPIRE, values).rowcount:
                    _give_up(transaction, master_id)
                    expired.append(master_id)
            return expired

        return await self._database.write(use_case)

    async def with_leftovers(self) -> list[MasterId]:
        """Return the stopped masters with unfinished builds, or requests that they claimed."""
        return await self._database.read(
            lambda connection: list(connection.execute(_WITH_LEFTOVERS).scalars())
        )

    async def left_behind(self, master_id: MasterId) -> LeftBehind:
        """Return what the master left unfinished in epochs before the current one.

        First repairs logs with a truncated record.
        """
        await self._logs.repair(master_id)
        return await self._database.read(lambda connection: _left_behind(connection, master_id))

    async def carry_out(self, left: LeftBehind, outcomes: Sequence[Outcome]) -> int:
        """Apply the decisions about interrupted builds, except those that others applied already.

        Then returns requests without a build to the queue, and cancels those that an interrupted
        build had triggered and waited for. Returns the number of builds.
        """
        return await self._database.write(
            lambda transaction: _carry_out(transaction, left, outcomes)
        )


def _start(transaction: Transaction, name: str) -> tuple[MasterId, int]:
    connection = transaction.connection
    new = {"active": False, "last_active": transaction.now, "epoch": 0}
    ids, _new = ids_of(connection, masters, [name], new)
    master_id = MasterId(ids[name])
    # A killed master could not say when it ended: its last sign of life is the nearest to that.
    ended = _by_id(transaction, master_id).last_active
    epoch = _START.rows(connection, {"of": master_id, "now": transaction.now})[0][0]
    workers.delete_connections(transaction, master_id, ended)
    return master_id, int(epoch)


def _by_id(transaction: Transaction, master_id: MasterId) -> Master:
    return _masters.of(transaction.connection.execute(_SELECT, {"of": master_id}).one())


def _give_up(transaction: Transaction, master_id: MasterId) -> None:
    schedulers.give_up(transaction, master_id)
    change_sources.give_up(transaction, master_id)
    builders.stop_all(transaction, master_id)
    workers.delete_connections(transaction, master_id, transaction.now)
    workers.delete_configurations(transaction, master_id)
    transaction.announce(MasterStopped(master=_by_id(transaction, master_id)))


def _left_behind(connection: Connection, master_id: MasterId) -> LeftBehind:
    name, epoch = connection.execute(_KNOWN, {"of": master_id}).one()
    found = leftovers.of_earlier_epochs(connection, Claim(master_id, epoch))
    return LeftBehind(master_id=master_id, master_name=name, epoch=epoch, builds=found)


def _carry_out(transaction: Transaction, left: LeftBehind, outcomes: Sequence[Outcome]) -> int:
    by_reason: dict[str, list[UnfinishedBuild]] = defaultdict(list)
    for outcome in outcomes:
        by_reason[outcome.why].append(outcome.unfinished)
    last = Claim(left.master_id, left.epoch - 1)
    ended = sum(
        leftovers.retry(transaction, unfinished, why, last) for why, unfinished in by_reason.items()
    )
    request_rows.give_back_left(transaction, Claim(left.master_id, left.epoch))
    triggered.cancel_orphans(transaction, [one.build for one in left.builds])
    return ended
