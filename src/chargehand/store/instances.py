"""Machines of workers that are started on demand: recorded before they are started."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, insert, select, update

from chargehand.domain.identifiers import InstanceId, MasterId
from chargehand.domain.instance import (
    InstanceRecord,
    RecordedState,
    fleet_identity,
    instance_name,
)
from chargehand.domain.worker import Worker
from chargehand.events.messages import InstanceChanged
from chargehand.kit.values import replace
from chargehand.store import state
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.tables import instances, masters, object_state, workers
from chargehand.store.engine.transaction import Transaction
from chargehand.store.epochs import Epochs

_instance = instances.c
_rows = Rows(InstanceRecord, instances, elsewhere=("worker_name",))
_UNFINISHED = (
    select(*_rows.columns, workers.c.name)
    .select_from(instances.join(workers, _instance.worker_id == workers.c.id))
    .where(
        _instance.master_id == bindparam("master"),
        _instance.state != RecordedState.STOPPED.value,
    )
    .order_by(_instance.id)
)
_HIGHEST = select(func.coalesce(func.max(_instance.id), 0))
_INSERT = insert(instances).returning(_instance.id)
_FORGET_STOPPED = delete(instances).where(
    _instance.worker_id == bindparam("worker"),
    _instance.master_id == bindparam("master"),
    _instance.state == RecordedState.STOPPED.value,
)
_UPDATE = (
    update(instances)
    .where(_instance.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("why"),
        identity=bindparam("shown"),
        handle=bindparam("kept"),
        state_since=bindparam("since"),
    )
)
_MASTER_NAME = select(masters.c.name).where(masters.c.id == bindparam("master"))
_SECRET = ("fleet", "chargehand", "secret")
_GET_SECRET = select(object_state.c.value).where(
    object_state.c.name == _SECRET[0],
    object_state.c.kind == _SECRET[1],
    object_state.c.key == _SECRET[2],
)


class Instances:
    """Stores machines (``fleet.InstanceStore``)."""

    def __init__(self, *, database: Database, epochs: Epochs) -> None:
        self._database = database
        self._epochs = epochs

    async def fleet(self, master_id: MasterId) -> str:
        """Return what this master's machines are labelled with; the same after a restart."""
        return await self._database.insist(lambda transaction: _fleet(transaction, master_id))

    async def begin(self, worker: Worker, master_id: MasterId, reason: str) -> InstanceRecord:
        """Record that a machine is about to be started, and forget the worker's stopped ones."""
        epoch = self._epochs.of(master_id)

        def use_case(transaction: Transaction) -> InstanceRecord:
            connection = transaction.connection
            # The newest row stays until there is a newer one: no number, and so no name, is
            # given twice.
            number = connection.execute(_HIGHEST).scalar_one() + 1
            fleet = _fleet(transaction, master_id)
            record = InstanceRecord(
                id=InstanceId(0),
                name=instance_name(fleet, worker.name, epoch, number),
                worker_id=worker.id,
                worker_name=worker.name,
                master_id=master_id,
                epoch=epoch,
                state=RecordedState.STARTING,
                reason=reason,
                started_at=transaction.now,
                state_since=transaction.now,
            )
            id_ = connection.execute(_INSERT, _row(record)).scalar_one()
            connection.execute(_FORGET_STOPPED, {"worker": worker.id, "master": master_id})
            record = replace(record, id=InstanceId(id_))
            transaction.announce(InstanceChanged(instance=record))
            return record

        return await self._database.insist(use_case)

    def record(self, record: InstanceRecord) -> None:
        """Record a machine's state soon, in the order of the calls."""
        self._database.record(lambda transaction: _write(transaction, record))

    async def keep(self, record: InstanceRecord) -> None:
        """Record a machine durably. Raises TypeError if its handle has no JSON form."""
        as_json(record.handle)
        await self._database.insist(lambda transaction: _write(transaction, record))

    async def unfinished(self, master_id: MasterId) -> Sequence[InstanceRecord]:
        """Return this master's machines that may run, oldest first."""
        rows = await self._database.read_patiently(
            lambda connection: connection.execute(_UNFINISHED, {"master": master_id}).all()
        )
        return [_rows.of(row[:-1], worker_name=row[-1]) for row in rows]


def _fleet(transaction: Transaction, master_id: MasterId) -> str:
    connection = transaction.connection
    secret = connection.execute(_GET_SECRET).scalar()
    if secret is None:
        secret = as_json(secrets.token_hex(16))
        name, kind, key = _SECRET
        state.remember(transaction, [{"name": name, "kind": kind, "key": key, "value": secret}])
    name = connection.execute(_MASTER_NAME, {"master": master_id}).scalar_one()
    return fleet_identity(name, secret)


def _row(record: InstanceRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "worker_id": record.worker_id,
        "master_id": record.master_id,
        "epoch": record.epoch,
        "state": record.state.value,
        "reason": record.reason,
        "identity": as_json(record.identity),
        "handle": _handle(record),
        "started_at": record.started_at,
        "state_since": record.state_since,
    }


def _handle(record: InstanceRecord) -> str | None:
    return None if record.handle is None else as_json(record.handle)


def _write(transaction: Transaction, record: InstanceRecord) -> None:
    values = {
        "of": record.id,
        "new_state": record.state.value,
        "why": record.reason,
        "shown": as_json(record.identity),
        "kept": _handle(record),
        "since": record.state_since,
    }
    transaction.connection.execute(_UPDATE, values)
    transaction.announce(InstanceChanged(instance=record))
