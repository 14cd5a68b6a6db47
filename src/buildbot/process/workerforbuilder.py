"""Workers, as steps and users' functions see them."""

from __future__ import annotations

import ntpath
import posixpath
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

    *info* is what it said of itself when it connected; *slot* what it has free, where a function
    of the configuration is asked.
    """

    def __init__(
        self,
        name: str,
        worker_id: int | None,
        config: Any,
        *,
        access: MasterAccess | None,
        info: WorkerInfo | None = None,
        slot: WorkerSlot | None = None,
    ) -> None:
        self._configured = getattr(config, "extension", None)
        self._wanted_quarantine = getattr(self._configured, "_wanted_quarantine", None)
        self._access = access
        self.slot = slot
        self.name = self.workername = name
        self.workerid = worker_id
        if slot is not None:
            self.max_builds = slot.max_builds
        self.properties = Properties()
        self.properties.properties.update(getattr(config, "properties", {}))
        self.properties.setProperty("workername", name, "Worker")
        if info is not None:
            self._take_info(info)

    def _take_info(self, info: WorkerInfo) -> None:
        self.worker_environ = info.environ
        self.worker_system = info.system
        self.worker_basedir = info.basedir
        self.worker_commands = info.commands
        self.path_module: ModuleType = ntpath if info.system == "nt" else posixpath
        self.info = Properties()
        for name in _FACTS:
            self.info.setProperty(name, getattr(info, name), "Worker")

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
        """Return whether it is connected; the worker of a build is."""
        return self.slot is None or self.slot.connected

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

    @property
    def slave(self) -> WorkerView:
        """The worker, under its old name."""
        return self.worker

    @property
    def slot(self) -> WorkerSlot:
        """What the worker has free, where a function of the configuration is asked."""
        if self.worker.slot is None:
            raise RuntimeError("free slots are known only to functions that choose a worker")
        return self.worker.slot

    def isAvailable(self) -> bool:
        """Return whether it could start a build now."""
        slot = self.slot
        full = slot.max_builds is not None and slot.running >= slot.max_builds
        return slot.is_reachable and not slot.paused and not full

    def isBusy(self) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""
        access = self.worker._running_master
        return access.is_busy(self.worker.name, self.builder.builderid)

    def getWorkerCommandVersion(self, command: str, oldversion: str | None = None) -> Any:
        """Return the version of a command on the worker."""
        return self.worker._command_version(command, oldversion)


__getattr__ = old_names_of(__name__)
