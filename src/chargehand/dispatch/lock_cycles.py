"""Who waits for whom: builds whose steps wait for locks that other builds hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from chargehand.domain.identifiers import BuildId
from chargehand.domain.lock import LockAccess, LockCycle, LockHolder

Key = tuple[str, str]
"""A lock's name, and the worker's for locks that each worker has."""


class Held(Protocol):
    """A lock that is held."""

    @property
    def build_id(self) -> BuildId | None:
        """By which build; None while that is about to start."""


class Waiter(Protocol):
    """A step or a request that waits for locks."""

    @property
    def order(self) -> int:
        """Who came first has the least."""

    @property
    def wants(self) -> dict[Key, LockAccess]:
        """What for."""

    @property
    def holder(self) -> LockHolder:
        """Who it is."""

    @property
    def build_id(self) -> BuildId | None:
        """Of a step: its build."""

    @property
    def cycle(self) -> LockCycle | None:
        """Why it gives way, if it does."""


W = TypeVar("W", bound=Waiter)


def waited_for(
    waiter: W,
    *,
    held: Mapping[Key, Sequence[Held]],
    lines: Mapping[Key, Mapping[int, W]],
    waiting: Mapping[BuildId, W],
) -> set[BuildId]:
    """Return all builds that *waiter* waits for: those that hold what it wants, and those that
    these, and those before it in line, wait for.

    This may name too many (one of several holders of a counting lock may suffice), never too few.
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
    """Yield who has to give way, and why, so that everybody else gets what they wait for.

    *fits* says whether a waiter gets its locks once a set of builds has ended. Of the builds in a
    cycle the one with the youngest request gives way: the oldest never does.
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
    """Return the builds that never end, when all those end that can; adds these to *gone*."""
    running = {build_id: waiter for build_id, waiter in waiting.items() if build_id not in gone}
    is_new = True
    while is_new:
        # Builds that wait for nothing end by themselves; only those that wait are looked at.
        unable = {b: waiter for b, waiter in running.items() if not fits(waiter, gone)}
        is_new = len(unable) < len(running)
        gone.update(running.keys() - unable.keys())
        running = unable
    return running


def _cycle(start: W, held: Mapping[Key, Sequence[Held]], stuck: Mapping[BuildId, W]) -> list[W]:
    """Return the shortest way from a waiter over those it waits for back to it, or nothing."""
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
    """Say it: "a #1 waits for lock B, which b #2 holds; …"."""
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
