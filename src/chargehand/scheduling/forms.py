"""The forms of force schedulers, as the REST API has them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from chargehand.config.model import Component
from chargehand.domain.identifiers import BuilderId
from chargehand.domain.json import Json
from chargehand.kit.guard import guarded
from chargehand.scheduling.force import Settings
from chargehand.scheduling.ports import BuilderDirectory

_log = logging.getLogger(__name__)

_FAILED = "the form of scheduler %s failed"


class Forms:
    """Describes forms; *is_enabled* says whether a scheduler is switched on."""

    def __init__(self, *, builders: BuilderDirectory, is_enabled: Callable[[str], bool]) -> None:
        self._builders = builders
        self._is_enabled = is_enabled

    def all(
        self, components: Mapping[str, Component], builder_id: int | None = None
    ) -> list[dict[str, Json]]:
        """Return the forms (those for a builder); no function of users that may wait is called."""
        found = []
        for name, settings in self._of_builder(components, builder_id):
            fields: list[Json] = []
            with guarded(_log, _FAILED, name):
                fields = [*settings.fields()]
            found.append(self._form(name, settings, fields))
        return found

    async def asked(
        self, components: Mapping[str, Component], builder_id: int | None = None
    ) -> list[dict[str, Json]]:
        """Return the same, with what users' functions say may be chosen now."""
        found = []
        for name, settings in self._of_builder(components, builder_id):
            fields: list[Json] = []
            with guarded(_log, _FAILED, name):
                fields = [*await settings.asked_fields(self._name(settings, builder_id))]
            found.append(self._form(name, settings, fields))
        return found

    def _of_builder(
        self, components: Mapping[str, Component], builder_id: int | None
    ) -> list[tuple[str, Settings]]:
        return [
            (name, component.settings)
            for name, component in sorted(components.items())
            if isinstance(component.settings, Settings)
            and (builder_id is None or builder_id in self._ids(component.settings))
        ]

    def _form(self, name: str, settings: Settings, fields: list[Json]) -> dict[str, Json]:
        return {
            "name": name,
            "button_name": settings.button_name,
            "label": settings.label,
            "builder_names": list(settings.builder_names),
            "enabled": self._is_enabled(name),
            "all_fields": fields,
        }

    def _ids(self, settings: Settings) -> tuple[BuilderId, ...]:
        try:
            return self._builders.ids(settings.builder_names)
        except LookupError:  # A reconfiguration is just removing some of them.
            return ()

    def _name(self, settings: Settings, builder_id: int | None) -> str | None:
        names = dict(zip(self._ids(settings), settings.builder_names, strict=False))
        return None if builder_id is None else names.get(BuilderId(builder_id))
