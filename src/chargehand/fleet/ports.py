"""What the fleet needs of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chargehand.config.model import WorkerConfig
from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.session import Session
from chargehand.domain.worker import Worker, WorkerInfo


class WorkerStore(Protocol):
    """Where workers are recorded."""

    async def sync(
        self, configured: Mapping[str, Sequence[BuilderId]], master_id: MasterId
    ) -> dict[str, Worker]:
        """Record which workers this master has configured for which builders, in few statements
        whatever their number, and return them all by name. Announces WorkerUpdated for those
        that changed."""

    async def connected(self, worker_id: WorkerId, master_id: MasterId, info: WorkerInfo) -> Worker:
        """Record it; announce WorkerConnected."""

    async def disconnected(self, worker_id: WorkerId, master_id: MasterId) -> Worker:
        """Record it; announce WorkerDisconnected."""

    async def set_state(
        self, worker_id: WorkerId, *, paused: bool, pause_reason: str | None, graceful: bool
    ) -> Worker:
        """Record it; announce WorkerUpdated."""


class Link(Protocol):
    """Whatever brings a worker's connections. (Given by ``links``.)"""

    async def start(self) -> None:
        """Begin to bring them; returns at once."""

    async def stop(self) -> None:
        """Bring no more; the one there is has ended when this returns."""


class Registry(Protocol):
    """Whoever keeps the sessions of workers: the fleet itself, for its links."""

    async def attach(self, session: Session) -> None:
        """The worker is connected; builds may use the session from now on."""

    def changed(self, session: Session) -> None:
        """The state of an attached session has changed just now. Builds are only for a worker that
        is connected."""

    def not_started(self, worker_name: str, reason: str) -> None:
        """The worker could not be started; its link tries again, later each time."""

    async def detach(self, session: Session) -> None:
        """The session is lost, and nothing is left of it."""


LinkMaker = Callable[[WorkerConfig, Registry], Link]
"""Makes the link of a worker of one kind; the link attaches its sessions to the registry."""
