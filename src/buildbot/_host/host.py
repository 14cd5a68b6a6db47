"""The host of users' code: what the composition root starts, and knows by this class only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from buildbot._border import bridge
from buildbot._border.reactor import install_reactor
from buildbot._host.ports import Engine
from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.master import MasterView
from buildbot._host.views.master_config import MasterConfigView, view_of
from buildbot._host.views.master_files import ConfigurationLoader
from buildbot._host.views.worker_connections import Connections
from buildbot.plugins import clashes
from chargehand.config.model import MasterConfig, Warned
from chargehand.kit.circles import Scope
from chargehand.kit.guard import contained
from chargehand.kit.values import replace


class Host:
    """Reads a configuration file, and gives users' code a loop, a reactor, and a master."""

    def __init__(self, *, basedir: Path, config_file: Path) -> None:
        basedir = Path(basedir).absolute()
        path = Path(config_file)
        self._access = EngineAccess()
        self._access.master = self.master = MasterView(basedir, self._access)
        self._reader = Reader(Document(basedir / path, basedir), self._access)
        self.master.config_loader = ConfigurationLoader(basedir / path, basedir, self._tried)
        self._current: MasterConfig | None = None
        self._connections = Connections()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the loop fit for users' code: Deferreds may be awaited, Twisted's reactor runs."""
        self.master.reactor = install_reactor(loop)
        bridge.install(loop)

    async def load(self) -> MasterConfig:
        """Read the configuration, in a thread. Raises ConfigErrors; then nothing has changed."""
        config = await asyncio.to_thread(self._read)
        self._current = config
        self.master.config = view = view_of(config)
        for extension in view.extensions:
            _introduce(extension, self.master)
        self._connections.use(view.workers)
        self.master.secrets.use(config.secrets_providers)
        return config

    def _read(self) -> MasterConfig:
        return contained(self._reader.read, self._current)

    def _tried(self) -> MasterConfigView:
        return view_of(contained(self._reader.tried))

    def leftovers(self) -> Scope:
        """Return, once, what was read and is not in use any more."""
        return self._reader.leftovers()

    def check(self) -> MasterConfig:
        """Read the configuration here and now, for checking only. Raises ConfigErrors."""
        config = self._reader.read()
        told = {warned.message for warned in config.warnings}
        more = [Warned(message=sentence) for sentence in clashes() if sentence not in told]
        return replace(config, warnings=(*config.warnings, *more))

    def attach(self, engine: Engine) -> None:
        """Give users' code (``self.master``) access to the engine."""
        self._access.attach(engine)
        self._connections.listen(engine.bus)
        self.master.name = engine.name

    async def close(self) -> None:
        """Stop what users' code has started on the master itself."""
        await self._connections.close()
        await self.master.stop()


def _introduce(extension: Any, master: MasterView) -> None:
    try:
        extension.master = master
    except AttributeError:
        pass  # a class of the user's that says itself what its master is
