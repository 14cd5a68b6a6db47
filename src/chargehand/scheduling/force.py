"""Force schedulers: builds requested with a form."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.canonical import NotStorable, canonical_properties
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuilderId
from chargehand.domain.json import Json
from chargehand.domain.orders import InvalidParameters
from chargehand.domain.properties import Property
from chargehand.kit.passwords import texts_in, without_passwords
from chargehand.kit.values import compared_without
from chargehand.scheduling.behaviour import Common, Parts
from chargehand.scheduling.rules import GivenStamp
from chargehand.scheduling.submitting import BuildsetOptions
from chargehand_wire.addresses import HIDDEN

_log = logging.getLogger(__name__)


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A valid submission of a form: what to build."""

    reason: str
    stamps: tuple[GivenStamp, ...]
    properties: Mapping[str, Property] = msgspec.field(default_factory=dict)
    priority: int = 0


Answers = Mapping[str, object]
"""The submitted values, by field name."""

Numbers = tuple[int, dict[int, int]]
"""Identifiers of a buildset, and of its requests by builder."""


@compared_without("fields", "asked_fields", "fill_in", "force")
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a ForceScheduler.

    ``fields()`` returns the form's fields, as the REST API has them.
    ``fill_in(owner, builder_names, answers)`` raises InvalidParameters.
    """

    common: Common
    builder_names: tuple[str, ...]
    button_name: str
    label: str
    fields: Callable[[], list[dict[str, Json]]]
    asked_fields: Callable[[str | None], Awaitable[list[dict[str, Json]]]]
    """The same for one builder (None: for all of them), with what users' functions say may be
    chosen."""
    fill_in: Callable[[str, Sequence[str], Answers], Awaitable[Filled]]
    force: Callable[[str, Sequence[str] | None, Answers], Awaitable[Numbers | None]] | None = None
    """(owner, builder_names, answers): the override of a user's class."""


class Force:
    """Builds on request, on the form's builders."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self.settings = settings
        self._parts = parts

    async def activate(self) -> None:
        """Do nothing: users' calls drive it."""

    async def deactivate(self) -> None:
        """There is nothing to stop."""

    async def got_change(self, change: Change, important: bool) -> None:
        """Do nothing: it does not subscribe to changes."""

    async def force(
        self, owner: str, builder_names: Sequence[str] | None, answers: Answers
    ) -> Numbers:
        """Submit the form, or call the user's override. Raises InvalidParameters."""
        answers = await self._as_stored(answers)
        if self.settings.force is not None:
            return await self.settings.force(owner, builder_names, answers) or (0, {})
        submitted = await self.submit(owner, builder_names, answers)
        return (0, {}) if submitted is None else submitted.numbers

    async def submit(
        self, owner: str, builder_names: Sequence[str] | None, answers: Answers
    ) -> SubmittedBuildset | None:
        """Submit the form. Raises InvalidParameters."""
        names = self._builders(builder_names)
        filled = await self.settings.fill_in(owner, names, answers)
        try:
            properties = canonical_properties(filled.properties)
        except NotStorable as error:
            raise InvalidParameters({"properties": str(error)}) from None
        options = BuildsetOptions(
            reason=filled.reason,
            properties=properties,
            builder_names=names,
            priority=filled.priority,
            at_once=True,
            is_typed=True,
        )
        return await self._parts.buildsets.for_stamps_with_defaults(options, filled.stamps)

    async def _as_stored(self, answers: Answers) -> Answers:
        """Return answers with the passwords that the form did not show, of defaults and choices."""
        if not any(HIDDEN in text for text in texts_in(answers)):
            return answers
        stored: dict[str, str] = {}
        for text in texts_in(await self.settings.asked_fields(None)):
            stored.setdefault(without_passwords(text), text)
        return {name: _with_texts(value, stored) for name, value in answers.items()}

    def builders_by_id(self) -> dict[BuilderId, str]:
        """Return the names of the form's builders, by identifier."""
        names = self.settings.builder_names
        return dict(zip(self._parts.services.builders.ids(names), names, strict=True))

    def take_builders(self, answers: dict[str, object]) -> Sequence[str] | None:
        """Take the chosen builders out of the answers; None if nothing was said of them."""
        names = answers.pop("builderNames", None)
        wanted = answers.pop("builderid", None)
        if isinstance(names, str):
            return [names]
        if isinstance(names, list | tuple):
            return [str(name) for name in names]
        return None if wanted is None else [self.builder_named(wanted)]

    def builder_named(self, builder_id: object) -> str:
        """Return the name of one of the form's builders. Raises InvalidParameters."""
        by_id = self.builders_by_id()
        digits = str(builder_id)
        number = BuilderId(int(digits) if digits.isdigit() else -1)
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


def _with_texts(value: object, texts: Mapping[str, str]) -> object:
    if isinstance(value, list):
        return [_with_texts(item, texts) for item in value]
    return texts.get(value, value) if isinstance(value, str) else value
