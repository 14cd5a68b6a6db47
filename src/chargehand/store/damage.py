"""Damage: what is found to be wrong in a master's database and log files."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """One value, or one file, that cannot be right."""

    table: str
    key: tuple[tuple[str, object], ...]
    column: str
    what: str
    remedy: str
    value: object = None
    """What it is mended to, unless the row is deleted."""
    is_deleted: bool = False
    is_lasting: bool = False
    """Whether nothing can mend it."""
    file: Path | None = None
    """The file to delete."""

    def __str__(self) -> str:
        key = ", ".join(f"{name} {value}" for name, value in self.key)
        return f"{self.table} ({key}): {self.column} {self.what}; repair: {self.remedy}"
