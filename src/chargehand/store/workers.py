"""Workers: configurations and connections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, Delete, bindparam, delete, exists, insert, select, update

from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.worker import Standing, Worker, WorkerInfo
from chargehand.events.messages import WorkerConnected, WorkerDisconnected, WorkerUpdated
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import configured_workers, connected_workers, workers
from chargehand.store.engine.transaction import Transaction

_worker = workers.c
_connected = connected_workers.c
_configured = configured_workers.c

_workers = Rows(Worker, workers, elsewhere=("connected_to", "configured_on"))
_BY_IDS = select(_worker.id, *_workers.columns).where(is_among(_worker.id))
_BY_NAMES = select(_worker.id, _worker.name).where(is_among(_worker.name, "names"))
CONNECTIONS = (
    select(_connected.worker_id, _connected.master_id)
    .where(is_among(_connected.worker_id))
    .order_by(_connected.worker_id, _connected.master_id)
)
"""Query for the masters that some workers are connected to."""
CONFIGURATIONS = (
    select(_configured.worker_id, _configured.master_id, _configured.builder_id)
    .where(is_among(_configured.worker_id))
    .order_by(_configured.worker_id, _configured.master_id, _configured.builder_id)
)
"""Query for the masters and builders that some workers are configured for."""
_OF_MASTER = select(_configured.worker_id, _configured.builder_id).where(
    _configured.master_id == bindparam("master")
)
_INSERT = insert(workers)
_INSERT_CONFIGURED = insert(configured_workers)
_DELETE_CONFIGURED = delete(configured_workers).where(
    _configured.worker_id == bindparam("worker"),
    _configured.builder_id == bindparam("builder"),
    _configured.master_id == bindparam("master"),
)
_DISCONNECT = delete(connected_workers).where(
    _connected.worker_id == bindparam("worker"), _connected.master_id == bindparam("master")
)
_CONNECT = insert(connected_workers)
_SET_CONNECTED = (
    update(workers)
    .where(_worker.id == bindparam("of"))
    .values(
        info=bindparam("new_info"),
        disconnected_at=None,
        connected_at=bindparam("now"),
        protocol=bindparam("new_protocol"),
    )
)
_SET_DISCONNECTED = (
    update(workers)
    .where(_worker.id == bindparam("of"), ~exists().where(_connected.worker_id == bindparam("of")))
    .values(
        disconnected_at=bindparam("now"),
        lost_at=bindparam("now"),
        lost_reason=bindparam("why"),
    )
)
_STANDING = [field.name for field in msgspec.structs.fields(Standing)]
_SET_STATE = (
    update(workers)
    .where(_worker.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in _STANDING})
)

_Pair = tuple[int, int]


class Workers:
    """Stores workers (``fleet.WorkerStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def sync(
        self, configured: Mapping[str, Sequence[BuilderId]], master_id: MasterId
    ) -> dict[str, Worker]:
        """Record this master's workers and their builders, and return the workers by name."""
        return await self._database.write(
            lambda transaction: _sync(transaction, configured, master_id)
        )

    async def connected(self, worker_id: WorkerId, master_id: MasterId, info: WorkerInfo) -> Worker:
        """Record the connection; announce WorkerConnected."""
        row = {"worker_id": worker_id, "master_id": master_id}
        values = {"worker": worker_id, "master": master_id}
        text = as_json(info.public)

        def use_case(transaction: Transaction) -> Worker:
            connection = transaction.connection
            # Leftovers of a killed master must not block the worker.
            connection.execute(_DISCONNECT, values)
            connection.execute(_CONNECT, row)
            now = {"now": transaction.now, "new_protocol": info.protocol or None}
            connection.execute(_SET_CONNECTED, {"of": worker_id, "new_info": text, **now})
            worker = by_ids(connection, [worker_id])[worker_id]
            transaction.announce(WorkerConnected(worker=worker))
            return worker

        return await self._database.insist(use_case)

    async def disconnected(self, worker_id: WorkerId, master_id: MasterId, reason: str) -> Worker:
        """Record the disconnection, and why; announce WorkerDisconnected."""

        def use_case(transaction: Transaction) -> Worker:
            connection = transaction.connection
            connection.execute(_DISCONNECT, {"worker": worker_id, "master": master_id})
            ended = {"of": worker_id, "now": transaction.now, "why": reason}
            connection.execute(_SET_DISCONNECTED, ended)
            worker = by_ids(connection, [worker_id])[worker_id]
            transaction.announce(WorkerDisconnected(worker=worker))
            return worker

        return await self._database.insist(use_case)

    async def set_state(self, worker_id: WorkerId, standing: Standing) -> Worker:
        """Record whether it gets builds, and why not; announce WorkerUpdated."""
        values = {f"new_{name}": getattr(standing, name) for name in _STANDING}
        values["of"] = worker_id

        def use_case(transaction: Transaction) -> Worker:
            connection = transaction.connection
            connection.execute(_SET_STATE, values)
            worker = by_ids(connection, [worker_id])[worker_id]
            transaction.announce(WorkerUpdated(worker=worker))
            return worker

        return await self._database.write(use_case)


def by_ids(connection: Connection, ids: Iterable[WorkerId]) -> dict[WorkerId, Worker]:
    """Return these workers, with three queries. Raises LookupError if one is missing."""
    wanted = list(ids)
    values = {"ids": ids_as_json(wanted)}
    connected: dict[int, list[MasterId]] = defaultdict(list)
    for worker_id, master_id in connection.execute(CONNECTIONS, values):
        connected[worker_id].append(MasterId(master_id))
    configured: dict[int, list[tuple[MasterId, BuilderId]]] = defaultdict(list)
    for worker_id, master_id, builder_id in connection.execute(CONFIGURATIONS, values).all():
        configured[worker_id].append((MasterId(master_id), BuilderId(builder_id)))
    found = {
        WorkerId(row[0]): _workers.of(
            row[1:],
            connected_to=tuple(connected[row[0]]),
            configured_on=tuple(configured[row[0]]),
        )
        for row in connection.execute(_BY_IDS, values)
    }
    if len(found) < len(set(wanted)):
        raise LookupError(f"there is no worker {sorted(set(wanted) - set(found))[0]}")
    return found


def delete_connections(transaction: Transaction, master_id: MasterId, at: float) -> None:
    """Delete all connections of a master that stopped *at* a time, and announce their end."""
    query = select(_connected.worker_id).where(_connected.master_id == master_id)
    ids = [WorkerId(id_) for id_ in transaction.connection.execute(query).scalars()]
    if not ids:
        return
    forget: Delete = delete(connected_workers).where(_connected.master_id == master_id)
    transaction.connection.execute(forget)
    ended = [{"of": id_, "now": at, "why": "the master stopped"} for id_ in ids]
    transaction.connection.execute(_SET_DISCONNECTED, ended)
    for worker in by_ids(transaction.connection, ids).values():
        transaction.announce(WorkerDisconnected(worker=worker))


def delete_configurations(transaction: Transaction, master_id: MasterId) -> None:
    """Delete the worker configurations of a stopped master."""
    transaction.connection.execute(
        delete(configured_workers).where(_configured.master_id == master_id)
    )


def _sync(
    transaction: Transaction,
    configured: Mapping[str, Sequence[BuilderId]],
    master_id: MasterId,
) -> dict[str, Worker]:
    connection = transaction.connection
    ids = _ids(connection, list(configured))
    wanted: set[_Pair] = {
        (ids[name], builder_id) for name, builders in configured.items() for builder_id in builders
    }
    values = {"master": master_id}
    present: set[_Pair] = {(row[0], row[1]) for row in connection.execute(_OF_MASTER, values).all()}
    _alter(connection, wanted - present, present - wanted, master_id)
    altered = {pair[0] for pair in wanted ^ present}
    found = by_ids(connection, {*ids.values(), *map(WorkerId, altered)})
    for worker_id in sorted(altered):
        transaction.announce(WorkerUpdated(worker=found[WorkerId(worker_id)]))
    return {name: found[id_] for name, id_ in ids.items()}


def _alter(
    connection: Connection, added: set[_Pair], removed: set[_Pair], master_id: MasterId
) -> None:
    if removed:
        rows: list[dict[str, object]] = [
            {"worker": worker, "builder": builder, "master": master_id}
            for worker, builder in sorted(removed)
        ]
        connection.execute(_DELETE_CONFIGURED, rows)
    if added:
        rows = [
            {"worker_id": worker, "builder_id": builder, "master_id": master_id}
            for worker, builder in sorted(added)
        ]
        connection.execute(_INSERT_CONFIGURED, rows)


def _ids(connection: Connection, names: list[str]) -> dict[str, WorkerId]:
    values = {"names": as_json(names)}
    found = {row[1]: WorkerId(row[0]) for row in connection.execute(_BY_NAMES, values)}
    missing = [name for name in names if name not in found]
    if missing:
        rows = [
            {"name": name, "info": "{}", "paused": False, "graceful": False} for name in missing
        ]
        connection.execute(_INSERT, rows)
        found = {row[1]: WorkerId(row[0]) for row in connection.execute(_BY_NAMES, values)}
    return {name: found[name] for name in names}
