"""What the data API raises."""

from __future__ import annotations

__all__ = [
    "DataException",
    "InvalidActionException",
    "InvalidControlException",
    "InvalidOptionError",
    "InvalidPathError",
    "InvalidQueryParameter",
]


class DataException(Exception):
    """The base of them."""


class InvalidPathError(DataException, LookupError):
    """There is no such path."""


class InvalidControlException(DataException, ValueError):
    """The order is not known there, or was refused."""


InvalidActionException = InvalidControlException


class InvalidQueryParameter(DataException):
    """A filter or field is not valid."""


class InvalidOptionError(DataException):
    """An option is not valid."""
