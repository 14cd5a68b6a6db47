"""A build, its steps, and their logs."""

from enum import StrEnum

import msgspec

from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    CommandId,
    LogId,
    MasterId,
    RequestId,
    StepId,
    Timestamp,
    WorkerId,
)
from chargehand.domain.result import Result


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a builder's plan on one worker."""

    id: BuildId
    number: int
    builder_id: BuilderId
    request_id: RequestId
    worker_id: WorkerId
    master_id: MasterId
    started_at: Timestamp
    locks_duration: float = 0.0
    complete: bool = False
    complete_at: Timestamp | None = None
    result: Result | None = None
    state: str = "created"


class StepUrl(msgspec.Struct, frozen=True):
    """A link that a step shows."""

    name: str
    url: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a build; ``name`` is an identifier, unique in its build."""

    id: StepId
    build_id: BuildId
    number: int
    name: str
    state: str = "pending"
    started_at: Timestamp | None = None
    locks_acquired_at: Timestamp | None = None
    complete: bool = False
    complete_at: Timestamp | None = None
    result: Result | None = None
    urls: tuple[StepUrl, ...] = ()
    hidden: bool = False


class LogType(StrEnum):
    """How a log's text is to be read; the letters are part of the REST API."""

    STDIO = "s"
    TEXT = "t"
    HTML = "h"
    DELETED = "d"


class Channel(StrEnum):
    """The letter before each line of a STDIO log."""

    STDOUT = "o"
    STDERR = "e"
    HEADER = "h"


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A text that a step produced; its lines are in segments, outside SQL."""

    id: LogId
    step_id: StepId
    name: str
    slug: str
    type: LogType
    complete: bool = False
    line_count: int = 0


class NewLog(msgspec.Struct, frozen=True):
    """A log that is to be opened; ``slug`` is its name as a part of addresses."""

    name: str
    slug: str
    type: LogType


class SegmentSource(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Which update of which command a segment is: one that is sent again can be recognised."""

    command_id: CommandId
    number: int


class Segment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A stretch of whole lines of a log, compressed.

    ``data`` is one zstd frame of UTF-8 text (as it came: bytes that are not UTF-8 are kept). Every
    line ends with a newline. In a STDIO log each line begins with its channel's letter, which
    ``size`` (bytes before compression) counts.
    """

    data: bytes
    line_count: int
    size: int
    source: SegmentSource | None = None
    """None for text of the master's own."""
