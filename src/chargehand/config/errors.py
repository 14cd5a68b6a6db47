"""Errors of a configuration: collected, with file and line, and shown together."""

from __future__ import annotations

import msgspec


class ConfigError(msgspec.Struct, frozen=True):
    """One error, with its place, and what to do about it."""

    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return where + self.message


class ConfigErrors(Exception):
    """The configuration is invalid; ``errors`` lists all problems."""

    def __init__(self, errors: list[ConfigError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors
