"""Deadlock detection between builds whose steps wait for each other's locks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from chargehand.domain.identifiers import BuildId
from chargehand.domain.lock import LockAccess, LockCycle, LockHolder

Key = tuple[str, str]
"""A lock's name, and the worker's name for worker locks."""


class Held(Protocol):
    """A held lock."""

    @property
    def build_id(self) -> BuildId | None:
        """The holding build; None while it is about to start."""


class Waiter(Protocol):
    """A step or a request that waits for locks."""

    @property
    def order(self) -> int:
        """The position in arrival order; lower is earlier."""

    @property
    def wants(self) -> dict[Key, LockAccess]:
        """What for."""

    @property
    def holder(self) -> LockHolder:
        """The waiter, for explanations."""

    @property
    def build_id(self) -> BuildId | None:
        """The build of a waiting step."""

    @property
    def cycle(self) -> LockCycle | None:
        """The deadlock that it resolves by giving way, if any."""


W = TypeVar("W", bound=Waiter)


def waited_for(
    waiter: W,
    *,
    held: Mapping[Key, Sequence[Held]],
    lines: Mapping[Key, Mapping[int, W]],
    waiting: Mapping[BuildId, W],
) -> set[BuildId]:
    """Return all builds that *waiter* waits for, directly or indirectly: holders of what it wants,
    and the builds that these and earlier waiters wait for.

    May return too many (one of several holders of a counting lock may suffice), never too few.
    """
    found: set[BuildId] = set()
    looked_at: dict[Key, int] = {}
    seen = {waiter.order}
    look_at = [waiter]
    while look_at:
        one = look_at.pop()
        behind: list[W] = []
        for key in one.wants:
            for holder in held.get(key, ()):
                build_id = holder.build_id
                if build_id is None or build_id == one.build_id or build_id in found:
                    continue
                found.add(build_id)
                if build_id in waiting:
                    behind.append(waiting[build_id])
            if looked_at.get(key, 0) < one.order:
                looked_at[key] = one.order
                line = lines.get(key, {}).values()
                behind.extend(_before(one.order, line))
        new = [other for other in behind if other.order not in seen]
        seen.update(other.order for other in new)
        look_at.extend(new)
    return found


def _before(order: int, line: Iterable[W]) -> Iterator[W]:
    return itertools.takewhile(lambda waiter: waiter.order < order, line)


def victims(
    *,
    held: Mapping[Key, Sequence[Held]],
    waiting: Mapping[BuildId, W],
    fits: Callable[[W, set[BuildId]], bool],
) -> Iterator[tuple[W, LockCycle]]:
    """Yield the waiters that must give way, and why, so that all others get their locks.

    *fits* returns whether a waiter gets its locks once a set of builds has ended. In a cycle, the
    build with the newest request gives way: the oldest never does.
    """
    gone = {build_id for build_id, waiter in waiting.items() if waiter.cycle is not None}
    while stuck := _stuck(waiting, gone, fits):
        cycles = [path for waiter in stuck.values() if (path := _cycle(waiter, held, stuck))]
        if not cycles:
            return
        cycle = max(cycles, key=lambda path: _age(path[0].holder))
        victim = cycle[0]
        assert victim.build_id is not None
        yield victim, _told(cycle, held)
        gone.add(victim.build_id)


def _stuck(
    waiting: Mapping[BuildId, W], gone: set[BuildId], fits: Callable[[W, set[BuildId]], bool]
) -> dict[BuildId, W]:
    """Return the builds that can never end; adds all others to *gone*."""
    running = {build_id: waiter for build_id, waiter in waiting.items() if build_id not in gone}
    is_new = True
    while is_new:
        # Builds that wait for nothing will end; check only the waiting ones.
        unable = {b: waiter for b, waiter in running.items() if not fits(waiter, gone)}
        is_new = len(unable) < len(running)
        gone.update(running.keys() - unable.keys())
        running = unable
    return running


def _cycle(start: W, held: Mapping[Key, Sequence[Held]], stuck: Mapping[BuildId, W]) -> list[W]:
    """Return the shortest cycle of waiters that contains this one, or an empty one."""
    paths: list[list[W]] = [[start]]
    seen: set[BuildId] = set()
    for path in paths:
        for build_id in _next_builds(path[-1], held):
            if build_id == start.build_id:
                return path
            if build_id in stuck and build_id not in seen:
                seen.add(build_id)
                paths.append([*path, stuck[build_id]])
    return []


def _next_builds(waiter: Waiter, held: Mapping[Key, Sequence[Held]]) -> Iterator[BuildId]:
    for key in waiter.wants:
        for one in held.get(key, ()):
            if one.build_id is not None and one.build_id != waiter.build_id:
                yield one.build_id


def _age(holder: LockHolder) -> tuple[int, int]:
    return (holder.request_id or 0, holder.build_id or 0)


def _told(cycle: Sequence[Waiter], held: Mapping[Key, Sequence[Held]]) -> LockCycle:
    """Describe a cycle: "a #1 waits for lock B, which b #2 holds; …"."""
    locks, parts = [], []
    for waiter, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        lock = next(
            key[0]
            for key in waiter.wants
            if any(one.build_id == after.build_id for one in held.get(key, ()))
        )
        locks.append(lock)
        parts.append(f"{_build(waiter)} waits for lock {lock}, which {_build(after)} holds")
    return LockCycle(tuple(dict.fromkeys(locks)), "deadlock: " + "; ".join(parts))


def _build(waiter: Waiter) -> str:
    return f"{waiter.holder.builder_name} #{waiter.holder.build_number}"
