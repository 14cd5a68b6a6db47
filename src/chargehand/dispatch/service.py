"""The dispatcher: matches waiting requests with free workers.

It runs after events (a new request, a free worker or lock), and checks only the affected builders,
in the order of their first requests.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from chargehand.config.model import BuilderConfig, MasterConfig
from chargehand.dispatch.attempt import Attempt, Start
from chargehand.dispatch.builder_line import BuilderLine
from chargehand.dispatch.collapse import Collapsing
from chargehand.dispatch.explaining import Explaining
from chargehand.dispatch.locks import LockTable
from chargehand.dispatch.missed_events import MissedEvents
from chargehand.dispatch.order import Order
from chargehand.dispatch.pending_rows import PendingRows
from chargehand.dispatch.ports import BuildStarter, RequestStore, Workers, WorkerSlot
from chargehand.dispatch.returning_requests import ReturningRequests
from chargehand.dispatch.rounds import Rounds
from chargehand.dispatch.rules import takes_builds, usable
from chargehand.dispatch.waiting_parents import Occupant
from chargehand.dispatch.why_now import WhyNow
from chargehand.domain.assignment import AlreadyClaimed, Assignment, UnknownBuilder
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuilderId, BuildId, MasterId, RequestId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.retry import pause_left
from chargehand.domain.waiting import (
    BeingGivenBack,
    FunctionFailed,
    MasterStopping,
    RefusedByFunction,
    Waiting,
)
from chargehand.domain.waiting_line import WaitingLine
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    RequestClaimed,
    RequestCompleted,
    RequestSubmitted,
    RequestUnclaimed,
    RequestUpdated,
)
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 60


class Dispatcher:
    """Owns the queues. One task matches requests; each build runs in a task of its own."""

    def __init__(
        self,
        *,
        store: RequestStore,
        workers: Workers,
        builds: BuildStarter,
        locks: LockTable,
        bus: Bus,
        master_id: MasterId,
        choose: Callable[[Sequence[WorkerSlot]], WorkerSlot],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._store = store
        self._workers = workers
        self._builds = builds
        self._locks = locks
        self._bus = bus
        self._choose = choose
        self._lines: dict[BuilderId, BuilderLine] = {}
        self._ids: dict[str, BuilderId] = {}
        self._builders_of: dict[str, set[BuilderId]] = defaultdict(set)
        self._dirty: set[BuilderId] = set()
        self._wake = asyncio.Event()
        self._tasks = Tasks("dispatch")
        self._giving_back = ReturningRequests(
            store=store, master_id=master_id, tasks=self._tasks, queue_again=self._queue_again
        )
        self._order = Order()
        self.why_now = WhyNow()
        self._rounds = Rounds(tasks=self._tasks, look=self._look_guarded, look_at=self.look_at)
        self._collapsing = Collapsing(
            store=store, tasks=self._tasks, give_back=self._giving_back.give_back
        )
        self.occupied: dict[BuilderId, dict[str, Occupant]] = {}
        self._explaining = Explaining(
            lines=self._lines, occupied=self.occupied, workers=workers, locks=locks
        )
        self._pending_rows = PendingRows(store)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._config = MasterConfig()
        missed = self._missed = MissedEvents()
        self._subscriptions = [
            bus.subscribe(missed.noting(self._on_submitted), RequestSubmitted, RequestUnclaimed),
            bus.subscribe(self._on_gone, RequestClaimed, RequestCompleted),
            bus.subscribe(self._on_updated, RequestUpdated),
        ]

    async def start(self) -> None:
        """Begin to match requests with workers."""
        self._tasks.keep(self._look_for_work, name="match requests")
        self._tasks.repeat(
            self._ask_again, every=_ASK_AGAIN_SECONDS, name="call users' functions again"
        )

    def stop_starting(self) -> None:
        """Start no more builds; running ones continue."""
        self._stopping = True
        for line in self._lines.values():
            line.leave_lines()  # Otherwise steps of running builds would wait behind them forever.

    async def idle(self) -> None:
        """Wait until no build is running."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        """Start no more builds, and end running ones cleanly."""
        self._stopping = True
        for subscription in self._subscriptions:
            subscription.cancel()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._tasks.close()

    @property
    def running(self) -> int:
        """The number of running builds."""
        return len(self._running)

    async def reconfigure(self, config: MasterConfig, ids: Mapping[str, BuilderId]) -> None:
        """Apply a configuration: loads requests only for new builders."""
        self._config = config
        self._explaining.trust = config.trust
        configs = {ids[builder.name]: builder for builder in config.builders}
        for builder_id in self._lines.keys() - configs.keys():
            line = self._lines.pop(builder_id)
            line.stop_asking()
            line.leave_lines()
        self._order.reset()
        new = [builder_id for builder_id in configs if builder_id not in self._lines]
        for builder_id, builder in configs.items():
            if builder_id in self._lines:
                self._lines[builder_id].config = builder
                self._lines[builder_id].stop_asking()
            else:
                # A builder that was removed for a while may still have running builds.
                occupied = self.occupied.setdefault(builder_id, {})
                self._lines[builder_id] = BuilderLine(builder_id, builder, occupied)
        self._index(configs, ids)
        await self._take_up(new)
        self.look_at(configs)

    async def look_again(self) -> None:
        """Queue waiting requests of all builders that are in the store but not known here."""
        await self._take_up(list(self._lines))
        self.look_at(list(self._lines))

    async def _take_up(self, builder_ids: Sequence[BuilderId]) -> None:
        """Queue waiting requests that are in the store but not queued here.

        They may include requests being started just now, for which starting raises AlreadyClaimed.
        """
        for pending in await self._pending_rows.read(builder_ids):
            line = self._lines.get(pending.request.builder_id)
            if line is not None and not line.has(pending.request.id):
                self._queue(line, pending)

    def _index(
        self, configs: Mapping[BuilderId, BuilderConfig], ids: Mapping[str, BuilderId]
    ) -> None:
        self._ids = dict(ids)
        self._builders_of = defaultdict(set)
        for builder_id, builder in configs.items():
            for worker_name in builder.worker_names:
                self._builders_of[worker_name].add(builder_id)

    def look_at(self, builder_ids: Collection[BuilderId]) -> None:
        """Check soon whether builds can start on these builders."""
        waiting = [i for i in builder_ids if (line := self._lines.get(i)) and line.queue]
        if waiting:
            # Only the user's function wants to know of builders without requests.
            self._dirty.update(waiting if self._config.prioritize_builders is None else builder_ids)
            self._wake.set()

    def worker_changed(self, worker_name: str) -> None:
        """Note that a worker connected, was unpaused, or has a free slot."""
        self.why_now.is_available(worker_name)
        self.look_at(self._builders_of.get(worker_name, ()))

    def _on_submitted(self, event: RequestSubmitted | RequestUnclaimed) -> None:
        pending = event.pending
        line = self._lines.get(pending.request.builder_id)
        if line is None or self._giving_back.is_cancelled(pending.request.id):
            return
        replaced = self._queue(line, pending)
        if isinstance(event, RequestSubmitted):
            rule = line.config.collapse_requests
            rule = self._config.collapse_requests if rule is None else rule
            self._collapsing.consider(line, pending, replaced, rule)
        self.look_at([line.id])

    def _queue(self, line: BuilderLine, pending: PendingRequest) -> RequestId | None:
        """Queue a request now, or after its pause; return the older one that it replaces."""
        pause = pause_left(pending.request.retry, self._clock.timestamp())
        if not pause:
            return line.add(pending)
        line.rest(pending)
        self._tasks.spawn(
            self._end_rest(line, pending.request.id, pause),
            name=f"pause of request {pending.request.id}",
        )
        return None

    async def _end_rest(self, line: BuilderLine, request_id: RequestId, seconds: float) -> None:
        await asyncio.sleep(seconds)
        line.end_rest(request_id)
        self.look_at([line.id])

    def _on_gone(self, event: RequestClaimed | RequestCompleted) -> None:
        self._pending_rows.departed(event.request.id)
        line = self._lines.get(event.request.builder_id)
        if line is not None:
            line.remove(event.request.id)

    def _on_updated(self, event: RequestUpdated) -> None:
        self._pending_rows.has_priority(event.request.id, event.request.priority)
        line = self._lines.get(event.request.builder_id)
        if line is not None:
            line.set_priority(event.request.id, event.request.priority)
            self.look_at([line.id])

    async def _look_for_work(self) -> None:
        self.look_at(list(self._lines))
        while True:
            await self._wake.wait()
            self._wake.clear()
            dirty, self._dirty = self._dirty, set()
            if not self._stopping:
                served = await self._in_order(dirty)
                self._leave_lines(dirty - {line.id for line in served})
                await self._rounds.serve(served, self._config)

    def _leave_lines(self, unserved: set[BuilderId]) -> None:
        """Remove builders that are not served now from the lines of waiters for locks."""
        for builder_id in unserved:
            if (line := self._lines.get(builder_id)) is not None:
                line.leave_lines()

    async def _look_guarded(self, line: BuilderLine, full: set[str]) -> None:
        """Start a builder's builds; *full* has workers known to have no free slots.

        Thousands of builders may wait for one worker, of which one gets its free slot.
        """
        if full.issuperset(line.config.worker_names):
            line.lacks_worker()
            return
        with guarded(_log, "cannot start builds of builder %s", line.config.name) as attempt:
            await self._start_what_can(line, full)
        if (error := attempt.failure) is not None:
            line.leave_lines()
            line.block(FunctionFailed(function="starting", error=headline_of(error)))

    async def _ask_again(self) -> None:
        """Retry: a user's function may change its answer at any time, without an event."""
        lines = self._lines.values()
        self.look_at([line.id for line in lines if isinstance(line.blocked, RefusedByFunction)])
        if self._missed.take():
            await self.look_again()

    async def _in_order(self, builder_ids: set[BuilderId]) -> list[BuilderLine]:
        lines = [line for i in builder_ids if (line := self._lines.get(i))]
        return await self._order.of(lines, self._config.prioritize_builders)

    async def _start_what_can(self, line: BuilderLine, full: set[str]) -> None:
        while line.queue and not self._stopping:
            slots = self._workers.slots(line.config.worker_names)
            full.update(slot.name for slot in slots if not takes_builds(slot))
            free = {slot.name for slot in usable(slots, line.occupied, line.config.name)}
            line.leave_lines(keep=free)  # Others must not wait behind a request that cannot start.
            if not free:
                line.lacks_worker()
                return
            attempt = Attempt(
                line=line,
                config=self._config,
                locks=self._locks,
                choose=self._choose,
                look_again=lambda: self.look_at([line.id]),
            )
            start = await attempt.decide(slots)
            line.block(attempt.blocked)
            # Users' functions took time. Keeping a place in line for a lock without waiting
            # for it would block everyone behind.
            line.leave_lines(keep=attempt.waits_on)
            if not self._is_served(line):
                line.leave_lines()
                if start is not None:
                    start.grant.release()
                return
            if start is None:
                return
            self._begin(line, start)

    def _is_served(self, line: BuilderLine) -> bool:
        """Whether the builder is still configured and has requests."""
        return self._lines.get(line.id) is line and bool(line.queue) and not self._stopping

    def _begin(self, line: BuilderLine, start: Start) -> None:
        """Take the slot and the request immediately, for the next decision; run the build in a
        task."""
        self.why_now.starts(line, start)
        session = self._workers.reserve(start.worker.name)
        if session is None or line.remove(start.request.request.id) is None:
            if session is not None:
                self._workers.release(start.worker.name)
            start.grant.release()
            return
        line.occupied[start.worker.name] = Occupant.by(start.request, start.grant)
        task = self._tasks.spawn(
            self._build(line, start.assignment(line, session)),
            name=f"build request {start.request.request.id}",
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _build(self, line: BuilderLine, assignment: Assignment) -> None:
        request_ids = assignment.request_ids
        try:
            with guarded(_log, "cannot build requests %s; retrying", list(request_ids)) as attempt:
                await self._run_build(line, assignment)
            if attempt.failure is not None:
                self._giving_back.give_back(request_ids, line.id)
        finally:
            line.occupied.pop(assignment.worker_name, None)
            assignment.grant.release()
            self._workers.release(assignment.worker_name)
            self.worker_changed(assignment.worker_name)
            self.why_now.has_ended(assignment)

    async def _run_build(self, line: BuilderLine, assignment: Assignment) -> None:
        try:
            await self._builds.start(assignment)
        except AlreadyClaimed:
            pass
        except NoLongerOurs as error:
            ids = assignment.request_ids
            _log.warning("cannot build requests %s now: %s", list(ids), error)
            self._giving_back.give_back(ids, line.id)
        except UnknownBuilder:
            # Another reconfiguration may have added the builder again.
            await self._take_up([line.id])

    async def _queue_again(self, builder_id: BuilderId) -> None:
        await self._take_up([builder_id])
        self.look_at([builder_id])

    async def cancel(self, request_id: RequestId, reason: str) -> bool:
        """Cancel a request that is waiting or returning to the queue; False if it is being built
        or is complete."""
        return await self._store.cancel(request_id, reason) or self._giving_back.cancel(
            request_id, reason
        )

    async def set_priority(self, request_id: RequestId, priority: int) -> None:
        """Set a request's priority."""
        await self._store.set_priority(request_id, priority)

    def why_claimed(self, request_id: RequestId) -> Waiting | None:
        """Return why a claimed request is not being built, if it is returning to the queue."""
        return BeingGivenBack() if self._giving_back.has(request_id) else None

    def why_waiting(self, request_id: RequestId, builder_id: BuilderId) -> Waiting:
        """Return why an unclaimed request waits."""
        if self._stopping and builder_id in self._lines:
            return MasterStopping()
        return self._explaining.request(request_id, builder_id)

    def waiting_lines(self) -> list[WaitingLine]:
        """Return what waits at each builder of this master, and why."""
        return self._explaining.lines(MasterStopping() if self._stopping else None)

    def why_build_waits(self, build_id: BuildId) -> Waiting | None:
        """Return what a running build waits for: a lock, or a build that it has triggered."""
        return self._explaining.build(build_id)
