"""What the views of builders and workers ask of the running master."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chargehand.domain.build import Build
from chargehand.domain.worker import WorkerSlot


class MasterAccess(Protocol):
    """The running master. (Given by the host.)"""

    @property
    def master(self) -> Any:
        """What users know as ``self.master``."""

    def builder_id(self, name: str) -> int:
        """Return a builder's identifier. Raises LookupError."""

    def running_builds(self, builder_id: int) -> Sequence[Build]:
        """Return the builds that run on a builder of this master now."""

    def is_busy(self, worker_name: str, builder_id: int) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""

    async def first_row(
        self, path: str, order: str, wanted: Mapping[str, object]
    ) -> dict[str, Any] | None:
        """Return the first resource of a collection that has these values, None if none has."""

    def is_connected(self, worker_name: str) -> bool:
        """Return whether the worker is connected to a master."""

    def worker_slot(self, name: str) -> WorkerSlot | None:
        """Return the state of a worker, None if none has that name."""

    def workers_of(self, builder: Any) -> Sequence[Any]:
        """Return a builder's workers that are connected, or started on demand."""

    def worker_port(self, protocol: str) -> int | None:
        """Return the number of the port for a protocol of workers, None if there is none."""

    def quarantine_seconds(self, worker_name: str) -> float | None:
        """Return how long the worker's next quarantine lasts, None where nothing was set."""

    def set_quarantine_seconds(self, worker_name: str, seconds: float) -> None:
        """Let the worker's next quarantine last so long."""

    def begin_quarantine(self, worker_name: str, seconds: float) -> None:
        """Give the worker no builds for so long."""

    def end_quarantine(self, worker_name: str) -> None:
        """Give the worker builds again."""
