"""Parameters of control methods: each is validated against its declared type first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from chargehand.domain.orders import InvalidParameters, text_error
from chargehand.domain.result import Result

Parameters = dict[str, object]
"""Parameters of a control method, as decoded from JSON."""

_DIGITS = re.compile(r"[+-]?[0-9]{1,18}\Z", re.ASCII)
_LARGEST = 2**31 - 1
"""The largest integer that every supported database can store."""


def text(value: object) -> str:
    """Return a string. Raises ValueError."""
    if not isinstance(value, str) or (wrong := text_error(value)) is not None:
        raise ValueError("must be a string" if not isinstance(value, str) else wrong)
    return value


def integer(value: object) -> int:
    """Return an integer; strings of digits are converted. Raises ValueError."""
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be an integer")
    if abs(value) > _LARGEST:
        raise ValueError(f"must be an integer from {-_LARGEST} to {_LARGEST}")
    return value


def boolean(value: object) -> bool:
    """Return true or false. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def result(value: object) -> Result:
    """Return a result. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value in set(Result):
        return Result(value)
    raise ValueError("must be a result, 0 to 6")


def names(value: object) -> list[str]:
    """Return a list of strings; a single string becomes a list of one. Raises ValueError."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError("must be a string or a list of strings")
    return [text(name) for name in value]


Check = Callable[[object], object]

Declared = Mapping[str, Check]
"""The validator of each parameter."""

_REQUIRED = {"priority", "enabled"}


def checked(declared: Declared, given: Parameters) -> Parameters:
    """Return the validated parameters; null means not given. Raises InvalidParameters.

    Unknown parameters are passed through: the fields of a force form declare them.
    """
    found = {name: value for name, value in given.items() if name not in declared}
    errors: dict[str, str] = {}
    for name, check in declared.items():
        value = given.get(name)
        if value is None and name not in _REQUIRED:
            continue
        try:
            found[name] = check(value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise InvalidParameters(errors)
    return found
