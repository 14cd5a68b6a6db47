"""A command: what a step asks a worker to do."""

from typing import Any

import msgspec

from chargehand.domain.build import Segment
from chargehand.domain.identifiers import CommandId


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command with Buildbot's names and arguments (``shell``, ``mkdir``, ``stat`` …)."""

    id: CommandId
    name: str
    arguments: dict[str, Any]
    builddir: str = ""
    """The directory below the worker's own that relative paths in the arguments start from."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one of the command's logs: "stdio", or the name of a watched log file."""

    log: str
    segment: Segment


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is not output: ``rc``, ``elapsed``, ``failure_reason``, ``stat``, ``files``."""

    key: str
    value: Any


CommandUpdate = Output | Value
