"""``c['trust']``: how far changes are trusted, and what builds of less trusted ones may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.trust import TrustLevel
from chargehand.kit.values import compared_without

RULES = "c['trust']['changes']"
SCHEDULERS = "c['trust']['schedulers']"
SECRETS = "c['trust']['secrets']"
WORKERS = "c['trust']['workers']"

Patterns = tuple[str, ...]
"""Names, in which ``*`` stands for anything."""


@compared_without("matches")
class TrustRule(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that a user's filter lets pass have a level at most."""

    level: TrustLevel
    matches: Callable[[Change], bool]
    words: str
    """The filter as text, by which configurations are compared."""


class TrustConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The rules, and what builds of each level may use.

    A level without an entry of its own has that of the nearest lower level that has one. Without
    any, only trusted sources get secrets, and all builds may use all workers. What is trusted is
    only limited by an entry of its own.
    """

    is_configured: bool = False
    """Whether ``c['trust']`` is set."""
    rules: tuple[TrustRule, ...] = ()
    """The first one that matches a change decides."""
    schedulers: tuple[tuple[str, TrustLevel], ...] = ()
    """The most that buildsets of schedulers have, by patterns of their names; the lowest counts."""
    workers: dict[TrustLevel, Patterns] = {}
    secrets: dict[TrustLevel, Patterns] = {}

    def may_use_worker(self, level: TrustLevel, name: str) -> bool:
        """Return whether builds of the level may run on a worker."""
        allowed = self._allowed(self.workers, level)
        return allowed is None or _has(allowed, name)

    def may_use_secret(self, level: TrustLevel, name: str) -> bool:
        """Return whether builds of the level may have a secret."""
        allowed = self._allowed(self.secrets, level)
        if allowed is None:
            return level is TrustLevel.TRUSTED
        return _has(allowed, name)

    @staticmethod
    def _allowed(given: Mapping[TrustLevel, Patterns], level: TrustLevel) -> Patterns | None:
        if level is TrustLevel.TRUSTED:
            return given.get(level)
        below = [one for one in given if one.rank <= level.rank]
        return given[max(below, key=lambda one: one.rank)] if below else None


def _has(patterns: Patterns, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
