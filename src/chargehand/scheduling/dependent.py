"""The Dependent scheduler: builds what another scheduler's buildset built, once that succeeded."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from chargehand.domain.buildset import Buildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuildsetId
from chargehand.domain.json import Json
from chargehand.domain.result import Result
from chargehand.domain.trust import Judgement
from chargehand.events.bus import Subscription
from chargehand.events.messages import BuildsetCompleted, BuildsetSubmitted
from chargehand.kit.complaints import Complaints
from chargehand.scheduling.behaviour import Common, Parts
from chargehand.scheduling.submitting import BuildsetOptions

_log = logging.getLogger(__name__)

_RETRYING = "scheduler %s cannot submit a buildset; retrying"

_RETRY_SECONDS = 30.0
"""Seconds until the next attempt to submit a buildset after a failure."""

_KEY = "upstream"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a Dependent scheduler; *upstream* is the name of the other scheduler."""

    common: Common
    upstream: str
    reason: str = "downstream"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Which buildsets of the upstream scheduler were seen, and which of them are not settled."""

    upstream: str
    seen: int
    open: tuple[int, ...] = ()


class Dependent:
    """Waits for buildsets of the upstream scheduler, also of those submitted before a restart.

    Its progress is stored in the transaction that submits a buildset, so that none is lost or built
    twice. It ignores rebuilds: who repeats an old build does not want to ship it again.
    """

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._subscriptions: list[Subscription] = []
        self._seen = 0
        self._open: set[BuildsetId] = set()
        self._complete: dict[BuildsetId, Buildset] | None = None
        """Those that were completed while the store was read."""
        self._submitting = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._building: set[asyncio.Task[None]] = set()
        self._complaints = Complaints(_log)

    async def activate(self) -> None:
        """Listen for buildsets, and take up those of earlier."""
        bus = self._parts.services.bus
        self._stopped.clear()
        self._complete = {}
        self._subscriptions = [
            bus.subscribe(self._submitted, BuildsetSubmitted),
            bus.subscribe(self._completed, BuildsetCompleted),
        ]
        await self._take_up()

    async def deactivate(self) -> None:
        """Stop, and wait for a submission in progress.

        A disabled scheduler does not build what its upstream scheduler built meanwhile.
        """
        for subscription in self._subscriptions:
            subscription.cancel()
        self._subscriptions = []
        self._stopped.set()
        if self._building:
            await asyncio.wait(self._building)
        if not self._parts.is_enabled():
            await self._parts.memory.remember(_KEY, None)

    async def got_change(self, change: Change, important: bool) -> None:
        """Do nothing: it does not subscribe to changes."""

    async def _take_up(self) -> None:
        store, upstream = self._parts.services.buildsets, self._settings.upstream
        progress = await self._parts.memory.read(_KEY, Progress)
        if progress is None or progress.upstream != upstream:
            self._seen = await store.newest_id() or 0
            await self._parts.memory.remember(_KEY, self._progress())
            earlier = []
        else:
            self._seen = progress.seen
            earlier = await store.of_scheduler(
                upstream,
                after=BuildsetId(progress.seen),
                among=[BuildsetId(number) for number in progress.open],
            )
        completed, self._complete = self._complete or {}, None
        for buildset in earlier:
            self._seen = max(self._seen, buildset.id)
            if buildset.rebuilt_build_id is not None:
                continue
            self._open.add(buildset.id)
            buildset = completed.get(buildset.id, buildset)
            if buildset.complete:
                self._settle(buildset)

    def _submitted(self, event: BuildsetSubmitted) -> None:
        is_rebuild = event.buildset.rebuilt_build_id is not None
        if event.scheduler == self._settings.upstream and not is_rebuild:
            self._seen = max(self._seen, event.buildset.id)
            self._open.add(event.buildset.id)

    def _completed(self, event: BuildsetCompleted) -> None:
        if event.buildset.id in self._open:
            self._settle(event.buildset)
        elif self._complete is not None:
            self._complete[event.buildset.id] = event.buildset

    def _settle(self, buildset: Buildset) -> None:
        if buildset.result not in (Result.SUCCESS, Result.WARNINGS):
            self._open.discard(buildset.id)
            return
        task = self._parts.services.tasks.spawn(
            self._build(buildset), name=f"buildset of {self._parts.name}"
        )
        self._building.add(task)
        task.add_done_callback(self._building.discard)

    async def _build(self, upstream: Buildset) -> None:
        """Submit a buildset for the same sources; retry until it succeeds."""
        while not self._stopped.is_set():
            with self._complaints.guarded(_RETRYING, self._parts.name):
                async with self._submitting:
                    await self._submit(upstream)
                return
            try:
                async with asyncio.timeout(_RETRY_SECONDS):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def _submit(self, upstream: Buildset) -> None:
        if upstream.id not in self._open:
            return
        progress = self._progress(without=upstream.id)
        memory = self._parts.memory
        options = BuildsetOptions(
            reason=self._settings.reason,
            remembered=(memory.entry(_KEY, progress),),
            trust=Judgement(upstream.trust, upstream.trust_reason),
        )
        stamps = [stamp.id for stamp in upstream.source_stamps]
        if await self._parts.buildsets.for_stamps(options, stamps) is None:
            # A user's class submitted it, and did not know of the progress.
            await memory.remember(_KEY, progress)
        self._open.discard(upstream.id)

    def _progress(self, *, without: BuildsetId | None = None) -> Json:
        left = sorted(self._open - {without})
        found: Json = msgspec.to_builtins(
            Progress(upstream=self._settings.upstream, seen=self._seen, open=tuple(left))
        )
        return found
