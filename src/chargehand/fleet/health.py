"""What is wrong with workers: quarantines, failed starts, refused logins, lost connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import msgspec

from chargehand.domain.retry import time_of_day
from chargehand.domain.worker import Quarantine, Worker
from chargehand.fleet.member import Member
from chargehand.fleet.ports import WorkerStore
from chargehand.kit.clock import Clock
from chargehand.kit.tasks import Tasks

_log = logging.getLogger("chargehand.fleet")

_REFUSAL_SECONDS = 900.0
"""Seconds that a refused login is shown; stock workers log in again after five minutes at most."""
_INTERRUPTION_SECONDS = 15.0
"""Seconds after which it is shown that a connection is interrupted; most are back sooner."""
_REFUSAL_PAUSE = 10.0
"""Seconds between two records of refused logins of one worker."""


class Health:
    """Keeps workers from builds that they cannot prepare, and records why.

    *tell* is called with the name of a worker that may take builds again, or no more.
    """

    def __init__(
        self, *, store: WorkerStore, clock: Clock, tasks: Tasks, tell: Callable[[str], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._tell = tell
        self._not_started_listeners: list[Callable[[Worker], None]] = []
        self._refusals: dict[Member, asyncio.Event] = {}
        """Set when another login was refused, for the workers for which some are shown."""

    def on_not_started(self, callback: Callable[[Worker], None]) -> None:
        """Call *callback* when a worker's machine could not be started, once for each trouble."""
        self._not_started_listeners.append(callback)

    def ready(self, member: Member, builder_name: str) -> None:
        """A worker has prepared a build: it is out of quarantine for that builder."""
        if member.quarantines.succeeded(builder_name):
            _log.info(
                "worker %s prepares builds of %s again",
                member.name,
                builder_name,
                extra=ids_of(member),
            )
            self._changed(member)

    def not_ready(self, member: Member, builder_name: str, reason: str) -> None:
        """A worker could not prepare a build: it gets none of that builder for a while."""
        now = self._clock.timestamp()
        self._begin(member, member.quarantines.failed(builder_name, reason, now))

    def machine_refused(self, member: Member, reason: str) -> None:
        """The worker's machine could not be started: it gets no builds for a while."""
        begun = member.quarantines.not_started(reason, self._clock.timestamp())
        self._begin(member, begun)
        if any(quarantine.failures == 1 for quarantine in begun):
            for listener in self._not_started_listeners:
                listener(member.record)

    def not_started(self, member: Member, reason: str) -> None:
        """A worker could not be started; its link retries, later each time."""
        if member.machine is not None:
            member.machine.not_started(reason)
        elif member.session is None and member.trouble != reason:
            member.trouble = reason
            self._changed(member)

    def login_refused(self, member: Member, reason: str) -> None:
        """Show for a while that somebody with the worker's name was not let in."""
        member.refusal = reason
        if (another := self._refusals.get(member)) is not None:
            another.set()
            return
        self._refusals[member] = asyncio.Event()
        self._tasks.spawn(self._show_refusals(member), name=f"refused login of {member.name}")

    def lift_quarantines(self, member: Member) -> None:
        """Give the worker builds again."""
        if member.quarantines.lift():
            self._changed(member)

    def is_well(self, member: Member) -> None:
        """It is connected: whatever was wrong may be so no more."""
        had_trouble = member.trouble is not None or member.refusal is not None
        member.trouble = member.refusal = None
        if member.quarantines.lift() or had_trouble:
            self._changed(member)

    def is_back(self, member: Member) -> None:
        """Its session is connected again: a login that was refused meanwhile is over."""
        if member.refusal is not None:
            member.refusal = None
            self._changed(member)

    def is_interrupted(self, member: Member) -> None:
        """Its connection is interrupted: show that if it lasts."""
        name = f"interruption of {member.name}"
        self._tasks.spawn(self._show_interruption(member, self._clock.timestamp()), name=name)

    def interruption_is_over(self, member: Member) -> None:
        """It is connected again, or lost."""
        if member.interruption is not None:
            member.interruption = None
            self._changed(member)

    async def _show_interruption(self, member: Member, since: float) -> None:
        interrupted_at = member.interrupted_at
        await asyncio.sleep(_INTERRUPTION_SECONDS)
        if interrupted_at is not None and member.interrupted_at == interrupted_at:
            member.interruption = f"lost its connection at {time_of_day(since)}"
            self._changed(member)

    def _begin(self, member: Member, begun: Sequence[Quarantine]) -> None:
        for quarantine in begun:
            _log.warning("worker %s is %s", member.name, quarantine.words, extra=ids_of(member))
            self._tasks.spawn(self._end(member, quarantine), name=f"quarantine of {member.name}")
        self._changed(member)

    async def _end(self, member: Member, quarantine: Quarantine) -> None:
        await asyncio.sleep(quarantine.seconds)
        if member.quarantines.end(quarantine):
            self._changed(member)

    async def _show_refusals(self, member: Member) -> None:
        """Show the latest, from time to time: anybody can cause as many as they like."""
        another = self._refusals[member]
        try:
            while member.refusal is not None:
                another.clear()
                self._changed(member)
                await asyncio.sleep(_REFUSAL_PAUSE)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REFUSAL_SECONDS - _REFUSAL_PAUSE):
                        await another.wait()
                if not another.is_set() and member.refusal is not None:
                    member.refusal = None
                    self._changed(member)
        finally:
            del self._refusals[member]

    def _changed(self, member: Member) -> None:
        self._tell(member.name)
        self._tasks.spawn(self._show(member), name=f"show {member.name}")

    async def _show(self, member: Member) -> None:
        """Record as the reason for a pause what is none that somebody ordered."""
        async with member.recording:
            if member.is_removed:
                return  # Another worker may have its name, and its row, by now.
            record = member.record
            told = [one.words for one in member.slot.quarantines]
            if member.refusal:
                told.insert(0, member.refusal)
            if member.interruption:
                told.insert(0, member.interruption)
            if member.trouble:
                told.insert(0, f"could not be started: {member.trouble}")
            reason = "; ".join(told) or None
            if record.paused or record.pause_reason == reason:
                return
            # The reasons may change, and one may take the place of another.
            since = record.paused_at if record.pause_reason else self._clock.timestamp()
            altered = msgspec.structs.replace(
                record, pause_reason=reason, paused_at=since if reason else None
            )
            member.record = await self._store.set_state(record.id, altered)


def ids_of(member: Member) -> dict[str, object]:
    """Return what a line about a worker has as JSON besides its text."""
    return {"ids": {"worker": member.name, "workerid": member.record.id}}
