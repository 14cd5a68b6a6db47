"""The difference between two configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from chargehand.config.changed_part import changed_part
from chargehand.config.model import MasterConfig
from chargehand.kit.values import compared_names

_TOLD = 5
"""How many of a list's changed members are named with what has changed."""
_LISTS = ("builders", "workers", "schedulers", "change_sources", "services", "projects")
_COMPARED = tuple(name for name in compared_names(MasterConfig) if name not in _LISTS)


class _Named(Protocol):
    """An element of one of the configuration's lists."""

    @property
    def name(self) -> str:
        """The name, unique in the list."""


class ListDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of one list, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: int = 0
    parts: tuple[str, ...] = ()
    """Which part of the first that changed is another, empty where that cannot be told."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def summary(self) -> str:
        """Return a short summary: ``+1 -0 ~2``, and what has changed of whom."""
        count = f"+{len(self.added)} -{len(self.removed)} ~{len(self.changed)}"
        if not self.changed:
            return count
        told = [
            f'"{name}": {part}' if part else f'"{name}"'
            for name, part in zip(self.changed, self.parts, strict=False)
        ]
        if more := len(self.changed) - len(told):
            told.append(f"{more} more")
        return f"{count} ({', '.join(told)})" if self.parts else count


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How a new configuration differs from the old one."""

    builders: ListDifference
    workers: ListDifference
    schedulers: ListDifference
    change_sources: ListDifference
    services: ListDifference
    projects: ListDifference
    settings: tuple[str, ...]
    """Names of other fields of MasterConfig that changed."""

    def __bool__(self) -> bool:
        return bool(self.settings) or any(getattr(self, name) for name in _LISTS)

    def summary(self) -> str:
        """Return a summary of the changes for people."""
        parts = [
            f"{_words(name)}: {found.summary()}"
            for name in _LISTS
            if (found := getattr(self, name))
        ]
        if self.settings:
            parts.append(f"settings: {', '.join(map(_words, self.settings))}")
        if not parts:
            return "nothing changed"
        unchanged = sum(getattr(self, name).unchanged for name in _LISTS)
        return f"{', '.join(parts)}; {unchanged:,} unchanged"


def difference(old: MasterConfig, new: MasterConfig) -> Difference:
    """Compare two configurations. May take long: thousands of builders are compared in depth."""
    return Difference(
        **{name: _compare(getattr(old, name), getattr(new, name)) for name in _LISTS},
        settings=tuple(name for name in _COMPARED if getattr(old, name) != getattr(new, name)),
    )


def _compare(old: Sequence[_Named], new: Sequence[_Named]) -> ListDifference:
    if old is new:
        return ListDifference(unchanged=len(new))
    before = {item.name: item for item in old}
    added, changed, unchanged = [], [], 0
    parts: list[str] = []
    for item in new:
        previous = before.pop(item.name, None)
        if previous is None:
            added.append(item.name)
        elif previous is item or previous == item:
            unchanged += 1
        else:
            changed.append(item.name)
            if len(parts) < _TOLD:
                parts.append(changed_part(previous, item))
    return ListDifference(
        added=tuple(added),
        removed=tuple(before),
        changed=tuple(changed),
        unchanged=unchanged,
        parts=tuple(parts),
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
