"""Locks that are always free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chargehand.domain.lock import LockAccess, LockHolder
from chargehand.domain.waiting import LockHeld


class FreeLocks:
    """`Locks` of which there are always enough; ``held`` counts them."""

    def __init__(self) -> None:
        self.held = 0
        self.holder = LockHolder(builder_name="")
        self.holders: list[LockHolder] = []
        self.asked: list[tuple[str, ...]] = []

    async def acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        waits: Callable[[LockHeld], None],
    ) -> FreeGrant:
        """Grant them."""
        self.asked.append(tuple(access.lock.name for access in accesses))
        self.held += 1
        return FreeGrant(self)

    def name(self, holder: LockHolder) -> None:
        """Note who holds them: as a grant, it is one of no locks."""
        self.holders.append(holder)

    def release(self) -> None:
        """Give nothing back."""


class FreeGrant:
    """`LockGrant` of locks of which there are always enough."""

    def __init__(self, locks: FreeLocks) -> None:
        self._locks = locks
        self.holder = LockHolder(builder_name="")
        self._is_held = True

    def name(self, holder: LockHolder) -> None:
        """Note who holds them."""
        self._locks.holders.append(holder)

    def release(self) -> None:
        """Give them back."""
        self._locks.held -= self._is_held
        self._is_held = False
