"""Where objects of a configuration were made, for the errors of their code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from buildbot._border.errors import current_places
from buildbot._border.origin import Origin
from chargehand.kit.error_text import raised_by

P = ParamSpec("P")
T = TypeVar("T")


def place_of_making(thing: object) -> Origin | None:
    """Return the line of the configuration that makes *thing* now; None unless one is read.

    To be called by its ``__init__``; those of subclasses are passed over.
    """
    places = current_places()
    return None if places is None else places.of(sys._getframe(2), thing)


def place_of_new() -> Origin | None:
    """Do the same while ``__new__`` runs: no constructor has to be passed over."""
    places = current_places()
    return None if places is None else places.of(sys._getframe(2))


class Placed:
    """Remembers which line of the configuration made it."""

    _made_at: Origin | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._made_at = place_of_new()
        return made


class Making:
    """A context that notes on exceptions which line of the configuration made *thing*."""

    __slots__ = ("_thing",)

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            note_making(error, self._thing)


def note_making(error: Exception, thing: Any) -> None:
    """Note on *error* which line of the configuration made *thing*, once and if that is known."""
    origin = getattr(thing, "_made_at", None)
    if not isinstance(origin, Origin):
        return
    raised = raised_by(error)
    note = f"({type(thing).__name__} was created at {origin.file}:{origin.line})"
    if note not in getattr(raised, "__notes__", ()):
        raised.add_note(note)


def placed(function: Callable[P, T], thing: Any) -> Callable[P, T]:
    """Return a function that does the same, and notes on errors which line made *thing*."""

    def call(*args: P.args, **keywords: P.kwargs) -> T:
        with Making(thing):
            return function(*args, **keywords)

    return call
