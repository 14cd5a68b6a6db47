"""Why a change is not built, scheduler by scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chargehand.domain.change import Change
from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.scheduling.change_feed import ChangeFeed
from chargehand.scheduling.on_change import OnChange
from chargehand.scheduling.scheduler import Scheduler

_NAMED = 5
"""So many buildsets are named one by one."""


def outcomes_of(
    change: Change, schedulers: Iterable[Scheduler], built_by: Mapping[str, Sequence[int]]
) -> list[ChangeOutcome]:
    """Return what schedulers did with a change: first those in *built_by* (buildsets by name)."""
    fates = [_built(name, buildsets) for name, buildsets in built_by.items()]
    rest = sorted((one for one in schedulers if one.name not in built_by), key=lambda one: one.name)
    fates += [fate for one in rest if (fate := _fate(change, one)) is not None]
    if not fates:
        sentence = "no scheduler of this master builds changes"
        fates.append(ChangeOutcome(kind="no_scheduler", sentence=sentence))
    return fates


def waiting_changes(schedulers: Iterable[Scheduler]) -> list[WaitingChanges]:
    """Return what waits for tree-stable timers, what is built next first."""
    found = [
        one
        for scheduler in schedulers
        if isinstance(scheduler.kind, OnChange)
        for one in scheduler.kind.waiting()
    ]
    return sorted(found, key=lambda one: (one.seconds is None, one.seconds, one.scheduler))


def _built(scheduler: str, buildsets: Sequence[int]) -> ChangeOutcome:
    if len(buildsets) > _NAMED:
        made = f"{len(buildsets)} buildsets of it, from {min(buildsets)} to {max(buildsets)}"
    else:
        word = "buildset" if len(buildsets) == 1 else "buildsets"
        made = f"{word} {', '.join(map(str, buildsets))} of it"
    return ChangeOutcome(
        kind="built",
        scheduler=scheduler,
        sentence=f'scheduler "{scheduler}" made {made}',
        details={"buildsetids": list(buildsets)},
    )


def _fate(change: Change, scheduler: Scheduler) -> ChangeOutcome | None:
    feed = scheduler.feed
    if not feed.is_consuming:
        return None
    name = scheduler.name
    if (why := feed.refusal(change)) is not None:
        sentence = f'scheduler "{name}" does not want it: {why}'
        return ChangeOutcome(
            kind="not_wanted", scheduler=name, sentence=sentence, details={"because": why}
        )
    if isinstance(scheduler.kind, OnChange):
        return _waiting(change, name, scheduler.kind) or _passed(change, name, feed)
    if change.id <= feed.seen:
        sentence = f'scheduler "{name}" has recorded it, and builds at its next scheduled time'
        return ChangeOutcome(kind="taken", scheduler=name, sentence=sentence)
    return None


def _waiting(change: Change, name: str, kind: OnChange) -> ChangeOutcome | None:
    waiting = kind.waiting_with(change.id)
    if waiting is None:
        return None
    if waiting.seconds is None:
        return ChangeOutcome(
            kind="waits_for_important_change",
            scheduler=name,
            sentence=f'scheduler "{name}" builds it together with the next important change: '
            "it is not important (fileIsImportant)",
        )
    left = round(waiting.seconds)
    if waiting.is_retry:
        return ChangeOutcome(
            kind="is_retried",
            scheduler=name,
            sentence=f'scheduler "{name}" {waiting.sentence}',
            details={"seconds": left},
        )
    return ChangeOutcome(
        kind="waits_for_stable_tree",
        scheduler=name,
        sentence=f'scheduler "{name}" waits {left} s more for the tree to be stable',
        details={"seconds": left},
    )


def _passed(change: Change, name: str, feed: ChangeFeed) -> ChangeOutcome:
    if change.id in feed.unimportant:
        kind, what = "unimportant", "does not build it: it is not important (fileIsImportant)"
    elif change.id > feed.looked_at:
        kind, what = "being_looked_at", "is looking at it"
    else:
        kind = "not_seen"
        what = (
            "did not see it, although it would build it now: when the change arrived, the "
            "scheduler was disabled or configured differently"
        )
    return ChangeOutcome(kind=kind, scheduler=name, sentence=f'scheduler "{name}" {what}')
