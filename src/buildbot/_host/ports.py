"""What users' code needs of the engine. (Section by the composition root, see `Host.attach`.)"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from socket import socket as Socket
from typing import Any, Protocol

from chargehand.domain.audit import AuditEntry
from chargehand.domain.build import Build
from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    LogId,
    MasterId,
    RequestId,
    SourceStampId,
    TestResultSetId,
)
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.result_set import ResultOfTest, ResultSet
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.user import User
from chargehand.domain.worker import WorkerSlot
from chargehand.events.bus import Bus
from chargehand.events.messages import Event
from chargehand.kit.redaction import Redaction
from chargehand.resources.query import Filter, Listed, Order
from chargehand.scheduling.ports import SourceTrust


class Changes(Protocol):
    """The one way in for changes."""

    async def add_change(self, change: NewChange) -> Change:
        """Complete and store a change; it is durable when this returns."""


class Buildsets(Protocol):
    """Orders of builds."""

    async def submit(self, buildset: NewBuildset) -> SubmittedBuildset:
        """Store a buildset with its requests; both are durable when this returns."""


class State(Protocol):
    """Small things that components remember by name (JSON values)."""

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        """Return what was set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: Any) -> None:
        """Remember it durably."""


class Data(Protocol):
    """The resources of the REST API, in the master's own process."""

    async def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        fields: Sequence[str] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> Listed | dict[str, Any] | None:
        """Return the rows of a collection, or the row of a single resource (None: there is none).
        Raises LookupError for a path that the API does not have."""

    async def control(self, path: str, method: str, parameters: Mapping[str, Any]) -> Any:
        """Order something (``force``, ``stop``, ``rebuild``, ``cancel`` …) as a client would."""


class DataHere(Protocol):
    """The resources of the REST API, read in the calling thread, which waits."""

    def get(
        self,
        path: str,
        *,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int | None = None,
    ) -> list[dict[str, Any]] | dict[str, Any] | None:
        """Return what `Data.get` does."""

    def lines(self, log_id: LogId, first: int, count: int | None) -> str:
        """Return lines of a log, with channel letters where it is of type ``s``."""


class Stamps(Protocol):
    """Source stamps, read."""

    async def stamps(self, ids: Sequence[SourceStampId]) -> dict[SourceStampId, StoredSourceStamp]:
        """Return these source stamps, in one query."""


class Builders(Protocol):
    """Names and identifiers of the configured builders."""

    def ids(self, names: Sequence[str]) -> tuple[BuilderId, ...]:
        """Return their identifiers. Raises LookupError naming the unknown ones."""

    def name(self, builder_id: BuilderId) -> str:
        """Return its name."""


class Builds(Protocol):
    """Builds that run."""

    def running_on(self, builder_id: BuilderId) -> tuple[Build, ...]:
        """Return the builds that a builder of this master runs now."""

    def set_state(self, build_id: BuildId, sentence: str) -> bool:
        """Show what a running build is doing; False if it is not running here."""

    async def amend_properties(self, build_id: BuildId, properties: Mapping[str, Property]) -> None:
        """Record properties of a build. Raises LookupError, TypeError."""


class Requests(Protocol):
    """Build requests."""

    async def end(self, request_ids: Sequence[RequestId], result: Result, reason: str) -> int:
        """End those that wait without a build; return their number."""


class TestResults(Protocol):
    """Results of tests, in sets."""

    async def add_set(self, result_set: ResultSet) -> ResultSet:
        """Store an open set, and return it with its identifier. Raises LookupError."""

    async def add(self, set_id: TestResultSetId, results: Sequence[ResultOfTest]) -> None:
        """Add results to a set. Raises LookupError."""

    async def complete(
        self, set_id: TestResultSetId, passed: int | None = None, failed: int | None = None
    ) -> None:
        """Record the end of a set. Raises LookupError if there is no such open set."""


class Dispatch(Protocol):
    """Brings waiting requests and free workers together."""

    def look_at(self, builder_ids: Sequence[BuilderId]) -> None:
        """Check soon whether builds can start on these builders."""


class Workers(Protocol):
    """The fleet."""

    def slots(self, names: Sequence[str]) -> Sequence[WorkerSlot]:
        """Return the state of these workers, in that order; skips unknown names."""

    def rest(self, name: str, seconds: float) -> None:
        """Give a worker no builds for so long; 0 ends its rest. Raises LookupError."""


class DeletedLogs(Protocol):
    """What was deleted in one go."""

    @property
    def count(self) -> int:
        """The number of logs."""

    @property
    def size(self) -> int:
        """The bytes of their text."""


