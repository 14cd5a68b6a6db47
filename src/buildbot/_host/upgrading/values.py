"""What comes of an upgrade."""

from __future__ import annotations

import msgspec


class CannotUpgrade(Exception):
    """A file cannot be upgraded; the message says which, and why."""


class Remark(msgspec.Struct, frozen=True, order=True):
    """Something that is left to the author: its line in the old text, and what to do."""

    line: int
    text: str


class Upgraded(msgspec.Struct, frozen=True):
    """A source as it is to be, and what is left to its author."""

    text: str
    remarks: tuple[Remark, ...] = ()
