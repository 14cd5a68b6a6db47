"""Decides about interrupted builds; the store carries out the decisions."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

import msgspec

from chargehand.domain.unfinished import LeftBehind, UnfinishedBuild


class Cause(Enum):
    """Why the builds were interrupted."""

    KILLED = "killed"
    """The master was killed and restarted."""
    SILENT = "silent"
    """The master's heartbeat stopped; another master takes over."""
    STOPPED = "stopped"
    """The master stopped cleanly, but could not record the result."""


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """The build ends as RETRY, and its requests are returned to the queue."""

    unfinished: UnfinishedBuild
    why: str


Outcome = Retry
"""The outcome of a build; the store matches on its type."""


def outcomes_of(left: LeftBehind, cause: Cause) -> list[Outcome]:
    """Decide about each interrupted build."""
    return [_outcome_of(one, left.master_name, cause) for one in left.builds]


def _outcome_of(unfinished: UnfinishedBuild, master_name: str, cause: Cause) -> Outcome:
    happened = _what_happened(master_name, cause)
    running = [step for step in unfinished.steps if step.started_at is not None]
    during = f' during "{running[-1].name}"' if running else ""
    return Retry(unfinished=unfinished, why=f"{happened}{during}; retrying")


def _what_happened(master_name: str, cause: Cause) -> str:
    match cause:
        case Cause.KILLED:
            return "the master was killed"
        case Cause.SILENT:
            return f'master "{master_name}" stopped responding'
        case Cause.STOPPED:
            return "the master stopped before it could record the result"
        case _:
            assert_never(cause)
