"""``max_lines`` of shell commands, for workers that do not know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_FIRST_VERSION = (3, 3)
"""The version of ``shell`` that has ``max_lines``; older workers take no notice of it."""


class LineLimit:
    """Counts the lines that a command writes, and calls *exceeded* once there are too many."""

    def __init__(self, most: int, exceeded: Callable[[], object]) -> None:
        self._most = most
        self._exceeded = exceeded
        self._lines = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether there were too many."""
        return self._lines > self._most

    def count(self, text: bytes) -> bool:
        """Count the lines of a piece of output; True once, when there are too many."""
        was_exceeded = self.is_exceeded
        self._lines += text.count(b"\n")
        if was_exceeded or not self.is_exceeded:
            return False
        self._exceeded()
        return True


def counted_here(
    name: str, arguments: Mapping[str, Any], commands: Mapping[str, str]
) -> int | None:
    """Return the limit of lines that the master must keep; None if there is none, or if the worker
    keeps it. *commands* are the worker's, with their versions."""
    most = arguments.get("max_lines")
    if name != "shell" or not isinstance(most, int):
        return None
    return None if _version(commands.get(name, "")) >= _FIRST_VERSION else most


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(map(str.isdecimal, parts)) else ()
