"""Locks: who holds them, who waits, and whose turn it is.

Every lock has one line of waiters, and nobody overtakes in it: a waiter gets its locks, all
together, when each has room and nobody who came earlier waits for any of them. So a wish for an
exclusive lock is not starved by counting ones. A step whose build holds a lock already may use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from chargehand.domain.lock import LockAccess, LockHolder, LockMode, LockScope

Key = tuple[str, str]
"""A lock's name, and the worker's for locks that each worker has."""


class Grant:
    """Locks that are held; ``release`` gives them back, and may be called twice."""

    def __init__(self, table: LockTable, held: Sequence[_Held]) -> None:
        self._table = table
        self._held = list(held)

    def name(self, holder: LockHolder) -> None:
        """Say who holds them, now that it is known better."""
        for held in self._held:
            held.holder = holder

    def release(self) -> None:
        """Give them back; whoever waits and may go is woken."""
        held, self._held = self._held, []
        self._table.give_back(held)


class Place(Protocol):
    """A place in line."""

    @property
    def accesses(self) -> tuple[LockAccess, ...]:
        """What it is for."""

    def leave(self) -> None:
        """Give the place up."""


class _Held:
    __slots__ = ("access", "holder", "key")

    def __init__(self, key: Key, access: LockAccess, holder: LockHolder) -> None:
        self.key = key
        self.access = access
        self.holder = holder


class _Waiter:
    __slots__ = ("_table", "accesses", "holder", "order", "wake", "wants")

    def __init__(
        self,
        table: LockTable,
        order: int,
        accesses: tuple[LockAccess, ...],
        wants: dict[Key, LockAccess],
        holder: LockHolder,
        wake: Callable[[], None],
    ) -> None:
        self._table = table
        self.order = order
        self.accesses = accesses
        self.wants = wants
        self.holder = holder
        self.wake = wake

    def leave(self) -> None:
        self._table.forget(self)


class LockTable:
    """All locks of a master. Worker locks are kept for each worker."""

    def __init__(self) -> None:
        self._held: dict[Key, list[_Held]] = {}
        self._lines: dict[Key, dict[int, _Waiter]] = {}
        self._order = 0

    def try_acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        place: Place | None = None,
    ) -> Grant | None:
        """Return the locks if they can be had now, respecting those who came before *place*."""
        wants = _keyed(accesses, worker_name)
        order = place.order if isinstance(place, _Waiter) else self._order + 1
        if not all(self._may(key, access, holder, order) for key, access in wants.items()):
            return None
        if place is not None:
            place.leave()
        held = [
            _Held(key, access, holder)
            for key, access in wants.items()
            if not self._has(key, holder)
        ]
        for one in held:
            self._held.setdefault(one.key, []).append(one)
        return Grant(self, held)

    def wait_in_line(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        wake: Callable[[], None],
    ) -> Place:
        """Stand in line; *wake* is called whenever it may be this one's turn."""
        self._order += 1
        wants = _keyed(accesses, worker_name)
        waiter = _Waiter(self, self._order, tuple(accesses), wants, holder, wake)
        for key in waiter.wants:
            self._lines.setdefault(key, {})[waiter.order] = waiter
        return waiter

    async def acquire(
        self, accesses: Sequence[LockAccess], worker_name: str, holder: LockHolder
    ) -> Grant:
        """Wait until all are granted together. May be cancelled."""
        grant = self.try_acquire(accesses, worker_name, holder)
        if grant is not None:
            return grant
        turn = asyncio.Event()
        place = self.wait_in_line(accesses, worker_name, holder, turn.set)
        try:
            while (grant := self.try_acquire(accesses, worker_name, holder, place)) is None:
                turn.clear()
                await turn.wait()
        finally:
            place.leave()
        return grant

    def holders(
        self, accesses: Sequence[LockAccess], worker_name: str
    ) -> dict[str, list[LockHolder]]:
        """Return for each lock that cannot be had now who holds it (or waits before)."""
        result: dict[str, list[LockHolder]] = {}
        for key, access in _keyed(accesses, worker_name).items():
            if self._has_room(key, access) and not self._lines.get(key):
                continue
            holders = [held.holder for held in self._held.get(key, ())]
            result[key[0]] = holders or [
                waiter.holder for waiter in self._lines.get(key, {}).values()
            ]
        return result

    def give_back(self, held: Sequence[_Held]) -> None:
        """Used by `Grant.release`."""
        for one in held:
            self._held[one.key].remove(one)
            if not self._held[one.key]:
                del self._held[one.key]
        self._wake([one.key for one in held])

    def forget(self, waiter: _Waiter) -> None:
        """Used by `Place.leave`; those behind may go ahead."""
        left = [key for key in waiter.wants if waiter.order in self._lines.get(key, ())]
        for key in left:
            del self._lines[key][waiter.order]
            if not self._lines[key]:
                del self._lines[key]
        self._wake(left)

    def _wake(self, keys: Iterable[Key]) -> None:
        """Wake the first of each line: if it goes, it wakes the next; if not, nobody may go."""
        firsts = {}
        for key in keys:
            line = self._lines.get(key)
            if line:
                order, waiter = next(iter(line.items()))
                firsts[order] = waiter
        for order in sorted(firsts):
            firsts[order].wake()

    def _may(self, key: Key, access: LockAccess, holder: LockHolder, order: int) -> bool:
        if self._has(key, holder):
            return True
        for earlier, waiter in self._lines.get(key, {}).items():
            if earlier >= order:
                break
            if waiter.holder != holder:  # a builder may stand in line for each of its workers
                return False
        return self._has_room(key, access)

    def _has(self, key: Key, holder: LockHolder) -> bool:
        return holder.build_id is not None and any(
            held.holder.build_id == holder.build_id and held.holder.step_id is None
            for held in self._held.get(key, ())
        )

    def _has_room(self, key: Key, access: LockAccess) -> bool:
        held = self._held.get(key, ())
        if not held:
            return True
        if access.mode is LockMode.EXCLUSIVE:
            return False
        if any(one.access.mode is LockMode.EXCLUSIVE for one in held):
            return False
        taken = sum(one.access.count for one in held)
        return taken + access.count <= access.lock.count_for(key[1])


def _keyed(accesses: Sequence[LockAccess], worker_name: str) -> dict[Key, LockAccess]:
    return {
        (access.lock.name, worker_name if access.lock.scope is LockScope.WORKER else ""): access
        for access in accesses
    }
