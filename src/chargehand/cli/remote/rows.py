"""A master's resources, as commands read them."""

from __future__ import annotations

import msgspec

from chargehand.domain.result import Result

PropertyRow = tuple[object, str]
"""A property's value, and where it comes from."""


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """A builder."""

    builderid: int
    name: str


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """A build."""

    buildid: int
    number: int
    builderid: int
    buildrequestid: int
    workerid: int | None
    started_at: float
    complete: bool
    complete_at: float | None
    results: int | None
    state_string: str
    properties: dict[str, PropertyRow] | None = None

    @property
    def result(self) -> Result | None:
        """How it ended."""
        return None if self.results is None else Result(self.results)

    def property(self, name: str) -> str:
        """Return a property as text, empty when there is none."""
        value = (self.properties or {}).get(name, (None, ""))[0]
        return "" if value is None else str(value)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a build."""

    stepid: int
    number: int
    name: str
    started_at: float | None
    complete: bool
    complete_at: float | None
    results: int | None
    state_string: str
    hidden: bool

    @property
    def result(self) -> Result | None:
        """How it ended."""
        return None if self.results is None else Result(self.results)


class ChangeSource(msgspec.Struct, frozen=True, kw_only=True):
    """A change source."""

    name: str
    state: str | None = None
    state_string: str | None = None

    @property
    def is_unwell(self) -> bool:
        """Whether it misses changes, or says what may be wrong."""
        return self.state in ("failing", "warning")


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log of a step."""

    logid: int
    name: str
    slug: str
    type: str
    num_lines: int
    complete: bool


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A build request."""

    buildrequestid: int
    buildsetid: int
    builderid: int
    priority: int
    claimed: bool
    complete: bool
    results: int | None
    submitted_at: float
    end_reason: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the request has no build yet and will get one."""
        return not self.claimed and not self.complete


class SourceStamp(msgspec.Struct, frozen=True, kw_only=True):
    """What is built."""

    codebase: str
    branch: str | None
    revision: str | None
    repository: str


class Buildset(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were made together."""

    bsid: int
    reason: str
    sourcestamps: list[SourceStamp]
    parent_buildid: int | None
    rebuilt_buildid: int | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change."""

    changeid: int
    author: str
    comments: str
    branch: str | None
    revision: str | None


class ConnectedTo(msgspec.Struct, frozen=True, kw_only=True):
    """A master that a worker is connected to."""

    masterid: int


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker."""

    workerid: int
    name: str
    connected_to: list[ConnectedTo]
    paused: bool
    graceful: bool
    pause_reason: str | None = None
    paused_by: str | None = None
    paused_at: int | None = None
    stop_reason: str | None = None
    stopped_by: str | None = None
    stopped_at: int | None = None
    disconnected_at: int | None = None


class Eta(msgspec.Struct, frozen=True, kw_only=True):
    """When a running build (or its step, if it has one) is expected to end."""

    buildid: int
    stepid: int | None = None
    name: str = ""
    eta: float
    seconds_left: float
    progress: float


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why something waits, or did not happen."""

    kind: str
    sentence: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a force scheduler, and those within it."""

    full_name: str | None = msgspec.field(name="fullName", default=None)
    name: str | None = None
    fields: list[Field] = []

    def all(self) -> list[Field]:
        """Return it and all within it."""
        return [self, *(inner for field in self.fields for inner in field.all())]


class ForceScheduler(msgspec.Struct, frozen=True, kw_only=True):
    """A force scheduler."""

    name: str
    builder_names: list[str]
    enabled: bool
    all_fields: list[Field]
