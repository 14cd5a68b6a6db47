"""What intake needs of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeSourceId, MasterId


class ChangeStore(Protocol):
    """Where changes are recorded."""

    async def add(self, changes: Sequence[NewChange]) -> list[Change]:
        """Store them in one transaction and announce each; they are durable when this returns."""


class StateStore(Protocol):
    """Small things that components remember by name (JSON values)."""

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        """Return what was set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: Any) -> None:
        """Remember it durably."""


class ChangeSourceStore(Protocol):
    """Which change sources there are and whose they are."""

    async def ids(self, names: Sequence[str]) -> dict[str, ChangeSourceId]:
        """Return (create, where new) identifiers, in one transaction."""

    async def activate(
        self, ids: Sequence[ChangeSourceId], master_id: MasterId
    ) -> set[ChangeSourceId]:
        """Make this master theirs where no other active one has them; return those that are ours."""

    async def deactivate(self, master_id: MasterId) -> None:
        """Give all of ours up."""
