"""Scheduling: turns changes, times and users' calls into buildsets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from chargehand.config.model import Component, NotYet
from chargehand.domain.change import Change
from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.failed_part import FailedPart, reason_of
from chargehand.domain.identifiers import BuildId, ChangeId, MasterId, SchedulerId
from chargehand.domain.json import Json
from chargehand.domain.outages import TemporarilyUnavailable
from chargehand.domain.user import User
from chargehand.events.bus import Bus, Subscription
from chargehand.events.messages import ChangeAdded, MasterStopped, SchedulerChanged
from chargehand.kit.clock import Clock
from chargehand.kit.guard import guarded
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks
from chargehand.kit.values import replace
from chargehand.scheduling import kinds
from chargehand.scheduling.errors import (
    NoSuchScheduler,
    SchedulerDisabled,
    SchedulerElsewhere,
    SchedulerFailed,
)
from chargehand.scheduling.explaining import outcomes_of, waiting_changes
from chargehand.scheduling.force import Force
from chargehand.scheduling.forms import Forms
from chargehand.scheduling.ports import (
    BuilderDirectory,
    BuildsetStore,
    ChangeStore,
    SchedulerStore,
    SourceTrust,
    StateStore,
)
from chargehand.scheduling.scheduler import Scheduler
from chargehand.scheduling.submitting import NothingDistrusted, SchedulerServices

_log = logging.getLogger(__name__)

_CLAIM_SECONDS = 60.0
"""Seconds between attempts to claim schedulers that another master runs."""

_MARK_EVERY = 256
"""Number of changes after which each scheduler's progress is recorded."""


