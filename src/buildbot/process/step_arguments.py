"""Checking the arguments of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot._border.errors import error
from buildbot._border.rendering import is_constant

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


def check_number_or_none(value: Any, where: str, name: str) -> None:
    """Report a value that is neither a number, None, nor a renderable."""
    _check(value, where, name, (int, float, type(None)), "a number or None")


def check_int_or_none(value: Any, where: str, name: str) -> None:
    """Report a value that is neither an int, None, nor a renderable."""
    _check(value, where, name, (int, type(None)), "an integer or None")


def check_any(value: Any, where: str, name: str) -> None:
    """Accept any value."""


def _check(value: Any, where: str, name: str, kinds: tuple[type, ...], words: str) -> None:
    if not isinstance(value, kinds) and is_constant(value):
        error(f"{where}: {name} must be {words}, not {value!r}")


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
    "locks": check_any,
    "logEncoding": check_any,
    "name": check_text,
    "progressMetrics": check_any,
    "useProgress": check_bool,
    "warnOnFailure": check_bool,
    "warnOnWarnings": check_bool,
    "workdir": check_text_or_none,
}
"""The arguments of every step, and their checks."""
