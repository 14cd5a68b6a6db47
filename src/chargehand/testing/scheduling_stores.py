"""Stores in memory, held to the same contract as the real one, for tests of schedulers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from chargehand.domain.buildset import (
    BuildRequest,
    Buildset,
    NewBuildset,
    PendingRequest,
    SubmittedBuildset,
)
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    BuildsetId,
    ChangeId,
    MasterId,
    RequestId,
    SchedulerId,
    SourceStampId,
    Timestamp,
)
from chargehand.domain.master import Scheduler
from chargehand.domain.properties import merged
from chargehand.domain.remembered import Remembered
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp, StoredSourceStamp
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildsetCompleted,
    BuildsetSubmitted,
    ChangeAdded,
    RequestSubmitted,
    SchedulerChanged,
)
from chargehand.testing.intake import MemoryStateStore


class LoopClock:
    """A clock that goes with the running loop's time, virtual or not."""

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self._began: float | None = None

    def timestamp(self) -> float:
        """Return the time as seconds since 1970."""
        time = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = time
        return self._start + time - self._began

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)


class MemoryBuilders:
    """A directory of builders, numbered from 1."""

    def __init__(self, names: Sequence[str]) -> None:
        self._ids = {name: BuilderId(number) for number, name in enumerate(names, 1)}

    def ids(self, names: Sequence[str]) -> tuple[BuilderId, ...]:
        """Return their identifiers. Raises LookupError naming the unknown ones."""
        if unknown := [name for name in names if name not in self._ids]:
            raise LookupError(f"unknown builders: {', '.join(unknown)}")
        return tuple(self._ids[name] for name in names)


class MemoryChanges:
    """Changes and their source stamps."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._changes: dict[ChangeId, Change] = {}
        self.stamps: dict[SourceStampId, StoredSourceStamp] = {}
        self._known: dict[bytes, SourceStampId] = {}

    def add(self, change: NewChange) -> Change:
        """Store a change and announce it."""
        stored = self.keep(change)
        self._bus.publish([ChangeAdded(change=stored)])
        return stored

    def keep(self, change: NewChange) -> Change:
        """Store a change that nobody hears of."""
        stamp = self.stamp(
            SourceStamp(
                branch=change.branch,
                revision=change.revision,
                repository=change.repository,
                project=change.project,
                codebase=change.codebase,
            )
        )
        number = ChangeId(len(self._changes) + 1)
        stored = Change.of(
            change, change_id=number, source_stamp_id=stamp.id, when=change.when or 0.0
        )
        self._changes[number] = stored
        return stored

    def stamp(self, stamp: SourceStamp | SourceStampId) -> StoredSourceStamp:
        """Return the stored form; equal source stamps are stored once."""
        if not isinstance(stamp, SourceStamp):
            return self.stamps[stamp]
        key = repr(stamp).encode()
        if key not in self._known:
            number = SourceStampId(len(self.stamps) + 1)
            self._known[key] = number
            self.stamps[number] = StoredSourceStamp(id=number, created_at=0.0, stamp=stamp)
        return self.stamps[self._known[key]]

    def stamps_of(
        self, given: Sequence[SourceStamp | SourceStampId]
    ) -> tuple[StoredSourceStamp, ...]:
        """Return the stored forms of a buildset's source stamps: each once, by codebase."""
        unique = {stored.id: stored for stored in map(self.stamp, given)}
        return tuple(sorted(unique.values(), key=lambda stored: stored.stamp.codebase))

    def that_led_to(self, stamps: Sequence[StoredSourceStamp]) -> tuple[SourceStampId, ...]:
        """Return those of the source stamps that are a change's."""
        changed = {change.source_stamp_id for change in self._changes.values()}
        return tuple(stamp.id for stamp in stamps if stamp.id in changed)

    async def changes(self, ids: Sequence[ChangeId]) -> list[Change]:
        """Return these changes, oldest first."""
        return [self._changes[number] for number in sorted(ids) if number in self._changes]

    async def changes_of(self, stamps: Sequence[SourceStampId]) -> list[Change]:
        """Return the changes of these source stamps, oldest first."""
        return [change for change in self._changes.values() if change.source_stamp_id in stamps]

    async def changes_after(self, change_id: ChangeId, limit: int = 1000) -> list[Change]:
        """Return changes newer than that one, oldest first."""
        newer = (change for number, change in self._changes.items() if number > change_id)
        return list(itertools.islice(newer, limit))

    async def newest_change_id(self) -> ChangeId | None:
        """Return the newest change there is."""
        return max(self._changes, default=None)

    async def source_stamps(
        self, change_ids: Sequence[ChangeId]
    ) -> dict[ChangeId, StoredSourceStamp]:
        """Return their source stamps."""
        return {n: self.stamps[self._changes[n].source_stamp_id] for n in change_ids}


