"""What intake needs of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeSourceId, MasterId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_health import SourceHealth


class ChangeStore(Protocol):
    """Where changes are recorded."""

    async def add(
        self, changes: Sequence[NewChange], remember: Remembered | None = None
    ) -> list[Change]:
        """Store them in one transaction and announce each; they are durable when this returns.

        ``remember`` becomes part of the same transaction: a source that moves its mark with the
        changes neither loses nor repeats any of them, whenever the master is killed.
        """


class StateStore(Protocol):
    """Small things that components remember by name (JSON values)."""

    async def get(self, name: str, kind: str, key: str, default: object = None) -> object:
        """Return what was set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: object) -> None:
        """Remember it durably."""


class ChangeSourceStore(Protocol):
    """Which change sources there are and whose they are."""

    async def ids(self, names: Sequence[str]) -> dict[str, ChangeSourceId]:
        """Return (create, where new) identifiers, in one transaction."""

    async def activate(
        self, ids: Sequence[ChangeSourceId], master_id: MasterId
    ) -> set[ChangeSourceId]:
        """Make this master theirs where no other active one has them; return those of ours."""

    async def report(self, source_id: ChangeSourceId, health: SourceHealth) -> None:
        """Record how a source fares."""

    async def deactivate(self, master_id: MasterId) -> None:
        """Give all of ours up."""
