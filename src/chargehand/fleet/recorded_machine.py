"""The machine of one worker, with its state in the store: what was started is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from chargehand.config.model import HostedInstance
from chargehand.domain.identifiers import MasterId
from chargehand.domain.instance import (
    InstanceLabels,
    InstanceRecord,
    LeftInstance,
    RecordedState,
)
from chargehand.domain.worker import Worker
from chargehand.fleet.ports import InstanceStore
from chargehand.kit.clock import Clock
from chargehand.kit.complaints import Complaints
from chargehand.kit.error_text import headline_of
from chargehand.kit.values import replace

_log = logging.getLogger("chargehand.fleet")

_SOON = 2.0
"""Seconds within which a cancelled start ends."""
_LONGEST_START = 3600.0
"""Seconds to wait for the end of one that is not cancelled, because it works in a thread."""
_CLOSING_PATIENCE = 30.0
"""The same when the master is stopping."""
_STILL_STARTING = "start_instance was given up, and has not returned: what it starts is not stopped"
_PAUSES = (5.0, 15.0, 45.0)
"""Seconds before stopping a machine is retried; after the last one it counts as stranded."""


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Where machines are recorded."""

    store: InstanceStore
    master_id: MasterId
    clock: Clock


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Implements BegunInstance of ``config.model``."""

    labels: InstanceLabels
    expect: Callable[[], Awaitable[None]]
    record: Callable[[object], Awaitable[None]]

    async def connect(self) -> None:
        """Expect its worker from now on."""
        await self.expect()

    async def keep(self, handle: object) -> None:
        """Record durably what is needed to stop it."""
        await self.record(handle)


class RecordedMachine:
    """Starts and stops a worker's machine, one at a time, and records each state before or after.

    *left* are those that an earlier process of the master has left; they are stopped first.
    *stranded* gets those that could not be stopped.
    """

    def __init__(
        self,
        *,
        hosted: HostedInstance,
        worker: Callable[[], Worker],
        books: Books,
        left: Sequence[InstanceRecord] = (),
        stranded: Callable[[InstanceRecord], None],
    ) -> None:
        self._hosted = hosted
        self._worker = worker
        self._books = books
        self._left = list(left)
        self._stranded = stranded
        self._record: InstanceRecord | None = None
        self._beginning: asyncio.Task[None] | None = None
        self.is_held_up = False
        """Whether it cannot be stopped yet, because its start does not end."""
        self._closing = asyncio.Event()
        self._complaints = Complaints(_log)

    @property
    def is_left(self) -> bool:
        """Whether there is something to stop before a machine may be started."""
        return bool(self._left)

    @property
    def names(self) -> list[str]:
        """The names of the machines that it is in charge of."""
        current = [] if self._record is None else [self._record]
        return [record.name for record in (*self._left, *current)]

    def close(self) -> None:
        """Let stopping not be tried again from now on."""
        self._closing.set()

    async def start(
        self, build: object, connect: Callable[[], Awaitable[None]], *, reason: str
    ) -> tuple[str, ...]:
        """Record it, start it, and return what identifies it. Raises WorkerNotStarted."""
        self._beginning = asyncio.ensure_future(self._begin(reason))
        await asyncio.shield(self._beginning)
        assert self._record is not None
        begun = _Begun(labels=await self._labels(self._record), expect=connect, record=self._keep)
        started = await self._hosted.start(build, begun)
        handle = self._record.handle if started.handle is None else started.handle
        self._record = replace(self._record, identity=list(started.identity), handle=handle)
        self._became(RecordedState.CONNECTING, "waiting for its worker to connect")
        return started.identity

    async def _begin(self, reason: str) -> None:
        """Record it; not given up in the middle, so that there is no row of which nobody knows."""
        books = self._books
        self._record = await books.store.begin(self._worker(), books.master_id, reason)

    def connected(self) -> None:
        """Record that its worker is connected."""
        self._became(RecordedState.RUNNING, "its worker is connected")

    async def stop(self, *, reason: str) -> None:
        """Stop what an earlier process has left, or what was started; logs what fails."""
        if self._left:
            while self._left:
                await self._stop_left(self._left[0])
                del self._left[0]
            return
        if self._beginning is not None:
            await asyncio.wait((self._beginning,))
        self._became(RecordedState.STOPPING, reason)
        await self._end(reason)

    async def _stop_left(self, record: InstanceRecord) -> None:
        _log.warning(
            "worker %s: stopping instance %s%s, which the master left %s when it was killed",
            record.worker_name,
            record.name,
            f" ({', '.join(record.identity)})" if record.identity else "",
            record.state,
        )
        self._record = record
        self._became(RecordedState.STOPPING, "left over from before the master was restarted")
        with self._complaints.guarded("cannot take over what worker %s left", record.worker_name):
            left = LeftInstance(
                labels=await self._labels(record),
                identity=tuple(record.identity),
                handle=record.handle,
            )
            await self._hosted.restore(left)
        await self._end("left over from before the master was restarted")

    async def _end(self, reason: str) -> None:
        """Stop it, and again if that fails, and record what has become of it."""
        failure = await self._stopped()
        record, self._record = self._record, None
        if record is None:
            return
        if failure is None:
            self._write(record, RecordedState.STOPPED, reason)
        else:
            self._stranded(self._write(record, RecordedState.STRANDED, failure))

    async def _stopped(self) -> str | None:
        """Return None when it is stopped, else why it could not be."""
        name = self._worker().name
        has_ended = await self._start_has_ended()
        message = "cannot stop worker %s; its machine may still run"
        reason = ""
        for pause in (*_PAUSES, None):
            with self._complaints.guarded(message, name) as attempt:
                await self._hosted.stop(fast=self._closing.is_set())
            if attempt.failure is None:
                return None if has_ended else self._still_starting()
            reason = f"could not be stopped: {headline_of(attempt.failure)}"
            if pause is None or self._record is None:
                break
            self._became(RecordedState.STOPPING, reason)
            if await self._closes_within(pause):
                break
        return reason

    def _still_starting(self) -> str:
        _log.error("worker %s: %s", self._worker().name, _STILL_STARTING)
        return _STILL_STARTING

    async def _start_has_ended(self) -> bool:
        """Wait until a start that was given up does nothing more; when closing, not for long."""
        ended = asyncio.ensure_future(self._hosted.start_ended())
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((ended,), timeout=_SOON)
            if not ended.done():
                _log.warning(
                    "worker %s: start_instance was given up, and has not ended yet: a thread "
                    "cannot be interrupted. No build gets the worker until it has ended, or for "
                    "%g s; what it starts is stopped then",
                    *(self._worker().name, _LONGEST_START),
                )
                self.is_held_up = True
                await asyncio.wait(
                    (ended, closing),
                    timeout=_LONGEST_START,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            if closing.done():
                await asyncio.wait((ended,), timeout=_CLOSING_PATIENCE)
            return ended.done()
        finally:
            self.is_held_up = False
            ended.cancel()
            closing.cancel()

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True

    async def _labels(self, record: InstanceRecord) -> InstanceLabels:
        return InstanceLabels(
            fleet=await self._books.store.fleet(self._books.master_id),
            worker=record.worker_name,
            epoch=record.epoch,
            name=record.name,
        )

    async def _keep(self, handle: object) -> None:
        if self._record is None:
            raise RuntimeError(f"the machine of worker {self._worker().name} is not being started")
        self._record = replace(self._record, handle=handle)
        await self._books.store.keep(self._record)

    def _became(self, state: RecordedState, reason: str) -> None:
        if self._record is not None:
            self._record = self._write(self._record, state, reason)

    def _write(self, record: InstanceRecord, state: RecordedState, reason: str) -> InstanceRecord:
        written = replace(
            record, state=state, reason=reason, state_since=self._books.clock.timestamp()
        )
        self._books.store.record(written)
        return written