class MemoryBuildsets:
    """Buildsets; ``submitted`` has them in order, and `wait_for` waits for the next ones."""

    def __init__(
        self, bus: Bus, changes: MemoryChanges, state: MemoryStateStore | None = None
    ) -> None:
        self._bus = bus
        self._changes = changes
        self._state = state
        self.submitted: list[NewBuildset] = []
        self._stored: list[tuple[str, Buildset]] = []
        """Schedulers and their buildsets."""
        self._grown = asyncio.Event()
        self._requests = itertools.count(1)

    async def submit(
        self, buildset: NewBuildset, *, at_once: bool = False, remembered: Sequence[Remembered] = ()
    ) -> SubmittedBuildset:
        """Store it with its requests and what is *remembered*, and announce both."""
        self.keep(remembered)
        return self.submit_now(buildset)

    def keep(self, remembered: Sequence[Remembered]) -> None:
        """Remember it within the same transaction."""
        if self._state is not None:
            for one in remembered:
                self._state.values[one.name, one.kind, one.key] = msgspec.json.encode(one.value)

    def submit_now(self, buildset: NewBuildset) -> SubmittedBuildset:
        """The same, within somebody else's transaction."""
        self.submitted.append(buildset)
        stamps = self._changes.stamps_of(buildset.source_stamps)
        stored = Buildset(
            id=BuildsetId(len(self.submitted)),
            reason=buildset.reason,
            submitted_at=0.0,
            source_stamps=stamps,
            external_id=buildset.external_id,
            trust=buildset.trust,
            trust_reason=buildset.trust_reason,
        )
        requests = tuple(self._pending(buildset, stored, b) for b in buildset.builder_ids)
        announced = [RequestSubmitted(pending=pending) for pending in requests]
        submitted = BuildsetSubmitted(buildset=stored, scheduler=buildset.scheduler)
        self._bus.publish([submitted, *announced])
        self._stored.append((buildset.scheduler, stored))
        if not requests:
            complete = msgspec.structs.replace(
                stored, complete=True, complete_at=0.0, result=Result.SUCCESS
            )
            self._stored[-1] = (buildset.scheduler, complete)
            self._bus.publish([BuildsetCompleted(buildset=complete)])
        self._grown.set()
        return SubmittedBuildset(buildset=stored, requests=requests)

    def _pending(self, new: NewBuildset, stored: Buildset, builder: BuilderId) -> PendingRequest:
        request = BuildRequest(
            id=RequestId(next(self._requests)),
            buildset_id=stored.id,
            builder_id=builder,
            submitted_at=0.0,
            priority=new.priority,
        )
        return PendingRequest(
            request=request,
            reason=new.reason,
            source_stamp_ids=tuple(stamp.id for stamp in stored.source_stamps),
            sources=tuple(
                (one.stamp.codebase, one.stamp.repository, one.stamp.project, one.stamp.branch)
                for one in stored.source_stamps
            ),
            properties=merged(new.properties, new.builder_properties.get(builder, {})),
            has_patch=any(one.stamp.patch is not None for one in stored.source_stamps),
            with_changes=self._changes.that_led_to(stored.source_stamps),
            waited_for_by=new.parent_build_id if new.waited_for else None,
            trust=stored.trust,
        )

    async def wait_for(self, count: int) -> list[NewBuildset]:
        """Wait until so many were submitted."""
        while len(self.submitted) < count:
            self._grown.clear()
            await self._grown.wait()
        return self.submitted

    def stamps_of(self, buildset: NewBuildset) -> list[SourceStamp]:
        """Return its source stamps, whole."""
        return [self._changes.stamp(stamp).stamp for stamp in buildset.source_stamps]

    async def rebuild_of(self, build_id: BuildId) -> NewBuildset:
        """Return the buildset that builds the same again. Raises LookupError."""
        raise LookupError(f"there is no build {build_id}")

    async def newest_id(self) -> BuildsetId | None:
        """Return the newest buildset's identifier."""
        return self._stored[-1][1].id if self._stored else None

    async def of_scheduler(
        self, scheduler: str, *, after: BuildsetId, among: Sequence[BuildsetId] = ()
    ) -> list[Buildset]:
        """Return what a scheduler submitted after a buildset, or that is among these."""
        own = [stored for name, stored in self._stored if name == scheduler]
        return [stored for stored in own if stored.id > after or stored.id in among]


