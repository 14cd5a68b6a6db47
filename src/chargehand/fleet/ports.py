"""Interfaces that the fleet needs from other packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chargehand.config.model import WorkerConfig
from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.instance import InstanceRecord
from chargehand.domain.session import Session
from chargehand.domain.worker import Standing, Worker, WorkerInfo


class WorkerStore(Protocol):
    """Stores workers."""

    async def sync(
        self, configured: Mapping[str, Sequence[BuilderId]], master_id: MasterId
    ) -> dict[str, Worker]:
        """Record this master's workers and their builders with a fixed number of statements;
        return all workers by name. Announces WorkerUpdated for those that changed."""

    async def connected(self, worker_id: WorkerId, master_id: MasterId, info: WorkerInfo) -> Worker:
        """Record the connection; announce WorkerConnected."""

    async def disconnected(self, worker_id: WorkerId, master_id: MasterId, reason: str) -> Worker:
        """Record the disconnection, and why; announce WorkerDisconnected."""

    async def set_state(self, worker_id: WorkerId, standing: Standing) -> Worker:
        """Record whether it gets builds, and why not; announce WorkerUpdated."""


class InstanceStore(Protocol):
    """Stores the machines of workers that are started on demand."""

    async def fleet(self, master_id: MasterId) -> str:
        """Return what this master's machines are labelled with; the same after a restart."""

    async def begin(self, worker: Worker, master_id: MasterId, reason: str) -> InstanceRecord:
        """Record that a machine is about to be started, under a name that is given only once."""

    def record(self, record: InstanceRecord) -> None:
        """Record a machine's state soon, in the order of the calls."""

    async def keep(self, record: InstanceRecord) -> None:
        """Record a machine durably. Raises TypeError if its handle has no JSON form."""

    async def unfinished(self, master_id: MasterId) -> Sequence[InstanceRecord]:
        """Return this master's machines that may run, oldest first."""


class Link(Protocol):
    """Provides a worker's sessions. (Implemented by ``links``.)"""

    async def start(self) -> None:
        """Begin to provide sessions; returns immediately."""

    async def stop(self) -> None:
        """Stop providing sessions, and wait for the end of the current one."""


class Registry(Protocol):
    """Keeps workers' sessions. (Implemented by the fleet, for its links.)"""

    async def attach(self, session: Session) -> None:
        """Register the session of a connected worker; builds may use it from now on."""

    def changed(self, session: Session) -> None:
        """Note that an attached session's state has changed; only connected workers get
        builds."""

    def not_started(self, worker_name: str, reason: str) -> None:
        """The worker could not be started; its link retries, later each time."""

    def login_refused(self, worker_name: str, reason: str) -> None:
        """Somebody who gave this worker's name was not let in; *reason* says when and why."""

    def is_idle(self, worker_name: str) -> bool:
        """Return whether no build of this master runs on the worker, or is about to."""

    async def stop_requested(self, worker_name: str) -> None:
        """The worker asks to be shut down as soon as it has no more builds."""

    async def detach(self, session: Session, reason: str) -> None:
        """Unregister a session that was lost for a reason; none of its processes are left."""


LinkMaker = Callable[[WorkerConfig, Registry], Link]
"""Creates links of one kind of worker; a link attaches its sessions to the registry."""
