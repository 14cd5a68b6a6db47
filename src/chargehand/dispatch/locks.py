"""The lock table: holders, waiters, and fair order.

Each lock has one line of waiters. A waiter gets all its locks together, when each has room and no
earlier waiter waits for any of them. So counting accesses cannot starve an exclusive one. A waiter
that already holds locks (a step of a build that has some) does not queue behind waiters for one of
these, direct or indirect: both would wait forever. Cycles of builds that wait for each other's
locks remain; `lock_cycles` finds them, and the build with the newest request gives way.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from chargehand.dispatch import lock_cycles
from chargehand.dispatch.lock_cycles import Key
from chargehand.domain.identifiers import BuildId
from chargehand.domain.lock import (
    LockAccess,
    LockCycle,
    LockHolder,
    LockMode,
    LockScope,
    LockTooSmall,
)
from chargehand.domain.waiting import LockHeld
from chargehand.kit.values import replace


class Grant:
    """Held locks; ``release`` may be called twice."""

    def __init__(self, table: LockTable, held: Sequence[_Held], holder: LockHolder) -> None:
        self._table = table
        self._held = list(held)
        self.holder = holder

    def name(self, holder: LockHolder) -> None:
        """Set the holder, once more is known about it."""
        self.holder = holder
        self._table.rename(self._held, holder)

    def release(self) -> None:
        """Release the locks, and wake the next waiters."""
        held, self._held = self._held, []
        self._table.give_back(held)


class Place(Protocol):
    """A place in line."""

    @property
    def accesses(self) -> tuple[LockAccess, ...]:
        """The wanted accesses."""

    def leave(self) -> None:
        """Leave the line."""


class _Held:
    __slots__ = ("access", "holder", "key")

    def __init__(self, key: Key, access: LockAccess, holder: LockHolder) -> None:
        self.key = key
        self.access = access
        self.holder = holder

    @property
    def build_id(self) -> BuildId | None:
        return self.holder.build_id


class _Waiter:
    __slots__ = ("_table", "accesses", "cycle", "holder", "order", "wake", "wants")

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
        self.cycle: LockCycle | None = None
        """The deadlock that it resolves by giving way, if any."""

    @property
    def build_id(self) -> BuildId | None:
        return self.holder.build_id

    def leave(self) -> None:
        self._table.forget(self)


class LockTable:
    """All locks of a master; worker locks separately for each worker."""

    def __init__(self) -> None:
        self._held: dict[Key, list[_Held]] = {}
        self._lines: dict[Key, dict[int, _Waiter]] = {}
        self._of_build: dict[BuildId, list[_Held]] = defaultdict(list)
        self._waiting_builds: dict[BuildId, _Waiter] = {}
        """Builds with a waiting step; each runs one step at a time."""
        self._order = 0

    def try_acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        place: Place | None = None,
    ) -> Grant | None:
        """Return the locks if they are available now, after all waiters before *place*."""
        wants = _keyed(accesses, worker_name)
        order = place.order if isinstance(place, _Waiter) else self._order + 1
        if not self._may_go(wants, holder, order):
            return None
        held = [
            _Held(key, access, holder)
            for key, access in wants.items()
            if not self._has(key, holder)
        ]
        for one in held:
            self._held.setdefault(one.key, []).append(one)
            if one.build_id is not None:
                self._of_build[one.build_id].append(one)
        if place is not None:
            place.leave()  # After the locks are taken, check the waiters behind.
        return Grant(self, held, holder)

    def wait_in_line(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        wake: Callable[[], None],
    ) -> Place:
        """Join the line; *wake* is called when it may be this waiter's turn."""
        return self._enter(accesses, worker_name, holder, wake)

    async def acquire(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        waits: Callable[[LockHeld], None],
    ) -> Grant:
        """Wait until all locks are granted together; calls *waits* with the reason for waiting, at
        first and when it changes. May be cancelled.

        Raises LockTooSmall if they can never be granted, and LockCycle to resolve a deadlock.
        """
        check_size(accesses, worker_name)
        grant = self.try_acquire(accesses, worker_name, holder)
        if grant is not None:
            return grant
        turn = asyncio.Event()
        place = self._enter(accesses, worker_name, holder, turn.set)
        try:
            self._let_builds_pass(place)
            self._break_cycles(place)
            while (grant := self.try_acquire(accesses, worker_name, holder, place)) is None:
                if place.cycle is not None:
                    raise place.cycle
                if (held := self.why(accesses, worker_name, place)) is not None:
                    waits(held)
                turn.clear()
                await turn.wait()
        finally:
            place.leave()
        return grant

    def why(
        self, accesses: Sequence[LockAccess], worker_name: str, place: Place | None = None
    ) -> LockHeld | None:
        """Return the first unavailable lock of these, with its holders or earlier waiters."""
        order = place.order if isinstance(place, _Waiter) else self._order + 1
        return self._why(_keyed(accesses, worker_name), order)

    def why_waiting(self, build_id: BuildId) -> LockHeld | None:
        """Return what a step of the build waits for, if one does."""
        waiter = self._waiting_builds.get(build_id)
        if waiter is None or (held := self._why(waiter.wants, waiter.order)) is None:
            return None
        return replace(held, step=waiter.holder.step_name or "")

    def _why(self, wants: Mapping[Key, LockAccess], order: int) -> LockHeld | None:
        for key, access in wants.items():
            if not self._has_room(key, access):
                holders = tuple(held.holder for held in self._held[key])
                return LockHeld(lock=key[0], holders=holders)
        for key in wants:
            line = self._lines.get(key, {})
            first = tuple(waiter.holder for waiter in line.values() if waiter.order < order)
            if first:
                return LockHeld(lock=key[0], holders=(), before=first)
        return None

    def rename(self, held: Sequence[_Held], holder: LockHolder) -> None:
        """Implements `Grant.name`."""
        for one in held:
            self._disown(one)
            one.holder = holder
            if holder.build_id is not None:
                self._of_build[holder.build_id].append(one)

    def give_back(self, held: Sequence[_Held]) -> None:
        """Implements `Grant.release`."""
        for one in held:
            self._disown(one)
            self._held[one.key].remove(one)
            if not self._held[one.key]:
                del self._held[one.key]
        self._wake([one.key for one in held])

    def forget(self, waiter: _Waiter) -> None:
        """Implements `Place.leave`; waiters behind move up."""
        left = [key for key in waiter.wants if waiter.order in self._lines.get(key, ())]
        for key in left:
            del self._lines[key][waiter.order]
            if not self._lines[key]:
                del self._lines[key]
        if waiter.build_id is not None and self._waiting_builds.get(waiter.build_id) is waiter:
            del self._waiting_builds[waiter.build_id]
        self._wake(left)

    def _enter(
        self,
        accesses: Sequence[LockAccess],
        worker_name: str,
        holder: LockHolder,
        wake: Callable[[], None],
    ) -> _Waiter:
        self._order += 1
        wants = _keyed(accesses, worker_name)
        waiter = _Waiter(self, self._order, tuple(accesses), wants, holder, wake)
        for key in waiter.wants:
            self._lines.setdefault(key, {})[waiter.order] = waiter
        if holder.build_id is not None:
            self._waiting_builds[holder.build_id] = waiter
        return waiter

    def _disown(self, held: _Held) -> None:
        if held.build_id is not None:
            of_build = self._of_build[held.build_id]
            of_build.remove(held)
            if not of_build:
                del self._of_build[held.build_id]

    # Order of waiters

    def _wake(self, keys: Iterable[Key]) -> None:
        """Wake the first of each line if it can proceed; it then wakes the next.

        If it cannot, builds behind it that need not queue behind it may proceed.
        """
        woken: dict[int, _Waiter] = {}
        for key in keys:
            line = self._lines.get(key)
            if line:
                first = next(iter(line.values()))
                woken[first.order] = first
                if len(line) > 1 and not self._may_go(first.wants, first.holder, first.order):
                    woken.update(self._passing(first, line))
        for order in sorted(woken):
            woken[order].wake()

    def _let_builds_pass(self, newest: _Waiter) -> None:
        """Check builds again: others may now wait for *newest*'s build, and must not block it."""
        if newest.build_id not in self._of_build:
            return
        keys = {key for waiter in self._waiting_builds.values() for key in waiter.wants}
        self._wake(keys)

    def _passing(self, first: _Waiter, line: Mapping[int, _Waiter]) -> dict[int, _Waiter]:
        """Return the waiters that need not queue behind the first of a line."""
        able = {
            order: waiter
            for order, waiter in line.items()
            if waiter.build_id in self._of_build and self._fits(waiter.wants, waiter.holder)
        }
        waited_for = self._waited_for(first) if able else set()
        return {order: waiter for order, waiter in able.items() if waiter.build_id in waited_for}

    def _may_go(self, wants: Mapping[Key, LockAccess], holder: LockHolder, order: int) -> bool:
        return self._fits(wants, holder) and all(
            self._has(key, holder) or self._is_next(key, holder, order) for key in wants
        )

    def _fits(self, wants: Mapping[Key, LockAccess], holder: LockHolder) -> bool:
        return all(
            self._has(key, holder) or self._has_room(key, access) for key, access in wants.items()
        )

    def _is_next(self, key: Key, holder: LockHolder, order: int) -> bool:
        """Whether no earlier waiter blocks it.

        If the first in line waits for a build, all behind it do, too.
        """
        for earlier, waiter in self._lines.get(key, {}).items():
            if earlier >= order:
                break
            if waiter.holder != holder:  # A builder may be in line once for each of its workers.
                has_locks = holder.build_id in self._of_build
                return has_locks and holder.build_id in self._waited_for(waiter)
        return True

    def _has(self, key: Key, holder: LockHolder) -> bool:
        return holder.build_id is not None and any(
            held.key == key and held.holder.step_id is None
            for held in self._of_build.get(holder.build_id, ())
        )

    def _has_room(self, key: Key, access: LockAccess) -> bool:
        held = self._held.get(key, ())
        if access.mode is LockMode.EXCLUSIVE:
            return not held
        if any(one.access.mode is LockMode.EXCLUSIVE for one in held):
            return False
        taken = sum(one.access.count for one in held)
        return taken + access.count <= access.lock.count_for(key[1])

    def _waited_for(self, waiter: _Waiter) -> set[BuildId]:
        return lock_cycles.waited_for(
            waiter, held=self._held, lines=self._lines, waiting=self._waiting_builds
        )

    # Cycles

    def _break_cycles(self, newest: _Waiter) -> None:
        """Resolve deadlocks that *newest* has completed: some builds give way."""
        build_id = newest.build_id
        if build_id is None or build_id not in self._of_build:
            return
        if not any(held.key in self._lines for held in self._of_build[build_id]):
            return  # No one waits for it.
        for victim, cycle in lock_cycles.victims(
            held=self._held, waiting=self._waiting_builds, fits=self._would_fit
        ):
            if victim.cycle is None:
                victim.cycle = cycle
                victim.wake()

    def _would_fit(self, waiter: _Waiter, gone: set[BuildId]) -> bool:
        """Whether the waiter gets its locks once these builds have ended."""
        for key, access in waiter.wants.items():
            if self._has(key, waiter.holder):
                continue
            left = [one for one in self._held.get(key, ()) if self._stays(one, gone)]
            alone = access.mode is LockMode.EXCLUSIVE
            if left and (alone or any(one.access.mode is LockMode.EXCLUSIVE for one in left)):
                return False
            taken = sum(one.access.count for one in left)
            if not alone and taken + access.count > access.lock.count_for(key[1]):
                return False
        return True

    def _stays(self, held: _Held, gone: set[BuildId]) -> bool:
        """Whether a lock stays held: builds that wait for nothing will end."""
        return held.build_id in self._waiting_builds and held.build_id not in gone


def check_size(accesses: Sequence[LockAccess], worker_name: str) -> None:
    """Raise LockTooSmall if one of the locks can never be granted on this worker."""
    for access in accesses:
        allowed = access.lock.count_for(worker_name)
        if access.mode is LockMode.COUNTING and access.count > allowed:
            raise LockTooSmall(access.lock.name, access.count, allowed)


def _keyed(accesses: Sequence[LockAccess], worker_name: str) -> dict[Key, LockAccess]:
    """Return the largest wanted access for each lock."""
    wants: dict[Key, LockAccess] = {}
    for access in accesses:
        key = (access.lock.name, worker_name if access.lock.scope is LockScope.WORKER else "")
        if key not in wants or _wants_more(access, wants[key]):
            wants[key] = access
    return wants


def _wants_more(access: LockAccess, than: LockAccess) -> bool:
    if than.mode is LockMode.EXCLUSIVE:
        return False
    return access.mode is LockMode.EXCLUSIVE or access.count > than.count
