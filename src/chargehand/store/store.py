"""The whole store: all aggregates, on one database and one directory of logs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chargehand.events.messages import Event
from chargehand.kit.clock import Clock
from chargehand.store.api_tokens import ApiTokens
from chargehand.store.audit import Audit
from chargehand.store.build_data import BuildData
from chargehand.store.builders import Builders
from chargehand.store.builds import Builds
from chargehand.store.buildsets import Buildsets
from chargehand.store.change_sources import ChangeSources
from chargehand.store.changes import Changes
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.writer import MakeWriter, Writer
from chargehand.store.epochs import Epochs
from chargehand.store.history.history import History
from chargehand.store.instances import Instances
from chargehand.store.logs.files import LogFiles
from chargehand.store.logs.logs import Logs
from chargehand.store.masters import Masters
from chargehand.store.projects import Projects
from chargehand.store.reading.resources import Resources
from chargehand.store.requests import Requests
from chargehand.store.schedulers import Schedulers
from chargehand.store.source_stamps import SourceStamps
from chargehand.store.state import State
from chargehand.store.steps import Steps
from chargehand.store.web_sessions import WebSessions
from chargehand.store.workers import Workers

if TYPE_CHECKING:
    from chargehand.store.plugin_database import PluginDatabase
    from chargehand.store.retention import Retention
    from chargehand.store.test_results import TestResults


class Store:
    """Everything that the master stores, each aggregate by its name."""

    def __init__(
        self,
        *,
        url: str,
        basedir: Path,
        publish: Callable[[list[Event]], None],
        clock: Clock | None = None,
        is_shared: bool = False,
        make_writer: MakeWriter = Writer,
    ) -> None:
        self._url = url
        self._basedir = basedir
        self.database = Database(
            url=url,
            basedir=basedir,
            publish=publish,
            clock=clock,
            is_shared=is_shared,
            make_writer=make_writer,
        )
        self.api_tokens = ApiTokens(database=self.database)
        self.audit = Audit(database=self.database)
        self.builders = Builders(database=self.database)
        epochs = Epochs()
        self.build_data = BuildData(database=self.database)
        self.builds = Builds(database=self.database, epochs=epochs)
        self.buildsets = Buildsets(database=self.database)
        self.change_sources = ChangeSources(database=self.database)
        self.changes = Changes(database=self.database)
        self.instances = Instances(database=self.database, epochs=epochs)
        self.logs = Logs(database=self.database, files=LogFiles(basedir=basedir))
        self.masters = Masters(database=self.database, logs=self.logs, epochs=epochs)
        self.projects = Projects(database=self.database)
        self.requests = Requests(database=self.database, epochs=epochs)
        up_to_date = {"logs": self.logs.bring_up_to_date}
        self.history = history = History(self.database)
        self.resources = Resources(database=self.database, history=history, up_to_date=up_to_date)
        self.visited_resources = Resources(
            database=self.database, history=history, lane=Lane.WEB, up_to_date=up_to_date
        )
        self.resources_here = Resources(database=self.database, history=history, lane=Lane.HERE)
        self.schedulers = Schedulers(database=self.database)
        self.source_stamps = SourceStamps(database=self.database)
        self.state = State(database=self.database)
        self.steps = Steps(database=self.database, logs=self.logs)
        self.web_sessions = WebSessions(database=self.database)
        self.workers = Workers(database=self.database)

    @cached_property
    def plugins(self) -> PluginDatabase:
        """The database of plug-ins, which few masters have."""
        from chargehand.store.plugin_database import PluginDatabase

        return PluginDatabase(url=self._url, basedir=self._basedir)

    @cached_property
    def test_results(self) -> TestResults:
        """Results of tests; most farms have none."""
        from chargehand.store.test_results import TestResults

        return TestResults(database=self.database)

    @cached_property
    def retention(self) -> Retention:
        """What deletes old data, where the configuration wants that."""
        from chargehand.store.retention import Retention

        return Retention(database=self.database, logs=self.logs, state=self.state)

    async def open(self) -> None:
        """Connect; create missing tables and directories. Raises StoreError."""
        await self.database.open()

    def give_up(self, *, after: float) -> None:
        """Limit waiting for outages to that many seconds from now on."""
        self.database.give_up(after=after)

    async def close(self) -> None:
        """Finish queued jobs and disconnect."""
        if "plugins" in vars(self):
            await self.plugins.close()
        await self.logs.close()
        await self.database.close()
