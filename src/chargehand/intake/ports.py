"""Interfaces that intake needs from other packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeSourceId, MasterId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_health import SourceHealth


class ChangeStore(Protocol):
    """Stores changes."""

    async def add(
        self, changes: Sequence[NewChange], remember: Remembered | None = None
    ) -> list[Change]:
        """Store changes durably in one transaction, and announce each.

        ``remember`` is part of the same transaction: a source that moves its position with the
        changes neither loses nor repeats any of them, even if the master is killed.
        """


class StateStore(Protocol):
    """Stores small JSON values of components by name."""

    async def get(self, name: str, kind: str, key: str, default: object = None) -> object:
        """Return the value set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: object) -> None:
        """Store the value durably."""


class ChangeSourceStore(Protocol):
    """Stores change sources and their masters."""

    async def ids(self, names: Sequence[str]) -> dict[str, ChangeSourceId]:
        """Return identifiers, creating new ones, in one transaction."""

    async def activate(
        self, ids: Sequence[ChangeSourceId], master_id: MasterId
    ) -> set[ChangeSourceId]:
        """Claim the sources that no other running master has; return ours."""

    async def report(self, source_id: ChangeSourceId, health: SourceHealth) -> None:
        """Record the state of a source."""

    async def deactivate(self, master_id: MasterId) -> None:
        """Release all of ours."""
