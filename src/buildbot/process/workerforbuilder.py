"""Workers, as steps and users' functions see them."""

from __future__ import annotations

import ntpath
import posixpath
from enum import Enum
from functools import cached_property
from types import ModuleType
from typing import Any

from buildbot._border.finder import old_names_of
from buildbot.process.access import MasterAccess
from buildbot.process.builder import Builder
from buildbot.process.properties import Properties
from buildbot.process.quarantine import WorkerQuarantine
from chargehand.domain.worker import WorkerInfo, WorkerSlot

_FACTS = ("admin", "host", "access_uri", "version", "basedir", "system", "numcpus")


class WorkerView(WorkerQuarantine):
    """A worker; attributes of the object in the configuration are found as well.

    *told* is what it said of itself when it connected; *slot* its state when a function of the
    configuration was asked. A build has none: the state is that of the moment.
    """

    def __init__(
        self,
        name: str,
        worker_id: int | None,
        config: Any,
        *,
        access: MasterAccess | None,
        told: WorkerInfo | None = None,
        slot: WorkerSlot | None = None,
    ) -> None:
        self._configured = getattr(config, "extension", None)
        self._wanted_quarantine = getattr(self._configured, "_wanted_quarantine", None)
        self._access = access
        self._given_slot = slot
        self._told = told
        self.name = self.workername = name
        self.workerid = worker_id
        if slot is not None:
            self.max_builds = slot.max_builds
        self.properties = Properties()
        self.properties.properties.update(getattr(config, "properties", {}))
        self.properties.setProperty("workername", name, "Worker")
        self._take_info(told or WorkerInfo())

    def _take_info(self, told: WorkerInfo) -> None:
        self.worker_environ = told.environ
        self.worker_system = told.system
        self.worker_basedir = told.basedir
        self.worker_commands = told.commands
        self.path_module: ModuleType = ntpath if told.system == "nt" else posixpath

    @cached_property
    def info(self) -> Properties:
        """What it said of itself, as properties; none before it was ever connected."""
        info = Properties()
        if (told := self._told) is not None:
            known = {name: getattr(told, name) for name in _FACTS} | told.os
            info.update({name: fact for name, fact in known.items() if fact is not None}, "Worker")
        return info

    @property
    def slot(self) -> WorkerSlot | None:
        """Its state; None where no master is running."""
        if self._given_slot is not None or self._access is None:
            return self._given_slot
        return self._access.worker_slot(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkerView) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def _command_version(self, command: str, oldversion: str | None) -> str | None:
        """Return the version of a command; *oldversion* if the worker tells of none."""
        commands: dict[str, str] = self.worker_commands
        return commands.get(command) if commands else oldversion

    def __getattr__(self, name: str) -> Any:
        if name.startswith("slave"):  # as in Buildbot 0.8: slavename, slave_environ …
            return getattr(self, f"worker{name.removeprefix('slave')}")
        configured = self.__dict__.get("_configured")
        if configured is None or name.startswith("__"):
            raise AttributeError(f"a worker has no attribute {name!r} here")
        return getattr(configured, name)

    def __repr__(self) -> str:
        return f"<Worker {self.name!r}>"

    def isConnected(self) -> bool:
        """Return whether it is connected; the worker of a build is, until it is lost."""
        slot = self.slot
        return slot is None or slot.connected

    @property
    def conn(self) -> Any:
        """The worker while it is connected, else None: connections are the engine's business."""
        return self if self.isConnected() else None

    @property
    def workerforbuilders(self) -> dict[str, WorkerForBuilder]:
        """Its places at the builders that may use it, by the builders' names."""
        access = self._running_master
        return {
            config.name: WorkerForBuilder(self, Builder(config.name, config, access=access))
            for config in access.master.config.builders
            if self.name in config.workernames
        }

    def _access_if_running(self) -> MasterAccess | None:
        return self._access


class States(Enum):
    """What a worker's place at a builder does."""

    DETACHED = 0
    AVAILABLE = 1
    BUILDING = 2


class AbstractWorkerForBuilder:
    """What all kinds of a worker's place at a builder are."""

    worker: Any
    builder: Any


class WorkerForBuilder(AbstractWorkerForBuilder):
    """A worker, as one builder uses it."""

    def __init__(self, worker: WorkerView, builder: Builder) -> None:
        self.worker: WorkerView = worker
        self.builder: Builder = builder
        self.builder_name = builder.name

    def __repr__(self) -> str:
        return f"<WorkerForBuilder {self.builder_name!r} on {self.worker.name!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkerForBuilder) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str]:
        return self.builder_name, self.worker.name

    @property
    def slave(self) -> WorkerView:
        """The worker, under its old name."""
        return self.worker

    @property
    def slot(self) -> WorkerSlot:
        """The worker's state."""
        if (slot := self.worker.slot) is None:
            has_master = self.worker._access_if_running() is not None
            why = "it is no longer configured" if has_master else "no master is running"
            raise RuntimeError(f"worker {self.worker.name!r}: {why}")
        return slot

    def isAvailable(self) -> bool:
        """Return whether it could start a build of the builder now."""
        slot = self.slot
        if not slot.is_reachable or slot.paused or self.isBusy():
            return False
        return slot.max_builds is None or slot.running < slot.max_builds

    def isBusy(self) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""
        access = self.worker._running_master
        return access.is_busy(self.worker.name, self.builder.builderid)

    @property
    def state(self) -> States:
        """What it does: builds, waits for a build, or is not connected."""
        if self.isBusy():
            return States.BUILDING
        return States.AVAILABLE if self.slot.is_reachable else States.DETACHED

    def getWorkerCommandVersion(self, command: str, oldversion: str | None = None) -> Any:
        """Return the version of a command on the worker."""
        return self.worker._command_version(command, oldversion)


def place_of_worker(slot: WorkerSlot, builder: Builder, access: MasterAccess) -> WorkerForBuilder:
    """Return a worker in this state, as the builder uses it."""
    worker = WorkerView(slot.name, slot.id, slot.config, access=access, told=slot.info, slot=slot)
    return WorkerForBuilder(worker, builder)


__getattr__ = old_names_of(__name__)
