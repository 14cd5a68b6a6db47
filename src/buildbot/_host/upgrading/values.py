"""What comes of an upgrade."""

from __future__ import annotations

from dataclasses import dataclass


class CannotUpgrade(Exception):
    """A file cannot be upgraded; the message says which, and why."""


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """Something that is left to the author: its line in the old text, and what to do."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A source as it is to be, and what is left to its author."""

    text: str
    remarks: tuple[Remark, ...] = ()
