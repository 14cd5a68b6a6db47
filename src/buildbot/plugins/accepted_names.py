"""How an accepted name is written down."""

from __future__ import annotations

from typing import NamedTuple


class Accepted(NamedTuple):
    """One name: its kind, and its arguments in order, separated by blanks; ``*`` is any others."""

    kind: str
    arguments: tuple[str, ...]


def names_of(kind: str, **names: str) -> dict[str, Accepted]:
    """Return names of one kind, each with its arguments as one text."""
    return {name: Accepted(kind, tuple(arguments.split())) for name, arguments in names.items()}