class Scheduling:
    """Runs this master's schedulers; each is active on one master only, while it is enabled."""

    def __init__(
        self,
        *,
        buildsets: BuildsetStore,
        schedulers: SchedulerStore,
        changes: ChangeStore,
        state: StateStore,
        builders: BuilderDirectory,
        bus: Bus,
        clock: Clock,
        master_id: MasterId,
        redaction: Redaction | None = None,
        trust: SourceTrust | None = None,
    ) -> None:
        self._tasks = Tasks("scheduling")
        self._services = SchedulerServices(
            buildsets=buildsets,
            schedulers=schedulers,
            changes=changes,
            state=state,
            builders=builders,
            bus=bus,
            clock=clock,
            tasks=self._tasks,
            redaction=redaction or Redaction(),
            trust=trust or NothingDistrusted(),
        )
        self._forms = Forms(
            builders=builders, is_enabled=lambda name: self._enabled.get(self._ids[name], True)
        )
        self._bus = bus
        self._master_id = master_id
        self._lock = asyncio.Lock()
        self._components: dict[str, Component] = {}
        self._ids: dict[str, SchedulerId] = {}
        self._ours: set[SchedulerId] = set()
        self._enabled: dict[SchedulerId, bool] = {}
        self._running: dict[str, Scheduler] = {}
        self._failed: dict[str, FailedPart] = {}
        self._interrupted: dict[str, ChangeId] = {}
        """Those that an outage kept from starting, and the change with which they begin."""
        self._later: list[Change] | None = None
        self._unmarked = 0
        self._subscriptions: list[Subscription] = []

    async def start(self, components: Sequence[Component]) -> None:
        """Run *components*; process the changes that each of them has not seen yet."""
        self._subscriptions = [
            self._bus.subscribe(self._change_added, ChangeAdded),
            self._bus.subscribe(self._scheduler_changed, SchedulerChanged),
            self._bus.subscribe(self._master_stopped, MasterStopped),
        ]
        async with self._lock:
            known = await self._known_before()
            await self._adopt(components, fresh={c.name for c in components} - known)
        self._tasks.repeat(self._claim_others, every=_CLAIM_SECONDS, name="claims")

    async def _known_before(self) -> set[str]:
        names = await self._services.state.get("schedulers", "Scheduling", "configured", [])
        return set(map(str, names)) if isinstance(names, Sequence) else set()

    async def reconfigure(self, components: Sequence[Component]) -> None:
        """Run *components* instead; schedulers with the same identity keep running untouched."""
        async with self._lock:
            await self._adopt(
                components, fresh={c.name for c in components} - self._components.keys()
            )

    async def stop(self) -> None:
        """Stop all; changes that wait for a timer stay in the store."""
        for subscription in self._subscriptions:
            subscription.cancel()
        async with self._lock:
            await self._deactivate(list(self._running))
            await self._services.schedulers.deactivate(self._master_id)
            self._components = {}
            self._ours = set()
        await self._tasks.close()

    # Calls of users

    async def force(
        self, name: str, parameters: Mapping[str, object], owner: str
    ) -> tuple[int, dict[int, int]]:
        """Submit a form; returns the identifiers of the buildset and of its requests by builder.

        Raises NoSuchScheduler, SchedulerDisabled, SchedulerElsewhere, SchedulerFailed,
        InvalidParameters.
        """
        form_asked_for = self._form(name)
        answers = dict(parameters)
        builder_names = form_asked_for.take_builders(answers)
        return await form_asked_for.force(owner, builder_names, answers)

    async def rebuild(self, build_id: BuildId, by: User) -> tuple[int, dict[int, int]]:
        """Build the same again. Raises LookupError."""
        buildset = await self._services.buildsets.rebuild_of(build_id)
        if not by.is_anonymous:
            buildset = replace(buildset, reason=f"{buildset.reason} by {by.words}")
        return (await self._services.buildsets.submit(buildset, at_once=True)).numbers

    async def set_enabled(self, scheduler_id: int, enabled: bool) -> None:
        """Enable or disable a scheduler. Raises NoSuchScheduler."""
        number = SchedulerId(scheduler_id)
        if number not in self._ids.values():
            raise NoSuchScheduler(scheduler_id)
        await self._services.schedulers.set_enabled(number, enabled)
        await self._apply_enabled(number, enabled)

    def forms(self, builder_id: int | None = None) -> list[dict[str, Json]]:
        """Return the force schedulers (those for a builder) as the REST API has them."""
        return self._forms.all(self._components, builder_id)

    async def asked_forms(self, builder_id: int | None = None) -> list[dict[str, Json]]:
        """Return the same, with what users' functions say may be chosen now."""
        return await self._forms.asked(self._components, builder_id)

    async def outcomes_of(
        self, change_id: ChangeId, built_by: Mapping[str, Sequence[int]]
    ) -> list[ChangeOutcome]:
        """Explain what each scheduler did with a change. Raises LookupError.

        *built_by* has the buildsets that build it, by their schedulers' names.
        """
        found = await self._services.changes.changes([change_id])
        if not found:
            raise LookupError(f"there is no changeid {change_id}")
        return outcomes_of(found[0], self._running.values(), built_by)

    def waiting_changes(self) -> list[WaitingChanges]:
        """Return the changes that wait for tree-stable timers here."""
        return waiting_changes(self._running.values())

    def running(self) -> dict[str, Scheduler]:
        """Return the schedulers that are active here, by name."""
        return dict(self._running)

    @property
    def failed_parts(self) -> Sequence[FailedPart]:
        """The configured schedulers that could not be started."""
        return [self._failed[name] for name in sorted(self._failed) if name in self._components]

    # Reconfiguration

    async def _adopt(self, components: Sequence[Component], *, fresh: set[str]) -> None:
        wanted = {c.name: c for c in components if self._is_supported(c)}
        gone = [
            name for name, old in self._components.items() if not _is_same(old, wanted.get(name))
        ]
        await self._deactivate(gone)
        kept = {name: c for name, c in self._components.items() if name not in gone}
        ids = await self._services.schedulers.ids(sorted(wanted | kept))
        self._components, self._ids = wanted | kept, ids
        self._interrupted = {n: c for n, c in self._interrupted.items() if n in self._components}
        numbers = list(self._ids.values())
        await self._services.schedulers.describe(kinds.described(self._components, ids))
        self._enabled = await self._services.schedulers.enabled(numbers)
        await self._claim(fresh)
        await self._services.state.set(
            "schedulers", "Scheduling", "configured", sorted(self._components)
        )

    @staticmethod
    def _is_supported(component: Component) -> bool:
        if kinds.is_known(component):
            return True
        # Reading the configuration has warned about kinds that are not supported yet.
        if not isinstance(component.settings, NotYet):
            kind = type(component.settings).__name__
            _log.warning("scheduler %s: unknown kind %s", component.name, kind)
        return False

    async def _claim(self, fresh: set[str]) -> None:
        """Activate the schedulers that no other master runs. Call with the lock held."""
        numbers = [self._ids[name] for name in self._components]
        self._ours = await self._services.schedulers.activate(numbers, self._master_id)
        lost = [name for name in self._running if self._ids[name] not in self._ours]
        await self._deactivate(lost)
        await self._activate(
            [
                name
                for name in self._components
                if name not in self._running
                and self._ids[name] in self._ours
                and self._enabled.get(self._ids[name], True)
            ],
            fresh,
        )
        self._let_stand_by(self._components.keys() - self._running.keys() - self._failed.keys())

    def _let_stand_by(self, names: Iterable[str]) -> None:
        """Let users' code find schedulers that are disabled, or active in another master: steps
        trigger them, or hear why not."""
        for name in sorted(names):
            with guarded(_log, "cannot prepare scheduler %s", name):
                self._made(name)

    def _made(self, name: str) -> Scheduler:
        number = self._ids[name]
        return kinds.make(
            self._components[name],
            scheduler_id=number,
            services=self._services,
            is_enabled=lambda: self._enabled.get(number, True),
        )

    async def _activate(self, names: Sequence[str], fresh: set[str]) -> None:
        if not names:
            return
        self._later = []
        try:
            newest = await self._services.changes.newest_change_id() or ChangeId(0)
            marks = await self._services.schedulers.last_seen_changes([self._ids[n] for n in names])
            begun = [name for name in names if await self._begin(name, marks, fresh, newest)]
            await self._catch_up([self._running[name] for name in begun], newest)
            await self._mark(begun)
        finally:
            later, self._later = self._later, None
            for change in later:
                self._offer(change)

    async def _begin(
        self,
        name: str,
        marks: Mapping[SchedulerId, ChangeId],
        fresh: set[str],
        newest: ChangeId,
    ) -> bool:
        number = self._ids[name]
        begin = self._interrupted.pop(name, newest)
        self._failed.pop(name, None)
        with guarded(_log, "cannot start scheduler %s", name) as attempt:
            scheduler = self._made(name)
            # A new scheduler only sees changes from now on.
            begin = begin if name in fresh else marks.get(number, begin)
            scheduler.feed.seen = begin
            await scheduler.activate()
            self._running[name] = scheduler
            return True
        if isinstance(attempt.failure, TemporarilyUnavailable):
            self._interrupted[name] = begin
        if attempt.failure is not None:
            reason = reason_of(attempt.failure)
            self._failed[name] = FailedPart(kind="scheduler", name=name, reason=reason)
        return False

    async def _catch_up(self, schedulers: Sequence[Scheduler], newest: ChangeId) -> None:
        since = min((s.feed.seen for s in schedulers if s.feed.is_consuming), default=newest)
        while since < newest and (page := await self._services.changes.changes_after(since)):
            for change in page:
                for scheduler in schedulers:
                    scheduler.feed.offer(change)
            since = page[-1].id

    async def _deactivate(self, names: Sequence[str]) -> None:
        running = [name for name in names if name in self._running]
        await asyncio.gather(*[self._stop(name) for name in running])
        await self._mark(running)
        for name in names:
            self._running.pop(name, None)

    async def _stop(self, name: str) -> None:
        with guarded(_log, "cannot stop scheduler %s cleanly", name):
            await self._running[name].deactivate()

    async def _mark(self, names: Sequence[str]) -> None:
        running = [self._running[name] for name in names]
        marks = {scheduler.id: scheduler.feed.looked_at for scheduler in running}
        if marks:
            await self._services.schedulers.saw_changes(marks)

    # Events

    def _change_added(self, event: ChangeAdded) -> None:
        if self._later is not None:
            self._later.append(event.change)
        else:
            self._offer(event.change)

    def _offer(self, change: Change) -> None:
        for scheduler in self._running.values():
            scheduler.feed.offer(change)
        self._unmarked += 1
        if self._unmarked >= _MARK_EVERY:
            self._unmarked = 0
            self._tasks.spawn(self._mark(list(self._running)), name="marks")

    def _scheduler_changed(self, event: SchedulerChanged) -> None:
        number, enabled = event.scheduler.id, event.scheduler.enabled
        if self._enabled.get(number, enabled) != enabled:
            self._tasks.spawn(self._apply_enabled(number, enabled), name="enabling")

    async def _apply_enabled(self, number: SchedulerId, enabled: bool) -> None:
        async with self._lock:
            name = next((name for name, known in self._ids.items() if known == number), None)
            if name is None or self._enabled.get(number) == enabled:
                return
            self._enabled[number] = enabled
            if enabled and number in self._ours and name not in self._running:
                # A scheduler ignores changes that arrived while it was disabled.
                await self._activate([name], fresh={name})
            elif not enabled:
                await self._deactivate([name])

    def _master_stopped(self, event: MasterStopped) -> None:
        if event.master.id != self._master_id:
            self._tasks.spawn(self.claim_again(), name="taking over")

    async def _claim_others(self) -> None:
        if self._interrupted or not self._ours.issuperset(self._ids.values()):
            await self.claim_again()

    async def claim_again(self) -> None:
        """Activate schedulers that no other master runs; stop those that another one took over."""
        async with self._lock:
            await self._claim(fresh=set())

    @property
    def elsewhere(self) -> list[str]:
        """The schedulers that another master runs."""
        return [name for name in self._components if self._ids[name] not in self._ours]

    # Forms

    def _form(self, name: str) -> Force:
        scheduler = self._running.get(name)
        if scheduler is not None and isinstance(scheduler.kind, Force):
            return scheduler.kind
        if name in self._components and not self._enabled.get(self._ids[name], True):
            raise SchedulerDisabled(name)
        if name in self._failed:
            raise SchedulerFailed(self._failed[name].sentence)
        if name in self.elsewhere:
            raise SchedulerElsewhere(name)
        raise NoSuchScheduler(name)


def _is_same(old: Component, new: Component | None) -> bool:
    if new is None or type(old.settings) is not type(new.settings):
        return False
    if old.identity is None and new.identity is None:
        return bool(old.settings == new.settings)
    return bool(old.identity == new.identity)
