"""A command: what a step asks a worker to do."""

from typing import Any

import msgspec

from chargehand.domain.build import Segment
from chargehand.domain.identifiers import BuildId, CommandId, StepId


class Origin(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where a command comes from; the worker keeps it for a master that was started again."""

    build_id: BuildId
    step_id: StepId


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command with Buildbot's names and arguments (``shell``, ``mkdir``, ``stat`` …)."""

    id: CommandId
    name: str
    arguments: dict[str, Any]
    builddir: str = ""
    """The directory below the worker's own that relative paths in the arguments start from."""
    origin: Origin | None = None
    routes: dict[str, str] = {}
    """The names of the step's logs that take the command's streams, by stream: "stdio", or the name
    of a watched file. The empty name is for text that is not kept."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one of the command's logs: "stdio", or the name of a watched log file."""

    log: str
    segment: Segment


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is not output: ``rc``, ``elapsed``, ``failure_reason``, ``stat``, ``files``."""

    key: str
    value: Any


CommandUpdate = Output | Value