class Retention(Protocol):
    """Deletes old data in small pieces, one for each value that is yielded."""

    def now(self) -> float:
        """Return the time, in seconds since 1970."""

    def delete_logs(self, before: float, master_id: MasterId) -> AsyncIterator[DeletedLogs]:
        """Delete the texts of logs of builds that finished before that time."""

    def delete_build_data(self, before: float) -> AsyncIterator[int]:
        """Delete data of builds that finished before that time; yields numbers of rows."""


class BuildData(Protocol):
    """Data of builds."""

    async def set(self, build_id: BuildId, name: str, value: bytes, source: str) -> None:
        """Store a datum; one of that name is replaced."""


class PluginDatabase(Protocol):
    """Plug-ins' own tables."""

    @property
    def metadata(self) -> Any:
        """SQLAlchemy's MetaData, with the master's tables to read."""

    @property
    def engine(self) -> Any:
        """SQLAlchemy's engine. Blocks when it is first used."""

    async def do(self, work: Callable[[Any], Any]) -> Any:
        """Call *work* with a connection, in a thread, and commit."""

    async def do_with_engine(self, work: Callable[[Any], Any]) -> Any:
        """Call *work* with the engine, in a thread."""


class Orders(Protocol):
    """Orders of users' code in the name of a part of the configuration."""

    async def cancel_request(self, request_id: RequestId, reason: str, by: User) -> None:
        """Cancel a waiting request, or stop its build. Raises LookupError."""


class Audit(Protocol):
    """The audit log."""

    def note(self, entry: AuditEntry) -> None:
        """Store an entry soon."""


class BuildTokens(Protocol):
    """API tokens of builds."""

    async def make(
        self, build_id: int, name: str, actions: Sequence[str], builders: Sequence[str]
    ) -> str:
        """Return a new token for a build called *name*, which ends with the build."""


class GuestConnection(Protocol):
    """A connection at a port for workers whose client is not a worker."""

    @property
    def beginning(self) -> bytes:
        """What the client has sent."""

    def give_away(self) -> Socket | None:
        """Return the socket, which is somebody else's from now on; None where that cannot be."""


class WorkerPorts(Protocol):
    """The ports at which workers connect."""

    def port_of(self, protocol: str) -> int | None:
        """Return the number of the port for a protocol, None if there is none."""

    async def share(
        self, text: str, name: str, take: Callable[[GuestConnection], bool]
    ) -> int | None:
        """Let *name* in, who is no worker, at a port of workers that is configured as *text*;
        return its number, None if workers do not use it."""

    async def unshare(self, name: str) -> None:
        """Let *name* in no more."""


class Engine(Protocol):
    """All of it. The attributes are read when they are needed, and not kept."""

    @property
    def master_id(self) -> MasterId:
        """This master's identifier."""

    @property
    def name(self) -> str:
        """This master's name."""

    @property
    def bus(self) -> Bus:
        """Events."""

    @property
    def changes(self) -> Changes:
        """The way in for changes."""

    @property
    def buildsets(self) -> Buildsets:
        """The way in for orders of builds."""

    @property
    def state(self) -> State:
        """What components remember."""

    @property
    def data(self) -> Data:
        """Resources."""

    @property
    def data_here(self) -> DataHere:
        """Resources, for users' functions that cannot wait."""

    @property
    def stamps(self) -> Stamps:
        """Source stamps."""

    @property
    def builders(self) -> Builders:
        """Builders by name and number."""

    @property
    def builds(self) -> Builds:
        """Builds that run."""

    @property
    def dispatch(self) -> Dispatch:
        """What starts builds."""

    async def recorded(self) -> None:
        """Wait until what builds have recorded so far is stored."""

    def is_busy(self, worker_name: str, builder_id: BuilderId) -> bool:
        """Return whether a build of the builder runs, or is about to start, on the worker."""

    @property
    def ports(self) -> WorkerPorts:
        """Ports of workers."""

    @property
    def workers(self) -> Workers:
        """Workers by name."""

    @property
    def event_types(self) -> tuple[type[Event], ...]:
        """The events that users' code can subscribe to."""

    @property
    def redaction(self) -> Redaction:
        """What the master's log must not show."""

    @property
    def build_data(self) -> BuildData:
        """Data of builds."""

    @property
    def plugin_database(self) -> PluginDatabase:
        """Plug-ins' own tables."""

    @property
    def orders(self) -> Orders:
        """Cancelling."""

    @property
    def requests(self) -> Requests:
        """Ending requests."""

    @property
    def test_results(self) -> TestResults:
        """Results of tests."""

    @property
    def retention(self) -> Retention:
        """Deleting old data."""

    @property
    def reconfigure(self) -> Callable[[], Awaitable[object]]:
        """Read the configuration again."""

    @property
    def build_tokens(self) -> BuildTokens:
        """What builds log in with."""

    @property
    def trust(self) -> SourceTrust:
        """How far changes and sources are trusted."""

    @property
    def audit(self) -> Audit:
        """Who did what."""
