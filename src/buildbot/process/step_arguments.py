"""Checking the arguments of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.environment import problems_of_environment
from buildbot._border.errors import error, warn
from buildbot._border.numbers import COUNT_OR_NONE, RESULT, SECONDS_OR_NONE, check_number
from buildbot._border.rendering import is_constant
from buildbot.locks import lock_accesses

Check = Callable[[Any, str, str], None]


def check_bool(value: Any, where: str, name: str) -> None:
    """Report a value that is neither a bool nor a renderable."""
    _check(value, where, name, (bool,), "True or False")


def check_text(value: Any, where: str, name: str) -> None:
    """Report a value that is neither text nor a renderable."""
    _check(value, where, name, (str,), "a string")


def check_text_or_none(value: Any, where: str, name: str) -> None:
    """Report a value that is neither text, None, nor a renderable."""
    _check(value, where, name, (str, type(None)), "a string or None")


def check_seconds_or_none(value: Any, where: str, name: str) -> None:
    """Report a value that is neither a limit of time, None, nor a renderable."""
    check_number(where, name, value, SECONDS_OR_NONE)


def check_count_or_none(value: Any, where: str, name: str) -> None:
    """Report a value that is neither a limit of a count, None, nor a renderable."""
    check_number(where, name, value, COUNT_OR_NONE)


def check_results_of_codes(value: Any, where: str, name: str) -> None:
    """Report a value that is neither results by exit code nor a renderable."""
    if not is_constant(value):
        return
    if not isinstance(value, dict) or not all(isinstance(code, int) for code in value):
        error(f"{where}: {name} must be a dictionary with exit codes as keys, not {value!r}")
        return
    for code, result in value.items():
        check_number(where, f"{name}: the result for exit code {code}", result, RESULT)


def check_any(value: Any, where: str, name: str) -> None:
    """Accept any value."""


def _check(value: Any, where: str, name: str, kinds: tuple[type, ...], words: str) -> None:
    if not isinstance(value, kinds) and is_constant(value):
        error(f"{where}: {name} must be {words}, not {value!r}")


def check_locks(value: Any, where: str, name: str) -> None:
    """Report a list with something else than lock accesses."""
    if value is not None and is_constant(value):
        try:
            lock_accesses(value)
        except TypeError as wrong:
            error(f"{where}: {wrong}")


def check_environment(value: Any, where: str, name: str) -> None:
    """Report variables that no program can be given."""
    for problem in problems_of_environment(value):
        error(f"{where}: {problem}")


def check_old_function(value: Any, where: str, name: str) -> None:
    """Report an argument of earlier Buildbot versions that is accepted."""
    if value is not None:
        warn(f'{where}: argument "{name}" was removed from Buildbot; use decodeRC, or define run()')


STEP_ARGUMENTS: dict[str, Check] = {
    "alwaysRun": check_bool,
    "description": check_any,
    "descriptionDone": check_any,
    "descriptionSuffix": check_any,
    "doStepIf": check_any,
    "flunkOnFailure": check_bool,
    "flunkOnWarnings": check_bool,
    "haltOnFailure": check_bool,
    "updateBuildSummaryPolicy": check_any,
    "hideStepIf": check_any,
    "locks": check_locks,
    "log_eval_func": check_old_function,
    "logEncoding": check_any,
    "name": check_text,
    "progressMetrics": check_any,
    "useProgress": check_bool,
    "warnOnFailure": check_bool,
    "warnOnWarnings": check_bool,
    "workdir": check_text_or_none,
}
"""The arguments of every step, and their checks."""
