"""The engine for users' code: ``self.master`` delegates to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chargehand.app.data import Data
from chargehand.app.data_here import DataHere
from chargehand.app.directory import Directory
from chargehand.app.parts import Parts
from chargehand.app.worker_doors import WorkerDoors
from chargehand.control.orders import Orders
from chargehand.dispatch.service import Dispatcher
from chargehand.domain.identifiers import BuilderId, MasterId
from chargehand.domain.user import MASTER
from chargehand.events.bus import Bus
from chargehand.execution.service import Builds
from chargehand.fleet.service import Fleet
from chargehand.intake.service import Intake
from chargehand.resources.announcements import EVENT_TYPES
from chargehand.resources.policy import Everybody, Visitor
from chargehand.store.audit import Audit
from chargehand.store.build_data import BuildData
from chargehand.store.buildsets import Buildsets
from chargehand.store.requests import Requests
from chargehand.store.source_stamps import SourceStamps
from chargehand.store.state import State
from chargehand.store.store import Store
from chargehand.web.access.build_tokens import BuildTokens

if TYPE_CHECKING:
    from chargehand.store.plugin_database import PluginDatabase
    from chargehand.store.retention import Retention
    from chargehand.store.test_results import TestResults


class Engine:
    """Implements ``buildbot._host.ports.Engine`` for the extension API."""

    def __init__(
        self,
        *,
        name: str,
        bus: Bus,
        directory: Directory,
        parts: Parts,
        reconfigure: Callable[[], Awaitable[object]],
    ) -> None:
        self.name = name
        self.bus = bus
        self.builders = directory
        self.builds: Builds = parts.builds
        self.workers: Fleet = parts.fleet
        self.reconfigure = reconfigure
        self.data = Data(
            visitor=Visitor(MASTER, Everybody()),
            resources=parts.store.resources,
            logs=parts.store.logs,
            controls=parts.orders,
            explanations=parts.orders,
            forms=parts.scheduling,
        )
        self.data_here = DataHere(
            data=Data(
                visitor=Visitor(MASTER, Everybody()),
                resources=parts.store.resources_here,
                logs=parts.store.logs,
                controls=parts.orders,
                explanations=parts.orders,
                forms=parts.scheduling,
            ),
            logs=parts.store.logs,
        )
        self.dispatch: Dispatcher = parts.dispatcher
        self._occupied = parts.dispatcher.occupied
        self.event_types = EVENT_TYPES
        self.stamps: SourceStamps = parts.store.source_stamps
        self.changes: Intake = parts.intake
        self.buildsets: Buildsets = parts.store.buildsets
        self.state: State = parts.store.state
        self.master_id: MasterId = parts.master_id
        self.redaction = parts.redaction
        self.trust = parts.trust
        self.build_data: BuildData = parts.store.build_data
        self.orders: Orders = parts.orders
        self.requests: Requests = parts.store.requests
        self._store: Store = parts.store
        self.ports: WorkerDoors = parts.worker_doors
        self.audit: Audit = parts.store.audit
        self.build_tokens: BuildTokens = parts.web.build_tokens

    @property
    def plugin_database(self) -> PluginDatabase:
        """The database of plug-ins."""
        return self._store.plugins

    @property
    def retention(self) -> Retention:
        """What deletes old data."""
        return self._store.retention

    @property
    def test_results(self) -> TestResults:
        """Results of tests."""
        return self._store.test_results

    async def recorded(self) -> None:
        """Wait until what builds have recorded so far is stored."""
        await self._store.database.recorded()

    def is_busy(self, worker_name: str, builder_id: BuilderId) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""
        return worker_name in self._occupied.get(builder_id, ())
