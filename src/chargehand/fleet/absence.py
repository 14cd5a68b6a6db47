"""Notices workers that have been away for longer than their configuration lets them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from chargehand.config.model import WorkerConfig
from chargehand.domain.worker import Worker
from chargehand.events.bus import Bus
from chargehand.events.messages import WorkerConnected, WorkerDisconnected, WorkerMissing
from chargehand.kit.clock import Clock
from chargehand.kit.tasks import Tasks

_log = logging.getLogger("chargehand.fleet")


class Absences:
    """Publishes WorkerMissing once for each long absence of a worker with ``notify_on_missing``.

    *absent* returns the record of a worker that is not connected, None for others.
    """

    def __init__(self, *, bus: Bus, clock: Clock, absent: Callable[[str], Worker | None]) -> None:
        self._bus = bus
        self._clock = clock
        self._absent = absent
        self._configs: Mapping[str, WorkerConfig] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._left_at: dict[str, str] = {}
        self._tasks = Tasks("missing workers")
        bus.subscribe(self._connected, WorkerConnected)
        bus.subscribe(self._disconnected, WorkerDisconnected)

    def reconfigure(self, workers: Sequence[WorkerConfig]) -> None:
        """Watch these workers from now on; those that are away are timed from now."""
        former = self._configs
        self._configs = {one.name: one for one in workers if one.notify_on_missing}
        for name in [*self._timers]:
            config, before = self._configs.get(name), former.get(name)
            if config is None or before is None or _timeout(config) != _timeout(before):
                self._cancel(name)
        for name in self._configs:
            if self._absent(name) is not None:
                self._begin(name)

    def not_started(self, record: Worker) -> None:
        """A worker that is started on demand could not be."""
        if record.name in self._configs:
            self._publish(record)

    async def close(self) -> None:
        """Watch no more."""
        self._configs = {}
        await self._tasks.close()

    def _connected(self, event: WorkerConnected) -> None:
        self._cancel(event.worker.name)

    def _disconnected(self, event: WorkerDisconnected) -> None:
        name = event.worker.name
        self._left_at[name] = self._clock.now().strftime("%Y-%m-%d %H:%M:%S UTC")
        if name in self._configs:
            self._begin(name)

    def _begin(self, name: str) -> None:
        timer = self._timers.get(name)
        if timer is None:
            self._timers[name] = self._tasks.spawn(self._wait(name), name=name)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    async def _wait(self, name: str) -> None:
        config = self._configs[name]
        await asyncio.sleep(config.missing_timeout)
        record = self._absent(name)
        if record is None or record.graceful:
            return
        _log.warning("worker %s has been away for %g s", name, config.missing_timeout)
        self._publish(record)

    def _publish(self, record: Worker) -> None:
        name = record.name
        missing = WorkerMissing(
            worker=record,
            notify=self._configs[name].notify_on_missing,
            last_connection=self._left_at.get(name, "unknown: not since this master started"),
        )
        self._bus.publish([missing])


def _timeout(config: WorkerConfig) -> float:
    return config.missing_timeout
