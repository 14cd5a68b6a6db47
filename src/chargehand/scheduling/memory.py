"""A scheduler's stored state, which survives restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId
from chargehand.domain.json import Json
from chargehand.domain.remembered import Remembered
from chargehand.scheduling.ports import StateStore
from chargehand.scheduling.rules import Codebase

_Value = TypeVar("_Value")


class Memory:
    """One scheduler's stored values, by key."""

    def __init__(self, *, name: str, class_name: str, state: StateStore) -> None:
        self._name = name
        self._class_name = class_name
        self._state = state

    async def get(self, key: str, default: Json = None) -> Json:
        """Return the value of *key*, unchanged."""
        return await self._state.get(self._name, self._class_name, key, default)

    async def read(self, key: str, kind: type[_Value]) -> _Value | None:
        """Return the value of *key*, None if it does not have the expected type."""
        try:
            return msgspec.convert(await self.get(key), kind)
        except msgspec.ValidationError:
            return None

    def entry(self, key: str, value: Json) -> Remembered:
        """Return a value in the form that a buildset's transaction stores."""
        return Remembered(name=self._name, kind=self._class_name, key=key, value=value)

    async def remember(self, key: str, value: Json) -> None:
        """Store a value."""
        await self._state.set(self._name, self._class_name, key, value)


class LatestSource(msgspec.Struct, frozen=True, kw_only=True):
    """The newest source of a codebase that a scheduler has seen."""

    repository: str
    branch: str | None
    revision: str | None
    change_id: int = msgspec.field(name="lastChange")
    project: str | None = None
    """None: as configured (Buildbot does not store it)."""


class LatestSources:
    """The newest seen sources, for codebases without a change of their own."""

    _KEY = "lastCodebases"

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._latest: dict[str, LatestSource] = {}

    async def load(self) -> None:
        """Load the stored sources."""
        self._latest = await self._memory.read(self._KEY, dict[str, LatestSource]) or {}

    async def note(self, change: Change) -> None:
        """Record the source of a change, unless a newer one is known."""
        known = self._latest.get(change.codebase)
        if known is not None and known.change_id >= change.id:
            return
        self._latest[change.codebase] = LatestSource(
            repository=change.repository,
            branch=change.branch,
            revision=change.revision,
            change_id=ChangeId(change.id),
            project=change.project,
        )
        await self._memory.remember(self._KEY, msgspec.to_builtins(self._latest))

    def over(self, configured: Mapping[str, Codebase]) -> Mapping[str, Codebase]:
        """Return the codebases with their newest known sources."""
        if not self._latest:
            return configured
        return {
            name: Codebase(
                repository=latest.repository,
                branch=latest.branch,
                revision=latest.revision,
                project=codebase.project if latest.project is None else latest.project,
            )
            if (latest := self._latest.get(name)) is not None
            else codebase
            for name, codebase in configured.items()
        }
