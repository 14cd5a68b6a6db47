"""Machines that nobody is about to stop: of killed masters, removed workers, and failed stops."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from chargehand.config.model import HostedInstance
from chargehand.domain.instance import FoundInstance, InstanceRecord, RecordedState
from chargehand.fleet.recorded_machine import Books
from chargehand.kit.complaints import Complaints
from chargehand.kit.error_text import headline_of
from chargehand.kit.values import replace

_log = logging.getLogger("chargehand.fleet")

_REMOVED = "its worker is no longer configured; it may still run"


class LeftInstances:
    """Hands the machines that were left to their workers, and finds those that have none.

    *live* returns the names of machines that workers of this master are in charge of.
    """

    def __init__(self, *, books: Books, live: Callable[[], Collection[str]]) -> None:
        self._books = books
        self._live = live
        self._left: dict[str, list[InstanceRecord]] = defaultdict(list)
        self._is_loaded = False
        self._complaints = Complaints(_log)

    async def load(self) -> None:
        """Read what earlier processes of this master have left, once."""
        if self._is_loaded:
            return
        for record in await self._books.store.unfinished(self._books.master_id):
            self._left[record.worker_name].append(record)
        self._is_loaded = True

    def take(self, worker_name: str) -> Sequence[InstanceRecord]:
        """Return what a worker has left, which it stops from now on."""
        return self._left.pop(worker_name, ())

    def strand(self, record: InstanceRecord) -> None:
        """Keep what a worker could not stop."""
        self._left[record.worker_name].append(record)

    def say_whose_worker_is_gone(self) -> None:
        """Log and record what is left of workers that cannot stop it."""
        for records in self._left.values():
            for number, record in enumerate(records):
                if record.state is RecordedState.STRANDED:
                    continue
                _log.error(
                    'instance %s%s of worker "%s" may still run: the worker is no longer '
                    "configured. Add it to the configuration again, or stop the instance by hand",
                    record.name,
                    f" ({', '.join(record.identity)})" if record.identity else "",
                    record.worker_name,
                )
                records[number] = self._write(record, RecordedState.STRANDED, _REMOVED)

    async def sweep(self, machines: Iterable[HostedInstance]) -> None:
        """Stop what is labelled as this master's, and belongs to none of its live machines."""
        places = {(type(hosted), hosted.place): hosted for hosted in machines}
        fleet = await self._books.store.fleet(self._books.master_id) if places else ""
        for (_, place), hosted in places.items():
            with self._complaints.guarded("cannot look for left instances at %s", place):
                # Their workers may have stopped some of these by the time the answer is here.
                in_use = set(self._live())
                found = await hosted.find(fleet)
                in_use.update(self._live())
                for one in found or ():
                    if one.name not in in_use:
                        await self._stop_found(hosted, one)
                        in_use.update(self._live())  # That took a while.

    async def _stop_found(self, hosted: HostedInstance, found: FoundInstance) -> None:
        _log.warning("stopping instance %s, which no worker uses", found.name)
        message = "cannot stop instance %s, which no worker uses"
        with self._complaints.guarded(message, found.name) as attempt:
            await hosted.stop_found(found)
        record = self._record_of(found.name)
        if record is None:
            return
        if attempt.failure is None:
            self._left[record.worker_name].remove(record)
            self._write(record, RecordedState.STOPPED, "no worker used it")
        else:
            reason = f"could not be stopped: {headline_of(attempt.failure)}"
            self._write(record, RecordedState.STRANDED, reason)

    def _record_of(self, name: str) -> InstanceRecord | None:
        records = (record for left in self._left.values() for record in left)
        return next((record for record in records if record.name == name), None)

    def _write(self, record: InstanceRecord, state: RecordedState, reason: str) -> InstanceRecord:
        now = self._books.clock.timestamp()
        written = replace(record, state=state, reason=reason, state_since=now)
        self._books.store.record(written)
        return written
