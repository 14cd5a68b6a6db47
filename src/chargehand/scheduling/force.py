"""Builds that somebody asks for, by filling in a form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chargehand.config.model import Hook
from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.identifiers import BuilderId, SchedulerId
from chargehand.domain.properties import Property
from chargehand.kit.guard import guarded
from chargehand.scheduling.errors import InvalidParameters
from chargehand.scheduling.scheduler import Common, Scheduler
from chargehand.scheduling.submitting import Surroundings, Wish

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was filled in rightly: what shall be built."""

    reason: str
    stamps: tuple[Mapping[str, Any], ...]
    properties: Mapping[str, Property] = field(default_factory=dict)
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of a ForceScheduler.

    ``fields()`` returns the form's fields, as the REST API has them.
    ``fill_in(owner, builder_names, parameters) -> Filled`` raises InvalidParameters.
    """

    common: Common
    builder_names: tuple[str, ...]
    button_name: str
    label: str
    fields: Callable[[], list[dict[str, Any]]] = field(compare=False)
    fill_in: Hook = field(compare=False)
    force: Hook | None = field(default=None, compare=False)
    """(owner, builder_names, parameters): what a user's class does instead."""


def form(name: str, settings: Settings, enabled: bool) -> dict[str, Any]:
    """Return the form as a resource of the REST API."""
    fields: list[dict[str, Any]] = []
    with guarded(_log, "the form of scheduler %s failed", name):
        fields = settings.fields()
    return {
        "name": name,
        "button_name": settings.button_name,
        "label": settings.label,
        "builder_names": list(settings.builder_names),
        "enabled": enabled,
        "all_fields": fields,
    }


class Force(Scheduler):
    """Builds what is asked for, on the builders that the form is for."""

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        settings: Settings,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(
            name=name,
            scheduler_id=scheduler_id,
            common=settings.common,
            surroundings=surroundings,
        )
        self.settings = settings

    async def force(
        self, owner: str, builder_names: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Any:
        """Submit what the form says. Raises InvalidParameters."""
        if self.settings.force is not None:
            return await self.settings.force(owner, builder_names, parameters)
        return await self.force_as_usual(owner, builder_names, parameters)

    async def force_as_usual(
        self, owner: str, builder_names: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> SubmittedBuildset | None:
        """The same, without what a user's class does otherwise."""
        names = self._builders(builder_names)
        filled: Filled = await self.settings.fill_in(owner, names, parameters)
        wish = Wish(
            reason=filled.reason,
            properties=filled.properties,
            builder_names=names,
            priority=filled.priority,
        )
        return await self.for_stamps_with_defaults(wish, filled.stamps)

    def builders_by_id(self) -> dict[BuilderId, str]:
        """Return the names of the form's builders, by identifier."""
        names = self.settings.builder_names
        return dict(zip(self._given.builders.ids(names), names, strict=True))

    def builder_named(self, builder_id: Any) -> str:
        """Return the name of one of the form's builders. Raises InvalidParameters."""
        by_id = self.builders_by_id()
        number = BuilderId(int(builder_id) if str(builder_id).isdigit() else -1)
        if number not in by_id:
            text = f"{builder_id}: this form is for {', '.join(by_id.values())} only"
            raise InvalidParameters({"builderid": text})
        return by_id[number]

    def _builders(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        if wanted is None:
            return self.settings.builder_names
        unknown = [name for name in wanted if name not in self.settings.builder_names]
        if unknown or not wanted:
            names = ", ".join(map(str, unknown)) or "nothing"
            text = f"{names}: this form is for {', '.join(self.settings.builder_names)} only"
            raise InvalidParameters({"builderNames": text})
        return tuple(wanted)
