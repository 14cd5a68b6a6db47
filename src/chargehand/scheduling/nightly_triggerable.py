"""The NightlyTriggerable scheduler: builds by a schedule what was triggered last."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Self

import msgspec

from chargehand.domain.identifiers import BuildId, ChangeId
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.scheduling import nightly
from chargehand.scheduling.behaviour import Parts
from chargehand.scheduling.rules import GivenStamp
from chargehand.scheduling.submitting import BuildsetOptions
from chargehand.scheduling.timed import Timed

_log = logging.getLogger(__name__)

_KEY = "lastTrigger"


class Settings(nightly.Settings, frozen=True, kw_only=True):
    """Settings of a NightlyTriggerable scheduler."""


class LastTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler was triggered with.

    ``stamps`` may lack any field but the codebase; bytes of a patch are in Base64.
    """

    stamps: tuple[dict[str, Any], ...] = ()
    properties: dict[str, tuple[Any, str]] = {}
    parent_build_id: int | None = None
    parent_relationship: str | None = None

    @classmethod
    def with_stamps(cls, stamps: Iterable[GivenStamp], **more: Any) -> Self:
        """Return a trigger with these source stamps, in a form that can be stored."""
        return cls(stamps=tuple({n: _stored(v) for n, v in one.items()} for one in stamps), **more)

    def given_stamps(self) -> list[GivenStamp]:
        """Return the source stamps as they were given."""
        return [{name: _given(value) for name, value in one.items()} for one in self.stamps]


class NightlyTriggerable(Timed):
    """Builds the last trigger when the time comes, and each trigger once only.

    The trigger is stored until it is built; the transaction that builds it removes it.
    """

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self._reason = settings.reason
        self._memory = parts.memory
        self._buildsets = parts.buildsets
        self._waiting_changes = parts.services.schedulers
        self._id = parts.id
        self._changing = asyncio.Lock()

    async def trigger(self, trigger: LastTrigger) -> None:
        """Build this at the next time, instead of what was triggered before."""
        async with self._changing:
            await self._memory.remember(_KEY, msgspec.to_builtins(trigger))

    async def _build_changes(self, waiting: Mapping[ChangeId, bool]) -> None:
        if await self._build_trigger():
            await self._waiting_changes.flush(self._id, sorted(waiting))

    async def _build_defaults(self) -> None:
        await self._build_trigger()

    async def _build_trigger(self) -> bool:
        """Build what was triggered last; return whether there was something."""
        async with self._changing:
            last = await self._memory.read(_KEY, LastTrigger)
            if last is None:
                _log.info(
                    "scheduler %s was not triggered since its last build; no build is started",
                    self._name,
                )
                return False
            parent = last.parent_build_id
            options = BuildsetOptions(
                reason=self._reason,
                properties=_properties(last),
                parent_build_id=None if parent is None else BuildId(parent),
                parent_relationship=last.parent_relationship,
                remembered=(*self._marks, self._memory.entry(_KEY, None)),
            )
            if await self._buildsets.for_stamps_with_defaults(options, last.given_stamps()) is None:
                # A user's class submitted it, and did not know of the trigger.
                await self._memory.remember(_KEY, None)
            return True


def _stored(value: object) -> Json:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value if value is None or isinstance(value, int) else str(value)


def _given(value: Json) -> object:
    return base64.b64decode(str(value["base64"])) if isinstance(value, dict) else value


def _properties(last: LastTrigger) -> dict[str, Property]:
    return {name: (value, source) for name, (value, source) in last.properties.items()}
