"""What a build's sentence says of its steps."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chargehand.domain.result import Result
from chargehand.domain.user import has_reason
from chargehand.execution.stop import Stop
from chargehand.kit.durations import duration

_LONGEST_LIST = 10

_WORDS = {
    Result.SUCCESS: "build successful",
    Result.WARNINGS: "warnings",
    Result.FAILURE: "failed",
    Result.SKIPPED: "build skipped",
}


class BuildPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a step contributes to the sentence of its build."""

    words: str
    """Its summary for the build, as Buildbot composes it."""
    named: str
    """The same where something went wrong: the step's name, and how it ended if that is special."""
    exit_code: int | None = None
    """Said where the step is the only one."""

    @classmethod
    def of_step(cls, name: str, words: str, detail: str, exit_code: int | None) -> BuildPart:
        """Return the part of a step that has no words of its own for the build."""
        named = f"{name} ({detail})" if detail else name
        return cls(words=words, named=named, exit_code=None if detail else exit_code)


def build_sentence(result: Result, parts: Sequence[BuildPart], *, error: str | None = None) -> str:
    """Return the build's state sentence: its result and its steps; or the *error* that ended it."""
    if error is not None:
        return error
    if result in (Result.SUCCESS, Result.SKIPPED):
        return " ".join([_WORDS[result], *(part.words for part in parts if part.words)])
    if not parts:
        return _WORDS.get(result, f"build {result.word}")
    return f"{_WORDS.get(result, result.word)}: {_listed(parts)}"


def sentence_so_far(result: Result, parts: Sequence[BuildPart]) -> str:
    """Return the sentence of a build that still runs."""
    if result in (Result.SUCCESS, Result.SKIPPED):
        return " ".join(part.words for part in parts if part.words)
    return build_sentence(result, parts)


def stopped_sentence(result: Result, stop: Stop, step_name: str | None, seconds: float) -> str:
    """Return the sentence of a build that was ordered to end after *seconds*, while a step ran."""
    during = f' during "{step_name}"' if step_name else ""
    if stop.result is Result.RETRY:
        reason = f" ({stop.reason})" if stop.reason else ""
        after = f" after {duration(seconds)}" if seconds >= 1 else ""
        return f"{result.word}{reason}{during}{after}"
    by = f" by {stop.by}" if stop.by else ""
    reason = f": {stop.reason}" if has_reason(stop.reason) else ""
    if result is Result.CANCELLED:
        return f"cancelled{by}{during}{reason}"
    return f"{_WORDS.get(result, result.word)}: stopped{by}{during}{reason}"


def reason_that_counts(stop: Stop | None, asked_by: str | None) -> str | None:
    """Return why a build's request will be retried, if the retry counts; *asked_by* is the step
    that returned RETRY."""
    if stop is not None:
        return stop.reason if stop.counts else None
    return f'step "{asked_by}" returned RETRY'


def _listed(parts: Sequence[BuildPart]) -> str:
    if len(parts) == 1 and parts[0].exit_code is not None:
        return f"{parts[0].named} (exit {parts[0].exit_code})"
    shown = [part.named for part in parts[:_LONGEST_LIST]]
    if len(parts) > len(shown):
        shown.append(f"and {len(parts) - len(shown)} more")
    return ", ".join(shown)
