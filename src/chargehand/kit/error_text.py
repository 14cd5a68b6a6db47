"""What exceptions say. Those of users' code may say it wrongly, or fail to say it."""

from __future__ import annotations

from contextlib import suppress


def message_of(error: BaseException) -> str:
    """Return what an exception says, as text that can be stored and sent."""
    text = "(its message cannot be read: __str__ failed)"
    with suppress(BaseException):  # ``__str__`` is users' code, too
        text = str(error)
    return text.encode("utf-8", "backslashreplace").decode()


def reason_of(error: OSError) -> str:
    """Return what the operating system refused, and of which file: without its number."""
    if not error.strerror:
        return message_of(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


class StandIn(Exception):
    """Stands for ``raised``, an exception that must not go further as what it is."""

    raised: BaseException


def raised_by(error: BaseException) -> BaseException:
    """Return what was raised at first: the exception itself, or what a `StandIn` stands for."""
    return error.raised if isinstance(error, StandIn) else error


def headline_of(error: BaseException) -> str:
    """Return what a traceback ends with: class and message; of a `StandIn` the other's."""
    error = raised_by(error)
    return f"{type(error).__name__}: {message_of(error)}".removesuffix(": ")
