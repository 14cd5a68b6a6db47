"""Groups waiting requests by what they wait for. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec

from chargehand.domain.identifiers import BuilderId, BuildId
from chargehand.domain.lock import LockHolder
from chargehand.domain.waiting import (
    FunctionAsked,
    FunctionFailed,
    HeldByParents,
    LockHeld,
    LockUnavailable,
    NotTrustedEnough,
    NoWorkerConnected,
    RefusedByFunction,
    Waiting,
    WorkersBusy,
    WorkersInterrupted,
    WorkersPaused,
    WorkersQuarantined,
)
from chargehand.domain.waiting_line import MOST_NAMED, WaitingLine
from chargehand.kit.durations import duration
from chargehand.resources.field import Resource

_MOST_HOLDERS = 8
_MOST_WORKERS = 3
"""Of so many it is told how many builds each runs."""


def holders_of(why: Waiting) -> Sequence[LockHolder]:
    """Return the builds that hold what is waited for."""
    return why.holders if isinstance(why, LockHeld | HeldByParents) else ()


def grouped(
    lines: Iterable[WaitingLine],
    *,
    builder_names: Mapping[BuilderId, str],
    started_at: Mapping[BuildId, float],
    now: float,
) -> list[Resource]:
    """Return a row for each reason, the one with the most requests first.

    Lines of builders without a name are left out. *started_at* says when holders began.
    """
    groups: dict[Hashable, list[WaitingLine]] = {}
    for line in lines:
        if line.builder_id in builder_names:
            groups.setdefault(_key(line.why), []).append(line)
    rows = [_row(group, builder_names, started_at, now) for group in groups.values()]
    return sorted(rows, key=lambda row: (-row["count"], row["oldest_submitted_at"]))


def _row(
    group: Sequence[WaitingLine],
    builder_names: Mapping[BuilderId, str],
    started_at: Mapping[BuildId, float],
    now: float,
) -> Resource:
    group = sorted(group, key=lambda line: line.oldest_submitted_at)
    why = group[0].why
    details = msgspec.to_builtins(why)
    kind = details.pop("kind")
    count = sum(line.count for line in group)
    oldest = group[0].oldest_submitted_at
    named = [request for line in group for request in line.request_ids]
    wait = "1 request waits" if count == 1 else f"{count:,} requests wait"
    held = _held(why, started_at, now)
    what = _what(why, len(group))
    sentence = f"{what}: {wait}, {held or _since(count, now - oldest)}"
    builders = [
        {
            "builderid": line.builder_id,
            "name": builder_names[line.builder_id],
            "count": line.count,
        }
        for line in sorted(group, key=lambda line: -line.count)
    ]
    return {
        "kind": kind,
        "sentence": sentence,
        "reason": f"{what}, {held}" if held else what,
        "details": details,
        "group": _name(_key(why)),
        "count": count,
        "oldest_submitted_at": int(oldest),
        "builders": builders,
        "buildrequestids": named[:MOST_NAMED],
    }


def _key(why: Waiting) -> Hashable:
    """Return what is equal for reasons that end together."""
    match why:
        case LockHeld(lock=lock) | LockUnavailable(lock=lock):
            what: Hashable = lock
        case NoWorkerConnected(workers=names):
            what = names
        case (
            WorkersBusy(workers=told)
            | WorkersPaused(workers=told)
            | WorkersInterrupted(workers=told)
            | WorkersQuarantined(workers=told)
        ):
            what = tuple(one[0] for one in told)
        case RefusedByFunction(function=function, place=place):
            what = (function, place)
        case FunctionFailed(function=function, place=place, error=error):
            what = (function, place, error)
        case FunctionAsked(function=function):
            what = function
        case HeldByParents(because=because):
            what = _key(because)
        case NotTrustedEnough(trust=level, workers=workers, because=because):
            what = (level, workers, None if because is None else _key(because))
        case _:
            what = None
    return type(why).__name__, what


def _name(key: Hashable) -> str:
    """Return a short name for a group: the same in later answers, as long as the reason is."""
    return hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()


def _what(why: Waiting, builders: int) -> str:
    """Return the reason as the beginning of a sentence."""
    match why:
        case LockHeld(lock=lock):
            return f"lock {lock}"
        case WorkersBusy() if builders > 1:  # That one of them runs this builder says too much.
            if len(why.workers) <= _MOST_WORKERS:
                return msgspec.structs.replace(why, builds=()).sentence
            return f"all usable workers are busy ({', '.join(name for name, _, _ in why.workers)})"
        case _:
            return why.sentence


def _held(why: Waiting, started_at: Mapping[BuildId, float], now: float) -> str:
    if not isinstance(why, LockHeld):
        return ""
    if not why.holders:
        told = _names(why.before)
        return f"reserved for {told}" if told else "held by others"
    return f"held by {_names(why.holders, started_at, now)}"


def _names(
    holders: Sequence[LockHolder],
    started_at: Mapping[BuildId, float] | None = None,
    now: float = 0,
) -> str:
    told = []
    for one in holders[:_MOST_HOLDERS]:
        since = (started_at or {}).get(one.build_id) if one.build_id is not None else None
        told.append(one.words if since is None else f"{one.words} for {duration(now - since)}")
    if more := len(holders) - len(told):
        told.append(f"{more} more")
    return ", ".join(told)


def _since(count: int, seconds: float) -> str:
    words = duration(max(0.0, seconds))
    return f"for {words}" if count == 1 else f"the oldest for {words}"
