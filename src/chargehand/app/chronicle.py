"""The life of the farm, one line each in the master's log."""

from __future__ import annotations

from collections.abc import Callable

from chargehand.app.directory import Directory
from chargehand.domain.build import Build
from chargehand.domain.identifiers import MasterId, RequestId, SchedulerId, WorkerId
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildsetSubmitted,
    BuildStarted,
    ChangeAdded,
    RequestCancelled,
    RequestClaimed,
    SchedulerChanged,
)
from chargehand.kit.durations import duration
from chargehand.kit.line_log import LineLog

_log = LineLog("chargehand.farm")


class Chronicle:
    """Writes what the bus tells; nothing is asked of the store for it."""

    def __init__(
        self,
        *,
        bus: Bus,
        directory: Directory,
        master_id: MasterId,
        why_now: Callable[[RequestId], str],
        worker_name: Callable[[WorkerId], str | None],
    ) -> None:
        self._directory = directory
        self._master_id = master_id
        self._why_now = why_now
        self._worker_name = worker_name
        self._workers: dict[WorkerId, str] = {}
        self._submitted: dict[RequestId, float] = {}
        """When the requests were submitted of which the builds are about to start."""
        self._enabled: dict[SchedulerId, bool] = {}
        bus.subscribe(self._change, ChangeAdded)
        bus.subscribe(self._buildset, BuildsetSubmitted)
        bus.subscribe(self._claimed, RequestClaimed)
        bus.subscribe(self._cancelled, RequestCancelled)
        bus.subscribe(self._started, BuildStarted)
        bus.subscribe(self._finished, BuildFinished)
        bus.subscribe(self._scheduler, SchedulerChanged)

    def _change(self, event: ChangeAdded) -> None:
        change = event.change
        where = " ".join(filter(None, (change.repository, change.branch, change.revision)))
        _log.info(
            "change %d by %s: %s",
            change.id,
            change.author,
            where or "no revision",
            ids={"changeid": change.id},
        )

    def _buildset(self, event: BuildsetSubmitted) -> None:
        buildset = event.buildset
        _log.info(
            'buildset %d submitted by scheduler "%s": %s',
            buildset.id,
            event.scheduler,
            buildset.reason or "no reason",
            ids={"bsid": buildset.id},
        )

    def _claimed(self, event: RequestClaimed) -> None:
        if event.request.claimed_by == self._master_id:
            self._submitted[event.request.id] = event.request.submitted_at

    def _cancelled(self, event: RequestCancelled) -> None:
        self._submitted.pop(event.request.id, None)
        _log.info(
            "request %d cancelled: %s",
            event.request.id,
            event.reason or "no reason",
            ids={"buildrequestid": event.request.id},
        )

    def _started(self, event: BuildStarted) -> None:
        build = event.build
        submitted = self._submitted.pop(build.request_id, None)
        self._submitted.clear()  # Requests that were collapsed into it.
        waited = 0.0 if submitted is None else max(0.0, build.started_at - submitted)
        worker = self._workers.get(build.worker_id) or self._worker_name(build.worker_id)
        if worker is not None:
            self._workers[build.worker_id] = worker
        why_now = self._why_now(build.request_id)
        _log.info(
            "build %s started on %s (build %d, request %d waited %s%s)",
            self._name(build),
            worker or "a worker of another master",
            build.id,
            build.request_id,
            duration(waited),
            why_now and f"; {why_now}",
            ids=_ids(build) | ({"why_now": why_now} if why_now else {}),
        )

    def _finished(self, event: BuildFinished) -> None:
        build = event.build
        took = 0.0 if build.complete_at is None else build.complete_at - build.started_at
        result = "no result" if build.result is None else build.result.word
        # The sentence of a build that was ordered to end says by itself what its result is.
        says_result = build.state.startswith(result)
        words = build.state.removesuffix(f" after {duration(took)}") if says_result else build.state
        _log.info(
            "build %s finished after %s%s: %s",
            self._name(build, event.builder_name),
            duration(took),
            "" if says_result else f" with {result}",
            words,
            ids=_ids(build),
        )

    def _name(self, build: Build, builder_name: str = "") -> str:
        return f"{builder_name or self._directory.name(build.builder_id)} #{build.number}"

    def _scheduler(self, event: SchedulerChanged) -> None:
        known, new = self._enabled.get(event.scheduler.id, True), event.scheduler.enabled
        self._enabled[event.scheduler.id] = new
        if known != new:
            enabled = "enabled" if event.scheduler.enabled else "disabled"
            ids = {"scheduler": event.scheduler.name, "schedulerid": event.scheduler.id}
            _log.info('scheduler "%s" is %s', event.scheduler.name, enabled, ids=ids)


def _ids(build: Build) -> dict[str, int | str]:
    return {
        "buildid": build.id,
        "buildrequestid": build.request_id,
        "builderid": build.builder_id,
        "workerid": build.worker_id,
    }
