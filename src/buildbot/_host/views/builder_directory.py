"""``master.botmaster``: the configured builders."""

from __future__ import annotations

from typing import Any

from buildbot._host.views.engine_access import EngineAccess
from buildbot.process.builder import Builder


class BuilderDirectory:
    """Finds builders by name and number."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access

    @property
    def builders(self) -> dict[str, Builder]:
        """All builders, by name."""
        return {config.name: self._made(config) for config in self._configs()}

    @property
    def builderNames(self) -> list[str]:
        """The names of all builders."""
        return [config.name for config in self._configs()]

    def getBuilderById(self, builderid: int) -> Builder | None:
        """Return the builder with that number, None if none has."""
        name = self._access.builder_name(builderid)
        return next((self._made(c) for c in self._configs() if c.name == name), None)

    def getBuilders(self) -> list[Builder]:
        """Return all builders."""
        return list(self.builders.values())

    def maybeStartBuildsForBuilder(self, buildername: str) -> None:
        """Check soon whether a build can start on this builder. Raises LookupError."""
        self._access.look_for_work([buildername])

    def maybeStartBuildsForWorker(self, worker_name: str) -> None:
        """Check soon whether builds can start on the builders that use this worker."""
        self._access.look_for_work(
            [config.name for config in self._configs() if worker_name in config.workernames]
        )

    def maybeStartBuildsForSlave(self, slave_name: str) -> None:
        """Do what `maybeStartBuildsForWorker` does: its old name."""
        self.maybeStartBuildsForWorker(slave_name)

    def maybeStartBuildsForAllBuilders(self) -> None:
        """Check soon whether builds can start on any builder."""
        self._access.look_for_work(self.builderNames)

    def _configs(self) -> list[Any]:
        config = self._access.master.config
        return [] if config is None else list(config.builders)

    def _made(self, config: Any) -> Builder:
        return Builder(config.name, config, access=self._access)