class MemorySchedulers:
    """What schedulers remember."""

    def __init__(self, bus: Bus, buildsets: MemoryBuildsets) -> None:
        self._bus = bus
        self._buildsets = buildsets
        self._ids: dict[str, SchedulerId] = {}
        self._masters: dict[SchedulerId, MasterId] = {}
        self._disabled: set[SchedulerId] = set()
        self._kinds: dict[SchedulerId, tuple[str, str | None]] = {}
        self._due: dict[SchedulerId, Timestamp] = {}
        self._classified: dict[SchedulerId, dict[ChangeId, bool]] = {}
        self._seen: dict[SchedulerId, ChangeId] = {}

    async def ids(self, names: Sequence[str]) -> dict[str, SchedulerId]:
        """Return (create, where new) the identifiers of schedulers."""
        for name in names:
            self._ids.setdefault(name, SchedulerId(len(self._ids) + 1))
        return {name: self._ids[name] for name in names}

    async def activate(
        self, scheduler_ids: Sequence[SchedulerId], master_id: MasterId
    ) -> set[SchedulerId]:
        """Make this master theirs where no other has them; return ours."""
        for number in scheduler_ids:
            self._masters.setdefault(number, master_id)
        return {number for number in scheduler_ids if self._masters[number] == master_id}

    async def deactivate(self, master_id: MasterId) -> None:
        """Give all of ours up."""
        self._masters = {n: master for n, master in self._masters.items() if master != master_id}

    async def describe(self, kinds: Mapping[SchedulerId, tuple[str, str | None]]) -> None:
        """Remember each scheduler's type, and what it waits for."""
        changed = [number for number, kind in kinds.items() if self._kinds.get(number) != kind]
        self._kinds.update(kinds)
        for number in changed:
            self._announce(number)

    async def due(self, scheduler_id: SchedulerId, at: Timestamp) -> None:
        """Remember when a scheduler is due next."""
        self._due[scheduler_id] = at
        self._announce(scheduler_id)

    async def enabled(self, scheduler_ids: Sequence[SchedulerId]) -> dict[SchedulerId, bool]:
        """Return which are enabled."""
        return {number: number not in self._disabled for number in scheduler_ids}

    async def set_enabled(self, scheduler_id: SchedulerId, enabled: bool) -> None:
        """Enable or disable; announce SchedulerChanged."""
        if enabled:
            self._disabled.discard(scheduler_id)
        else:
            self._disabled.add(scheduler_id)
        self._due.pop(scheduler_id, None)
        self._announce(scheduler_id)

    def _announce(self, number: SchedulerId) -> None:
        kind, wait = self._kinds.get(number, (None, None))
        scheduler = Scheduler(
            id=number,
            name=next((name for name, known in self._ids.items() if known == number), ""),
            enabled=number not in self._disabled,
            type=kind,
            waits_for=wait,
            next_at=self._due.get(number),
        )
        self._bus.publish([SchedulerChanged(scheduler=scheduler, verb="updated")])

    async def classify(self, scheduler_id: SchedulerId, changes: Mapping[ChangeId, bool]) -> None:
        """Remember that changes were looked at and wait."""
        self._classified.setdefault(scheduler_id, {}).update(changes)
        await self.saw_changes({scheduler_id: max(changes)})

    async def classified(self, scheduler_id: SchedulerId) -> dict[ChangeId, bool]:
        """Return what `classify` remembered and `flush` did not end."""
        return dict(self._classified.get(scheduler_id, {}))

    async def flush(
        self, scheduler_id: SchedulerId, change_ids: Sequence[ChangeId] | None = None
    ) -> None:
        """Forget these classified changes; None: all of them."""
        waiting = self._classified.get(scheduler_id, {})
        for number in list(waiting) if change_ids is None else change_ids:
            waiting.pop(number, None)

    async def submit_and_flush(
        self,
        scheduler_id: SchedulerId,
        buildset: NewBuildset,
        change_ids: Sequence[ChangeId],
        remembered: Sequence[Remembered] = (),
    ) -> SubmittedBuildset:
        """Submit, forget these changes, and remember the rest."""
        self._buildsets.keep(remembered)
        await self.flush(scheduler_id, change_ids)
        await self.saw_changes({scheduler_id: max(change_ids)})
        return self._buildsets.submit_now(buildset)

    async def last_seen_changes(
        self, scheduler_ids: Sequence[SchedulerId]
    ) -> dict[SchedulerId, ChangeId]:
        """Return the newest change that each has looked at."""
        return {number: self._seen[number] for number in scheduler_ids if number in self._seen}

    async def saw_changes(self, newest: Mapping[SchedulerId, ChangeId]) -> None:
        """Remember it; never lowers what is known."""
        for number, change in newest.items():
            self._seen[number] = max(change, self._seen.get(number, change))
