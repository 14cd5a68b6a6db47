"""Why builds start now: what kept their requests waiting until then."""

from __future__ import annotations

from chargehand.dispatch.attempt import Start
from chargehand.dispatch.builder_line import BuilderLine, LacksWorker
from chargehand.domain.assignment import Assignment
from chargehand.domain.identifiers import RequestId
from chargehand.domain.waiting import (
    FunctionFailed,
    LockHeld,
    LockUnavailable,
    RefusedByFunction,
    Waiting,
)


class WhyNow:
    """Records how workers changed, and says what a request waited for last."""

    def __init__(self) -> None:
        self._news: dict[str, str] = {}
        """What happened last to workers, by their names."""
        self._reasons: dict[RequestId, str] = {}

    def of(self, request_id: RequestId) -> str:
        """Return why a build of a request has just started; empty if this master does not know."""
        return self._reasons.get(request_id, "")

    def is_available(self, worker_name: str) -> None:
        """Note that a worker connected, was unpaused, or has a free slot."""
        self._news[worker_name] = "became available"

    def starts(self, line: BuilderLine, start: Start) -> None:
        """Note why a build starts, before its request leaves the queue."""
        self._reasons[start.request.request.id] = self._reason(line.kept_by, start)

    def has_ended(self, assignment: Assignment) -> None:
        """Note that a build has left its worker. The last word on that worker counts."""
        self._reasons.pop(assignment.request_id, None)
        holder = assignment.grant.holder
        self._news[assignment.worker_name] = f"became free when {holder.words} ended"

    def _reason(self, kept_by: Waiting | LacksWorker | None, start: Start) -> str:
        match kept_by:
            case None if start.request.request.retry is not None:
                return "its pause before the retry is over"
            case None:
                return f"{start.worker.name} was free"
            case LacksWorker():
                news = self._news.get(start.worker.name, "became available")
                return f"{start.worker.name} {news}"
            case LockHeld(lock=lock, holders=holders, before=before):
                names = ", ".join(holder.words for holder in holders or before)
                return f"lock {lock} became free" + (f", which {names} had" if names else "")
            case LockUnavailable(lock=lock):
                return f"lock {lock} now allows it"
            case RefusedByFunction(function=function):
                return f"{function} now allows it"
            case FunctionFailed(function=function):
                return f"{function} works again"
        return f"over is: {kept_by.sentence}"
