"""What is said of values besides their fields.

Values are `msgspec.Struct`s: a class takes a fiftieth of the time that a dataclass takes when its
module is imported, and a command imports more than a hundred of them.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from dataclasses import replace  # It does the same; the names and types given are checked.
else:
    from msgspec.structs import replace

__all__ = ["compared_names", "compared_without", "replace", "shown_without"]

S = TypeVar("S", bound=msgspec.Struct)


def compared_without(*names: str) -> Callable[[type[S]], type[S]]:
    """Make values of a class equal whatever these fields hold: functions, as a rule, which differ
    each time the configuration is read."""

    def without(kind: type[S]) -> type[S]:
        compared = tuple(name for name in kind.__struct_fields__ if name not in names)
        of = attrgetter(*compared) if compared else lambda _: ()

        def equals(self: S, other: object) -> object:
            if type(other) is not type(self):
                return NotImplemented
            return of(self) == of(other)

        _set(kind, __compared__=compared, __eq__=equals, __hash__=lambda self: hash(of(self)))
        return kind

    return without


def compared_names(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields by which values of a class are compared."""
    names: tuple[str, ...] = getattr(kind, "__compared__", kind.__struct_fields__)
    return names


def shown_without(*names: str) -> Callable[[type[S]], type[S]]:
    """Leave these fields out where values of a class are shown: what they hold is secret."""

    def without(kind: type[S]) -> type[S]:
        shown = [name for name in kind.__struct_fields__ if name not in names]

        def text(self: S) -> str:
            parts = (f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{kind.__name__}({', '.join(parts)})"

        _set(kind, __repr__=text, __rich_repr__=lambda self: ((n, getattr(self, n)) for n in shown))
        return kind

    return without


def _set(kind: type[object], **attributes: object) -> None:
    for name, value in attributes.items():
        setattr(kind, name, value)
