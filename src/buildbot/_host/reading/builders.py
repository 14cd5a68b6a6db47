"""``c['builders']``: users' builders become the engine's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from buildbot._border.arguments import arguments_of, did_you_mean
from buildbot._border.rendering import is_constant
from buildbot._host.reading.hooks import Hooks
from buildbot._host.reading.section import Section
from buildbot._host.reading.settings import is_json
from buildbot._host.views.engine_access import EngineAccess
from buildbot.config.builder import BuilderConfig
from buildbot.config.old_arguments import RENAMED
from buildbot.locks import lock_accesses
from buildbot.process.recipe import Recipe
from chargehand.config import model
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.domain.properties import Property


def builder_objects(section: Section) -> list[BuilderConfig]:
    """Return the builders as objects; dictionaries are converted."""
    found = []
    for entry in section.listing("builders", "builder configurations"):
        if isinstance(entry, BuilderConfig):
            found.append(entry)
        elif isinstance(entry, dict):
            found.append(_of_dictionary(section, entry))
        else:
            section.error(
                f"c['builders'] must be a list of util.BuilderConfig(...), not of {entry!r}",
                "builders",
            )
    return found


def _of_dictionary(section: Section, entry: dict[str, Any]) -> BuilderConfig:
    name = str(entry.get("name", ""))
    known = arguments_of(BuilderConfig)
    unknown = entry.keys() - known - RENAMED.keys()
    for key in sorted(map(str, unknown)):
        sentence = f'builder "{name}" has no key "{key}"{did_you_mean(key, known)}'
        section.error(sentence, "builders", name)
    with section.reading("builders", name):
        return BuilderConfig(**{key: entry[key] for key in entry if key not in unknown})


class BuilderReader:
    """Makes the engine's value of each builder."""

    def __init__(
        self,
        section: Section,
        *,
        hooks: Hooks,
        access: EngineAccess,
        equivalence: Equivalence,
        deciding: Mapping[str, Callable[..., Any]],
    ) -> None:
        """*deciding* has ``canStartBuild`` of those workers whose classes have their own."""
        self._given = section
        self._hooks = hooks
        self._master = lambda: access.master  # One for all builders.
        self._equivalence = equivalence
        self._deciding = deciding

    def read(self, builder: BuilderConfig) -> model.BuilderConfig:
        """Return the engine's value."""
        name, hooks = builder.name, self._hooks
        deciding = [worker for worker in builder.workernames if worker in self._deciding]
        return model.BuilderConfig(
            name=name,
            worker_names=tuple(builder.workernames),
            plan=Recipe(builder.factory, self._master, builder),
            builddir=builder.builddir,
            worker_builddir=builder.workerbuilddir,
            tags=tuple(builder.tags),
            description=builder.description,
            description_format=builder.description_format,
            project=builder.project,
            env=builder.env,
            properties=self._properties(name, builder.properties),
            default_properties=self._properties(name, builder.defaultProperties),
            locks=self._locks(builder),
            next_build=builder.nextBuild and hooks.next_build(builder.nextBuild, builder),
            next_worker=builder.nextWorker and hooks.next_worker(builder.nextWorker, builder),
            can_start_build=(
                hooks.can_start_build(
                    builder.canStartBuild,
                    builder,
                    self._deciding[deciding[0]] if deciding else None,
                )
                if builder.canStartBuild or deciding
                else None
            ),
            collapse_requests=self._collapse(builder),
            identity=Identity(builder, self._equivalence, also=deciding),
        )

    def _properties(self, name: str, values: Mapping[str, Any]) -> dict[str, Property]:
        for key, value in values.items():
            if is_constant(value) and not is_json(value):
                self._error(name, f'property "{key}" must be a value that JSON can represent')
        return {key: (value, "Builder") for key, value in values.items()}

    def _locks(self, builder: BuilderConfig) -> Any:
        if not is_constant(builder.locks):
            return self._hooks.locks(builder.locks, builder)
        try:
            return lock_accesses(builder.locks)
        except TypeError as wrong:
            self._error(builder.name, str(wrong))
            return ()

    def _collapse(self, builder: BuilderConfig) -> Any:
        rule = builder.collapseRequests
        if rule is None or isinstance(rule, bool):
            return rule
        if callable(rule):
            return self._hooks.collapse_requests(rule, builder)
        self._error(builder.name, "collapseRequests must be a function, True, or False")
        return None

    def _error(self, name: str, sentence: str) -> None:
        self._given.error(f'builder "{name}": {sentence}', "builders", name)
