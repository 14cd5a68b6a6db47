"""All events: frozen values in the past tense, with the complete resource.

Events are announced inside a store transaction and published after the commit, in commit order.
Each carries the complete new state, so that no listener has to query the store.
"""

import msgspec

from chargehand.domain.build import Build, Log, Step
from chargehand.domain.builder import Builder
from chargehand.domain.buildset import BuildRequest, Buildset, PendingRequest
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuildId
from chargehand.domain.instance import InstanceRecord
from chargehand.domain.master import Master, Scheduler
from chargehand.domain.properties import Property
from chargehand.domain.result_set import ResultSet
from chargehand.domain.worker import Worker


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""


class ChangeAdded(Event, frozen=True):
    """A change was stored."""

    change: Change


class BuildsetSubmitted(Event, frozen=True):
    """A buildset was stored, with its requests; RequestSubmitted follows for each request."""

    buildset: Buildset
    scheduler: str


class BuildsetCompleted(Event, frozen=True):
    """The last request of a buildset was completed."""

    buildset: Buildset


class RequestSubmitted(Event, frozen=True):
    """A request was stored and is waiting."""

    pending: PendingRequest


class RequestClaimed(Event, frozen=True):
    """A master claimed the request to build it."""

    request: BuildRequest


class RequestUnclaimed(Event, frozen=True):
    """The request was returned to the queue: its build could not start, or will be retried."""

    pending: PendingRequest


class RequestUpdated(Event, frozen=True):
    """The request's priority changed."""

    request: BuildRequest


class RequestCancelled(Event, frozen=True):
    """The request was cancelled; RequestCompleted follows."""

    request: BuildRequest
    reason: str


class RequestCompleted(Event, frozen=True):
    """The request was completed."""

    request: BuildRequest


class BuildStarted(Event, frozen=True):
    """A build was created ("new" in the REST API)."""

    build: Build


class BuildUpdated(Event, frozen=True):
    """The build's state sentence or worker changed."""

    build: Build


class BuildFinished(Event, frozen=True):
    """The build finished, after all its steps and logs."""

    build: Build
    builder_name: str = ""
    """Where the master that ended it may not have the builder: it was interrupted."""


class BuildPropertiesUpdated(Event, frozen=True):
    """Properties of a build changed; the event has only the changed ones."""

    build_id: BuildId
    properties: dict[str, Property]


class StepAdded(Event, frozen=True):
    """A step was created, not yet started ("new")."""

    step: Step


class StepStarted(Event, frozen=True):
    """A step started."""

    step: Step


class StepUpdated(Event, frozen=True):
    """The step's state sentence, links or lock time changed."""

    step: Step


class StepFinished(Event, frozen=True):
    """A step finished."""

    step: Step


class LogAdded(Event, frozen=True):
    """A log was opened."""

    log: Log


class LogAppended(Event, frozen=True):
    """Lines were appended to a log and are durable; ``log.line_count`` includes them."""

    log: Log


class LogFinished(Event, frozen=True):
    """A log is complete."""

    log: Log


class ResultSetAdded(Event, frozen=True):
    """A step began a set of test results."""

    result_set: ResultSet


class ResultSetCompleted(Event, frozen=True):
    """A set of test results gets no more of them."""

    result_set: ResultSet


class WorkerConnected(Event, frozen=True):
    """A worker connected."""

    worker: Worker


class WorkerDisconnected(Event, frozen=True):
    """A worker's connection ended."""

    worker: Worker


class WorkerUpdated(Event, frozen=True):
    """A worker was paused, unpaused, told to shut down, or configured for other builders."""

    worker: Worker


class InstanceChanged(Event, frozen=True):
    """The machine of a worker that is started on demand is in another state, or said what
    identifies it."""

    instance: InstanceRecord


class WorkerMissing(Event, frozen=True):
    """A worker has been away for longer than its ``missing_timeout``; sent once an absence."""

    worker: Worker
    notify: tuple[str, ...]
    last_connection: str
    """When it went, or that this master does not know."""


class OrderGiven(Event, frozen=True):
    """Somebody ordered something about a build, a request or a worker; for plug-ins alone."""

    kind: str
    """``builds``, ``buildrequests`` or ``workers``."""
    subject: int
    """The identifier."""
    method: str
    """``stop``, ``cancel``, ``kill``, ``pause`` or ``unpause``."""
    reason: str


class MasterStarted(Event, frozen=True):
    """A master started: its plug-ins listen by now, and its web server opens next."""

    master: Master


class MasterStopped(Event, frozen=True):
    """A master stopped, or was declared dead."""

    master: Master


class BuilderChanged(Event, frozen=True):
    """A builder was added, altered or removed ("started", "update", "stopped")."""

    builder: Builder
    verb: str


class SchedulerChanged(Event, frozen=True):
    """A scheduler was created, enabled or disabled ("created", "updated")."""

    scheduler: Scheduler
    verb: str
