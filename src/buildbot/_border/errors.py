"""Collecting errors of a configuration while the user's code runs.

The collector is a context variable: a configuration may be loaded in a worker thread while another
one is in use, and each sees its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from buildbot._border.origin import Origin, Places, user_origin
from chargehand.config.errors import ConfigError, ConfigErrors
from chargehand.config.model import Warned

__all__ = ["Collector", "ConfigError", "ConfigErrors", "collecting", "error", "warn"]


NO_ARGUMENT = " has no argument "
EXCEPTION = "exception in the configuration"


class _Missing:
    """What stands for an argument that is needed and was not given, so that reading goes on."""

    def __repr__(self) -> str:
        return "<missing argument>"


MISSING = _Missing()
_NEEDED = re.compile(r"requir|specif|need|must be set|must provide|has no (?:factory|workers)")


class Collector(msgspec.Struct):
    """What was found wrong so far; ``directory`` is where the user's files are."""

    directory: str | None = None
    errors: list[ConfigError] = msgspec.field(default_factory=list)
    warnings: list[Warned] = msgspec.field(default_factory=list)
    places: Places | None = None
    """The lines of those files that have made something."""
    place: Callable[[], Origin] | None = None
    """Finds the line of what is read at the moment: whatever is said of it belongs there."""
    incomplete: list[object] = msgspec.field(default_factory=list)
    """What could not be made for want of an argument; what fails because of it is not said."""

    def add(self, message: str, origin: Origin | None = None) -> None:
        """Add an error; the same one is kept once."""
        found = ConfigError(message, *(origin or (None, None)))
        if found not in self.errors:
            self.errors.append(found)

    def merge(self, errors: ConfigErrors) -> None:
        """Add all of *errors*."""
        self.errors.extend(found for found in errors.errors if found not in self.errors)

    def warn(self, message: str, origin: Origin | None = None) -> None:
        """Add a warning; the same one is kept once."""
        file, line = origin or (None, None)
        found = Warned(message=message, file=file, line=line)
        if found not in self.warnings:
            self.warnings.append(found)

    def causes(self) -> list[ConfigError]:
        """Return the errors without those that only follow from others of the same line: of a
        misspelled argument, what was meant by it is missing; a wrong one may raise something."""
        misspelled = {(one.file, one.line) for one in self.errors if NO_ARGUMENT in one.message}
        named = {(one.file, one.line) for one in self.errors if EXCEPTION not in one.message}
        return [
            one
            for one in self.errors
            if repr(MISSING) not in one.message
            and not ((one.file, one.line) in misspelled and _NEEDED.search(one.message))
            and not ((one.file, one.line) in named and EXCEPTION in one.message)
        ]

    def raise_if_any(self) -> None:
        """Raise what was found, all of it together."""
        if self.errors:
            raise ConfigErrors(self.causes())


_collector: ContextVar[Collector | None] = ContextVar("_collector", default=None)


@contextmanager
def collecting(directory: str | None = None) -> Iterator[Collector]:
    """Within this context `error` collects instead of raising."""
    collector = Collector(directory, places=None if directory is None else Places(directory))
    token = _collector.set(collector)
    try:
        yield collector
    finally:
        _collector.reset(token)


def error(message: str, *_: Any, origin: Origin | None = None) -> None:
    """Report an error in the configuration, at the user's line that led here or at *origin*.

    While a configuration is read the error is collected, and this returns; otherwise it raises
    ConfigErrors.
    """
    collector = _collector.get()
    if collector is None:
        raise ConfigErrors([ConfigError(message, *(origin or user_origin() or (None, None)))])
    collector.add(message, origin or _place_in(collector))


def warn(message: str, *, origin: Origin | None = None) -> None:
    """Report something in the configuration that is accepted but not supported or not right, at
    the user's line that led here or at *origin*."""
    collector = _collector.get()
    if collector is not None:
        found = origin or _place_in(collector)
        collector.warn(message, found)


def is_collecting() -> bool:
    """Return whether a configuration is being read, so that `error` returns."""
    return _collector.get() is not None


def incomplete(thing: object) -> None:
    """Remember that *thing* could not be made, for a reason that has been said."""
    if (collector := _collector.get()) is not None:
        collector.incomplete.append(thing)


def is_incomplete(thing: object) -> bool:
    """Return whether *thing* could not be made, for a reason that has been said."""
    collector = _collector.get()
    return collector is not None and any(one is thing for one in (MISSING, *collector.incomplete))


def _place_in(collector: Collector) -> Origin | None:
    return collector.place() if collector.place else user_origin(collector.directory)


def current_directory() -> str | None:
    """Return the directory of the configuration that is being read, None outside of reading."""
    collector = _collector.get()
    return collector.directory if collector is not None else None


def current_places() -> Places | None:
    """Return the lines of the configuration that is being read, None outside of reading."""
    collector = _collector.get()
    return collector.places if collector is not None else None
