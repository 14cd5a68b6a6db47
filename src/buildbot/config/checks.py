"""Checks of arguments, for the ``checkConfig`` of plug-ins; each reports an error and goes on."""

from __future__ import annotations

from typing import Any

from buildbot._border.errors import error

__all__ = [
    "check_param_bool",
    "check_param_int",
    "check_param_length",
    "check_param_number_none",
    "check_param_str",
    "check_param_str_none",
]


def _check(value: Any, kinds: tuple[type, ...], names: str, owner: Any, name: str) -> Any:
    is_flag = isinstance(value, bool) and bool not in kinds
    if is_flag or not isinstance(value, kinds):
        error(f"{_name(owner)} argument {name} must be an instance of {names}")
    return value


def _name(owner: Any) -> str:
    return owner.__name__ if isinstance(owner, type) else str(owner)


def check_param_length(value: str, name: str, max_length: int) -> None:
    """Check that a text is not too long."""
    if len(value) > max_length:
        error(f"{name} '{value}' exceeds maximum length of {max_length}")


def check_param_str(value: Any, class_: Any, name: str) -> Any:
    """Check that it is a string."""
    return _check(value, (str,), "str", class_, name)


def check_param_str_none(value: Any, class_: Any, name: str) -> Any:
    """Check that it is a string, or None."""
    return None if value is None else _check(value, (str,), "str or None", class_, name)


def check_param_int(value: Any, class_: Any, name: str) -> Any:
    """Check that it is a whole number."""
    return _check(value, (int,), "int", class_, name)


def check_param_bool(value: Any, class_: Any, name: str) -> Any:
    """Check that it is True or False."""
    return _check(value, (bool,), "bool", class_, name)


def check_param_number_none(value: Any, class_: Any, name: str) -> Any:
    """Check that it is a number, or None."""
    return None if value is None else _check(value, (int, float), "int or float", class_, name)
