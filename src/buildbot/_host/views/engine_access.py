"""Access of users' objects, which exist before the master runs, to the engine and the master."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._host.ports import Engine
from buildbot.process.builder import Builder
from buildbot.process.workerforbuilder import WorkerForBuilder, place_of_worker
from chargehand.domain.build import Build
from chargehand.domain.identifiers import BuilderId
from chargehand.domain.worker import WorkerSlot
from chargehand.resources.query import Filter, Operator, Order


class NotRunning(Exception):
    """Users' code asked for the running master while there is none (``checkconfig``)."""


class EngineAccess:
    """Gives hooks and users' objects the engine and the master, once there are any.

    It is what `buildbot.process.access.MasterAccess` promises.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self.master: Any = None
        """What users know as ``self.master``."""
        self._quarantine_seconds: dict[str, float] = {}

    @property
    def engine(self) -> Engine:
        """The engine. Raises NotRunning."""
        if self._engine is None:
            raise NotRunning("the master does not run yet")
        return self._engine

    def attach(self, engine: Engine) -> None:
        """The master runs."""
        self._engine = engine

    def hide(self, secret: str, name: str) -> None:
        """Let the master's log not show a secret that was handed out."""
        if self._engine is not None:
            self._engine.redaction.hide(secret, f"<{name}>")

    def builder_id(self, name: str) -> int:
        """Return a builder's identifier. Raises LookupError."""
        return self.engine.builders.ids([name])[0]

    def builder_name(self, builder_id: int) -> str:
        """Return a builder's name."""
        return self.engine.builders.name(BuilderId(builder_id))

    def running_builds(self, builder_id: int) -> Sequence[Build]:
        """Return the builds that run on a builder of this master now."""
        return self.engine.builds.running_on(BuilderId(builder_id))

    def is_busy(self, worker_name: str, builder_id: int) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""
        return self.engine.is_busy(worker_name, BuilderId(builder_id))

    def look_for_work(self, names: Sequence[str]) -> None:
        """Check soon whether builds can start on these builders. Raises LookupError."""
        self.engine.dispatch.look_at(self.engine.builders.ids(names))

    async def first_row(
        self, path: str, order: str, wanted: Mapping[str, object]
    ) -> dict[str, Any] | None:
        """Return the first resource of a collection that has these values, None if none has."""
        rows = await self.engine.data.get(
            path,
            filters=[Filter(name, Operator.EQ, (value,)) for name, value in wanted.items()],
            order=[Order(order.lstrip("-"), descending=order.startswith("-"))],
            limit=1,
        )
        return rows[0] if isinstance(rows, list) and rows else None

    def is_connected(self, worker_name: str) -> bool:
        """Return whether the worker is connected to a master."""
        try:
            found = self.engine.data_here.get(f"workers/{worker_name}")
        except LookupError:  # no path for such a name
            return False
        return isinstance(found, dict) and bool(found["connected_to"])

    def worker_slot(self, name: str) -> WorkerSlot | None:
        """Return the state of a worker, None if none has that name."""
        return next(iter(self.engine.workers.slots([name])), None)

    def workers_of(self, builder: Builder) -> list[WorkerForBuilder]:
        """Return a builder's workers that are connected, or started on demand."""
        slots = self.engine.workers.slots(builder.config.workernames)
        return [
            place_of_worker(slot, builder, self)
            for slot in slots
            if slot.connected or slot.is_on_demand
        ]

    def worker_port(self, protocol: str) -> int | None:
        """Return the number of the port for a protocol of workers, None if there is none."""
        return self.engine.ports.port_of(protocol)

    def quarantine_seconds(self, worker_name: str) -> float | None:
        """Return what was set last."""
        return self._quarantine_seconds.get(worker_name)

    def set_quarantine_seconds(self, worker_name: str, seconds: float) -> None:
        """Let the worker's next quarantine last so long."""
        self._quarantine_seconds[worker_name] = seconds

    def begin_quarantine(self, worker_name: str, seconds: float) -> None:
        """Give the worker no builds for so long."""
        self.engine.workers.rest(worker_name, seconds)

    def end_quarantine(self, worker_name: str) -> None:
        """Give the worker builds again."""
        self.engine.workers.rest(worker_name, 0)
