"""A build, its steps, and their logs."""

from enum import StrEnum
from typing import Self

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
from chargehand.kit.values import replace


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a builder's steps on one worker."""

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
    state: str = "starting"


class StepUrl(msgspec.Struct, frozen=True):
    """A link on a step."""

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

    def with_url(self, url: StepUrl, replaces: str | None = None) -> Self:
        """Return the step with another link, in the place of the one called *replaces*."""
        names = [known.name for known in self.urls]
        if replaces not in names:
            return replace(self, urls=(*self.urls, url))
        place = names.index(replaces)
        return replace(self, urls=(*self.urls[:place], url, *self.urls[place + 1 :]))


class LogType(StrEnum):
    """The format of a log's text; the letters are part of the REST API."""

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
    """A text produced by a step; its lines are in segments, outside SQL."""

    id: LogId
    step_id: StepId
    name: str
    slug: str
    type: LogType
    complete: bool = False
    line_count: int = 0


class NewLog(msgspec.Struct, frozen=True):
    """A log to open; ``slug`` is its name in URLs."""

    name: str
    slug: str
    type: LogType


class SegmentSource(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The command and update that a segment came from, to recognise repeated updates."""

    command_id: CommandId
    number: int


class Segment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Consecutive whole lines of a log, compressed.

    ``data`` is one zstd frame of UTF-8 text (invalid bytes are kept). Every line ends with a
    newline. In a STDIO log each line begins with its channel's letter, which ``size`` (bytes before
    compression) includes.
    """

    data: bytes
    line_count: int
    size: int
    source: SegmentSource | None = None
    """None for text written by the master."""
