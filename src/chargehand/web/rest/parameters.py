"""Parameters of orders: each is checked against its declared type before anything is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from chargehand.domain.orders import InvalidParameters, text_error
from chargehand.domain.result import Result

Parameters = dict[str, object]
"""Of an order, as JSON has them."""

_DIGITS = re.compile(r"[+-]?[0-9]{1,18}\Z", re.ASCII)
_LARGEST = 2**31 - 1
"""What fits into the integers of every database."""


def text(value: object) -> str:
    """Return a string. Raises ValueError."""
    if not isinstance(value, str) or (wrong := text_error(value)) is not None:
        raise ValueError("must be a string" if not isinstance(value, str) else wrong)
    return value


def integer(value: object) -> int:
    """Return an integer, or the one that a string is made of. Raises ValueError."""
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
    """Return a list of strings; a string alone is one. Raises ValueError."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError("must be a string or a list of strings")
    return [text(name) for name in value]


Check = Callable[[object], object]

Declared = Mapping[str, Check]
"""How each parameter of an order is checked."""

_REQUIRED = {"priority", "enabled"}


def checked(declared: Declared, given: Parameters) -> Parameters:
    """Return the parameters as declared; null is as good as none. Raises InvalidParameters.

    Others stay as they are: a form declares further ones by its fields.
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
