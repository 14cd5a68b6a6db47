"""``self.master`` in users' code: the documented attributes, each delegating to a port."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from buildbot._border.bridge import outward
from buildbot._host.views.builder_directory import BuilderDirectory
from buildbot._host.views.data import DataView
from buildbot._host.views.database import DatabaseView
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.master_files import LogRotation
from buildbot._host.views.mq import MqView
from buildbot._host.views.secret_notes import SecretNotes
from buildbot._host.views.secret_store import SecretStore
from buildbot._host.views.service_directories import NamedServices, SchedulerDirectory
from buildbot._host.views.worker_directory import ConfiguredDirectory, WorkerDirectory
from buildbot.util.service import AsyncMultiService, end

_ADVICE = "; docs/migrating-from-buildbot.md lists what there is"
_INSTEAD = {
    "www": "; write a plug-in of the group buildbot.www for your own pages and endpoints; "
    "c['www']['authz'] says who may do what",
    "manhole": "; chargehand's REST API and `chargehand why` show what the master does",
    "caches": "; the master needs no caches: rows are read with SQL",
}
"""What to use for attributes of Buildbot's master that this one does not have."""


class NotSupported(AttributeError):
    """Users' code asked the master for something that this engine does not have."""


class MasterView(AsyncMultiService):
    """The master. ``config`` is None until a configuration was read.

    Services that users' code adds to it run as long as it does.
    """

    def __init__(self, basedir: Path, access: EngineAccess) -> None:
        super().__init__()
        self.basedir = str(basedir)
        self.config: Any = None
        self.reactor: Any = None
        self.running = 1
        self.log_rotation = LogRotation()
        self.config_loader: Any = None
        """Reads the configuration file (`ConfigurationLoader`)."""
        self._master = self  # services find the master by their parents
        self.access = access
        self.data = DataView(access)
        self.mq = MqView(access)
        self.db = DatabaseView(access, self.data)
        self.botmaster = BuilderDirectory(access)
        self.workers = WorkerDirectory(access)
        self.change_svc = ConfiguredDirectory(access, "changes", "change_sources")
        self.scheduler_manager = SchedulerDirectory()
        self.namedServices = NamedServices(self.scheduler_manager)
        self.service_manager = self.namedServices["services"]
        self.secrets = SecretStore(access)
        self.namedServices["secrets"] = self.secrets
        self._secret_notes = SecretNotes(access)
        self.machines: dict[str, Any] = {}
        """Latent machines by name (`buildbot.machine.latent`), and what is known of each."""
        self.unsent: dict[str, list[Any]] = {}
        """What reporters that were stopped could not send, by their names."""

    def allSchedulers(self) -> list[Any]:
        """Return the configured schedulers, also those that are disabled."""
        running = self.scheduler_manager.namedServices
        return [running[name] for name in self.config.schedulers if name in running]

    @cached_property
    def pbmanager(self) -> Any:
        """Perspective Broker servers (`buildbot.pbmanager.PBManager`)."""
        # Most masters have none, and Perspective Broker takes its time to import.
        return import_module("buildbot.pbmanager").PBManager(lambda: self.access.engine.ports)

    @cached_property
    def httpservice(self) -> Any:
        """What `buildbot.util.httpclientservice.HTTPSession` takes first."""
        return import_module("buildbot.util.httpclientservice").HTTPClientService()

    @cached_property
    def status(self) -> Any:
        """What status receivers ask (`buildbot.reporters.status_farm.Status`)."""
        return import_module("buildbot.reporters.status_farm").Status(self)

    def getStatus(self) -> Any:
        """Return ``status``."""
        return self.status

    @property
    def masterid(self) -> int:
        """The master's identifier."""
        return self.access.engine.master_id

    def reconfig(self) -> Any:
        """Read the configuration again; returns a Deferred that fires when it is in use."""
        return outward(self._reconfigure())

    async def _reconfigure(self) -> None:
        await self.access.engine.reconfigure()

    def addChange(self, **change: Any) -> Any:
        """Add a change: like ``data.updates.addChange``, with ``who`` and ``when`` for old code."""
        renamed = {"who": "author", "when": "when_timestamp"}
        return self.data.updates.addChange(
            **{renamed.get(key, key): value for key, value in change.items()}
        )

    def note_secret(self, name: str, provider: str, properties: Any) -> None:
        """Let the audit log say who got a secret; once for a build."""
        self._secret_notes.note(name, provider, properties)

    def note_withheld(self, name: str, refusal: str, properties: Any) -> None:
        """Let the audit log say that a build did not get a secret."""
        self._secret_notes.note(name, "", properties, refusal=refusal)

    async def build_token(
        self, build_id: int, name: str, actions: Sequence[str], builders: Sequence[str]
    ) -> str:
        """Return a new API token for a running build; for `util.BuildToken`."""
        engine = self.access.engine
        return await engine.build_tokens.make(build_id, name, actions, builders)

    async def stop(self) -> None:
        """Stop the services that users' code has added, and send it no more events."""
        for service in reversed(self.services):
            if service.running:
                await end(service)
        await self.mq.close()

    def __getattr__(self, name: str) -> NoReturn:
        raise NotSupported(f"master.{name} is not supported{_INSTEAD.get(name, _ADVICE)}")
