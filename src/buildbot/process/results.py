"""What came of a step, build or buildset: numbers, words, and which of two is worse."""

from __future__ import annotations

from typing import Any

ALL_RESULTS = list(range(7))
SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED = ALL_RESULTS
Results = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"]
_PLURALS = [
    "successes",
    "warnings",
    "failures",
    "skipped",
    "exceptions",
    "retries",
    "cancelled",
]

_SEVERITY = (SKIPPED, SUCCESS, WARNINGS, FAILURE, EXCEPTION, RETRY, CANCELLED)


def statusToString(status: int | None, count: int = 1) -> str:
    """Return the lower-case English word for a result; None is "not finished"."""
    if status is None:
        return "not finished"
    if status < 0 or status >= len(Results):
        return "Invalid status"
    if count > 1:
        return _PLURALS[status]
    return Results[status]


def worst_status(a: int, b: int) -> int:
    """Return the worse of two results, in the manual's order of severity."""
    return max(a, b, key=_SEVERITY.index)


def computeResultAndTermination(obj: Any, result: int, previousResult: int) -> tuple[int, bool]:
    """Return what the build's result becomes after a step, and whether the build halts.

    *obj* has the step's flags (``haltOnFailure``, ``flunkOnWarnings`` …).
    """
    possible = result
    terminate = False
    if result == WARNINGS:
        if not obj.warnOnWarnings:
            possible = SUCCESS
        if obj.flunkOnWarnings:
            possible = FAILURE
    elif result == FAILURE:
        possible = FAILURE if obj.flunkOnFailure else WARNINGS if obj.warnOnFailure else SUCCESS
        terminate = bool(obj.haltOnFailure)
    elif result in (EXCEPTION, RETRY, CANCELLED):
        terminate = True
    return worst_status(previousResult, possible), terminate


class ResultComputingConfigMixin:
    """The flags that say how a result bears on what contains it."""

    haltOnFailure = False
    flunkOnWarnings = False
    flunkOnFailure = True
    warnOnWarnings = False
    warnOnFailure = False

    resultConfig = [
        "haltOnFailure",
        "flunkOnWarnings",
        "flunkOnFailure",
        "warnOnWarnings",
        "warnOnFailure",
    ]
