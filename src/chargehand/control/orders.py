"""Control methods and explanations, delegated to the stages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from chargehand.control.ports import Changes, Resources
from chargehand.dispatch.service import Dispatcher
from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.identifiers import BuilderId, BuildId, ChangeId, RequestId
from chargehand.domain.orders import InvalidParameters
from chargehand.domain.prediction import Prediction
from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.result import Result
from chargehand.domain.user import User, has_reason, ordered
from chargehand.domain.waiting import Waiting, WorkersInterrupted
from chargehand.domain.waiting_line import WaitingLine
from chargehand.events.messages import Event, OrderGiven
from chargehand.execution.service import Builds
from chargehand.fleet.service import Fleet
from chargehand.kit.line_log import LineLog
from chargehand.resources.query import Filter, Operator, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.scheduling.errors import SchedulerDisabled, SchedulerElsewhere, SchedulerFailed
from chargehand.scheduling.service import Scheduling

_MOST_CHANGES = 3
"""How often a request may go from queue to build, or back, while it is being cancelled."""

_WORKER_ORDERS = {"stop": "graceful shutdown", "kill": "shutdown", "unpause": "end of the pause"}

_log = LineLog("chargehand.farm")


class Orders:
    """Controls and explanations of one master (``web.Controls``, ``web.Explanations``)."""

    def __init__(
        self,
        *,
        scheduling: Scheduling,
        dispatcher: Dispatcher,
        builds: Builds,
        fleet: Fleet,
        resources: Resources,
        changes: Changes,
        refused_logins: Callable[[], Sequence[RefusedLogin]],
        publish: Callable[[Sequence[Event]], None],
    ) -> None:
        self._scheduling = scheduling
        self._dispatcher = dispatcher
        self._builds = builds
        self._fleet = fleet
        self._resources = resources
        self._changes = changes
        self._refused_logins = refused_logins
        self._publish = publish

    async def force(
        self, scheduler: str, parameters: Mapping[str, object], by: User
    ) -> tuple[int, dict[int, int]]:
        """Force builds."""
        try:
            numbers = await self._scheduling.force(scheduler, parameters, by.owner)
        except (SchedulerDisabled, SchedulerElsewhere, SchedulerFailed) as refused:
            raise InvalidParameters({"schedulername": str(refused)}) from refused
        _note(by, f"buildset {numbers[0]}")
        return numbers

    async def stop_build(self, build_id: BuildId, reason: str, result: Result, by: User) -> None:
        """Stop a build that runs; a finished one is left alone.

        One that is just ending may be about to be retried: then its request is cancelled.
        """
        self._tell("builds", build_id, "stop", reason)
        is_stopped = self._builds.stop(build_id, reason, result, by=by.words)
        build = None if is_stopped else await self._one("builds", "buildid", build_id)
        _note(by, f"stop of build {build_id}", reason)
        if build is not None and not build["complete"] and result is not Result.RETRY:
            await self._cancel(RequestId(int(str(build["buildrequestid"]))), reason, by)

    async def rebuild(self, build_id: BuildId, by: User) -> tuple[int, dict[int, int]]:
        """Build the same again."""
        numbers = await self._scheduling.rebuild(build_id, by)
        _note(by, f"rebuild of build {build_id}")
        return numbers

    async def cancel_request(self, request_id: RequestId, reason: str, by: User) -> None:
        """Cancel a waiting request, or stop its build."""
        self._tell("buildrequests", request_id, "cancel", reason)
        if not await self._cancel(request_id, reason, by):
            await self._one("buildrequests", "buildrequestid", request_id)
        _note(by, f"cancellation of request {request_id}", reason)

    async def _cancel(self, request_id: RequestId, reason: str, by: User) -> bool:
        """Cancel it wherever it is: while it is asked about here it may go on to there."""
        for _ in range(_MOST_CHANGES):
            if await self._dispatcher.cancel(request_id, ordered(reason, by)):
                return True
            if await self._builds.stop_request(request_id, reason, by=by.words):
                return True
        return False

    async def set_priority(self, request_id: RequestId, priority: int, by: User) -> None:
        """Set a request's priority."""
        await self._one("buildrequests", "buildrequestid", request_id)
        _note(by, f"priority {priority} of request {request_id}")
        await self._dispatcher.set_priority(request_id, priority)

    async def enable_scheduler(self, scheduler_id: int, enabled: bool, by: User) -> None:
        """Enable or disable a scheduler."""
        await self._scheduling.set_enabled(scheduler_id, enabled)
        _note(by, f"{'enabling' if enabled else 'disabling'} of scheduler {scheduler_id}")

    async def control_worker(self, worker: int | str, method: str, reason: str, by: User) -> None:
        """``stop`` (graceful), ``kill``, ``pause`` or ``unpause`` a worker."""
        record = self._fleet.record(worker)
        _note(by, f"{_WORKER_ORDERS.get(method, method)} of worker {record.name}", reason)
        why = reason if has_reason(reason) else None
        who = None if by.is_anonymous else by.words
        await self._fleet.control(record.name, method, why, who)
        self._tell("workers", record.id, method, reason)

    async def why_waiting(self, request_id: RequestId) -> Waiting | None:
        """Return why a request waits, None if it does not."""
        request = await self._one("buildrequests", "buildrequestid", request_id)
        if request["complete"]:
            return None
        if request["claimed"]:
            build_id = self._builds.build_of(request_id)
            if build_id is None:
                return self._dispatcher.why_claimed(request_id)
            return self.why_build_waits(build_id)
        return self._dispatcher.why_waiting(request_id, BuilderId(int(str(request["builderid"]))))

    async def outcomes_of(self, change_id: ChangeId) -> list[ChangeOutcome]:
        """Explain what schedulers did with a change."""
        built_by = await self._changes.buildsets_of(change_id)
        return await self._scheduling.outcomes_of(change_id, built_by)

    def waiting_changes(self) -> list[WaitingChanges]:
        """Return the changes that wait for tree-stable timers of this master."""
        return self._scheduling.waiting_changes()

    def refused_logins(self) -> Sequence[RefusedLogin]:
        """Return the logins of workers that this master refused last, the newest first."""
        return self._refused_logins()

    def why_build_waits(self, build_id: BuildId) -> Waiting | None:
        """Say what a running build waits for, if it does."""
        return (
            self._dispatcher.why_build_waits(build_id)
            or self._builds.why_preparing(build_id)
            or self._why_interrupted(build_id)
        )

    def _why_interrupted(self, build_id: BuildId) -> Waiting | None:
        worker_name = self._builds.worker_of(build_id)
        for slot in self._fleet.slots([] if worker_name is None else [worker_name]):
            if slot.interrupted_at is not None:
                seconds = asyncio.get_running_loop().time() - slot.interrupted_at
                return WorkersInterrupted(workers=((slot.name, round(seconds), 1),))
        return None

    def predictions(self, build_id: BuildId) -> tuple[Prediction, ...]:
        """Return when a running build and its step are expected to end."""
        return self._builds.predictions(build_id)

    def waiting_lines(self) -> list[WaitingLine]:
        """Return what waits at each builder of this master, and why."""
        return self._dispatcher.waiting_lines()

    def why_these_wait(self, requests: Mapping[RequestId, BuilderId]) -> dict[RequestId, Waiting]:
        """Return why these waiting requests wait."""
        return {
            request_id: self._dispatcher.why_waiting(request_id, builder_id)
            for request_id, builder_id in requests.items()
        }

    def _tell(self, kind: str, subject: int, method: str, reason: str) -> None:
        self._publish([OrderGiven(kind=kind, subject=subject, method=method, reason=reason)])

    async def _one(self, kind: str, field: str, value: int | str) -> dict[str, object]:
        """Return one resource. Raises LookupError."""
        query = Query(
            kind=kind, sees=EVERYTHING, filters=(Filter(field, Operator.EQ, (value,)),), limit=1
        )
        page = await self._resources.fetch(query)
        if not page.rows:
            raise LookupError(f"there is no {field} {value}")
        return page.rows[0]


def _note(by: User, what: str, reason: str = "") -> None:
    """Let the master's log say who ordered what."""
    because = f": {reason}" if has_reason(reason) else ""
    _log.info("%s requested by %s%s", what, by.described, because)
