"""Fakes of what the fleet needs: a store in memory, and links without processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from chargehand.config.model import WorkerConfig
from chargehand.domain.identifiers import BuilderId, InstanceId, MasterId, Timestamp, WorkerId
from chargehand.domain.instance import InstanceRecord, RecordedState, instance_name
from chargehand.domain.session import SessionState
from chargehand.domain.worker import Standing, Worker, WorkerInfo
from chargehand.fleet.ports import Registry
from chargehand.testing.scripted_session import ScriptedSession


class MemoryWorkerStore:
    """A WorkerStore that forgets everything at the end; ``transactions`` counts them."""

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}
        self.transactions = 0
        self.now = Timestamp(0.0)
        """When connections end."""

    async def sync(
        self, configured: Mapping[str, Sequence[BuilderId]], master_id: MasterId
    ) -> dict[str, Worker]:
        """Record which workers are configured for which builders."""
        self.transactions += 1
        for name, builders in configured.items():
            known = self.workers.get(name) or Worker(id=WorkerId(len(self.workers) + 1), name=name)
            others = tuple(pair for pair in known.configured_on if pair[0] != master_id)
            ours = tuple((master_id, builder) for builder in builders)
            self.workers[name] = msgspec.structs.replace(known, configured_on=others + ours)
        return {name: self.workers[name] for name in configured}

    async def connected(self, worker_id: WorkerId, master_id: MasterId, info: WorkerInfo) -> Worker:
        """Record a connection."""
        masters = (*self._others(worker_id, master_id), master_id)
        changes: dict[str, object] = {"info": dict(info.public), "disconnected_at": None}
        changes |= {"connected_at": self.now, "protocol": info.protocol or None}
        return self._replace(worker_id, connected_to=masters, **changes)

    async def disconnected(self, worker_id: WorkerId, master_id: MasterId, reason: str) -> Worker:
        """Record its end."""
        others = self._others(worker_id, master_id)
        now = self.now
        ended = {"disconnected_at": now, "lost_at": now, "lost_reason": reason}
        if others:
            ended = {}
        return self._replace(worker_id, connected_to=others, **ended)

    async def set_state(self, worker_id: WorkerId, standing: Standing) -> Worker:
        """Record what was ordered."""
        fields = msgspec.structs.fields(Standing)
        return self._replace(worker_id, **{one.name: getattr(standing, one.name) for one in fields})

    def _others(self, worker_id: WorkerId, master_id: MasterId) -> tuple[MasterId, ...]:
        connected = self._known(worker_id).connected_to
        return tuple(other for other in connected if other != master_id)

    def _known(self, worker_id: WorkerId) -> Worker:
        known = next((one for one in self.workers.values() if one.id == worker_id), None)
        if known is None:
            raise LookupError(f"there is no worker {worker_id}")
        return known

    def _replace(self, worker_id: WorkerId, **changes: object) -> Worker:
        self.transactions += 1
        known = self._known(worker_id)
        new: Worker = msgspec.structs.replace(known, **changes)
        self.workers[known.name] = new
        return new


class DirectLink:
    """A link that connects a session as soon as it is started."""

    def __init__(self, config: WorkerConfig, registry: Registry) -> None:
        self._config = config
        self._registry = registry
        self.session: ScriptedSession | None = None
        self.starts = 0
        self.stops = 0

    async def start(self) -> None:
        """Connect."""
        self.starts += 1
        self.session = ScriptedSession(worker_name=self._config.name)
        await self._registry.attach(self.session)

    async def stop(self) -> None:
        """Disconnect."""
        self.stops += 1
        await self.lose()

    async def lose(self) -> None:
        """Lose the worker, as by a fault."""
        if self.session is not None:
            session, self.session = self.session, None
            session.state = SessionState.LOST
            self._registry.changed(session)
            await self._registry.detach(session, "the connection was lost")

    def interrupt(self) -> None:
        """Lose the connection for the moment."""
        self._change(SessionState.INTERRUPTED)

    def resume(self) -> None:
        """Connect again."""
        self._change(SessionState.CONNECTED)

    def _change(self, state: SessionState) -> None:
        assert self.session is not None
        self.session.state = state
        self._registry.changed(self.session)


class MemoryInstanceStore:
    """An InstanceStore that forgets everything at the end; ``states`` has what was recorded."""

    def __init__(self) -> None:
        self.records: dict[int, InstanceRecord] = {}
        self.states: list[tuple[str, str]] = []
        self._number = 0

    async def fleet(self, master_id: MasterId) -> str:
        """Return what the machines are labelled with."""
        return f"fleet{master_id}"

    async def begin(self, worker: Worker, master_id: MasterId, reason: str) -> InstanceRecord:
        """Record that a machine is about to be started."""
        self._number += 1
        record = InstanceRecord(
            id=InstanceId(self._number),
            name=instance_name(await self.fleet(master_id), worker.name, 1, self._number),
            worker_id=worker.id,
            worker_name=worker.name,
            master_id=master_id,
            epoch=1,
            state=RecordedState.STARTING,
            reason=reason,
            started_at=0.0,
            state_since=0.0,
        )
        self.record(record)
        return record

    def record(self, record: InstanceRecord) -> None:
        """Record a machine's state."""
        self.records[record.id] = record
        self.states.append((record.name, record.state.value))

    async def keep(self, record: InstanceRecord) -> None:
        """Record a machine durably."""
        msgspec.json.encode(record.handle)
        self.record(record)

    async def unfinished(self, master_id: MasterId) -> Sequence[InstanceRecord]:
        """Return the machines that may run."""
        return [
            record
            for record in self.records.values()
            if record.may_run and record.master_id == master_id
        ]
