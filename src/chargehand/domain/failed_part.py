"""A part of the master that could not be started, while the rest runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from chargehand.kit.error_text import message_of, raised_by


class FailedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduler, change source, service, or worker of the configuration that does not run."""

    kind: str
    """What it is: ``scheduler``, ``change source``, ``service``, ``worker``."""
    name: str
    """Its name in the configuration."""
    reason: str
    """Why it could not be started, in one line."""

    @property
    def sentence(self) -> str:
        """What is wrong, for people."""
        return f"{self.kind} {self.name} is not running: {self.reason}"


class HasFailedParts(Protocol):
    """A stage that knows which of its parts could not be started."""

    @property
    def failed_parts(self) -> Sequence[FailedPart]:
        """The parts of the active configuration that do not run, by name."""


def reason_of(error: BaseException) -> str:
    """Return why, in one line; names the kind of exception where its text alone may say little.

    The traceback is in the master's log.
    """
    error = raised_by(error)
    text = " ".join(message_of(error).split())
    if isinstance(error, OSError) and text:
        return text
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind
