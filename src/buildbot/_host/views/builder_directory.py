"""``master.botmaster``: the configured builders."""

from __future__ import annotations

from typing import Any

from buildbot._host.views.builders import Builder
from buildbot._host.views.surroundings import Surroundings
from chargehand.domain.identifiers import BuilderId


class BuilderDirectory:
    """Finds builders by name and number."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

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
        name = self._surroundings.engine.builders.name(BuilderId(builderid))
        return next((self._made(c) for c in self._configs() if c.name == name), None)

    def getBuilders(self) -> list[Builder]:
        """Return all builders."""
        return list(self.builders.values())

    def _configs(self) -> list[Any]:
        config = self._surroundings.master.config
        return [] if config is None else list(config.builders)

    def _made(self, config: Any) -> Builder:
        return Builder(config.name, config, self._surroundings)
