"""How far the sources of a build are trusted: the levels, and what is said of changes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class TrustLevel(StrEnum):
    """How far sources are trusted, the lowest level first."""

    UNTRUSTED = "untrusted"
    """Anybody may have written it: a fork, a pull request."""
    REVIEWED = "reviewed"
    """Written by anybody, and looked at by somebody who is trusted."""
    TRUSTED = "trusted"
    """Written by somebody who is trusted: the default."""

    @property
    def rank(self) -> int:
        """Its place in the order; a higher level has more rights."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(TrustLevel)}
LEVELS = ", ".join(f'"{level}"' for level in TrustLevel)
"""The names of the levels, for texts."""


class UnknownLevel(ValueError):
    """What was given is not a level; the message lists those that exist."""


class Judgement(msgspec.Struct, frozen=True):
    """A level, and why it is not higher."""

    level: TrustLevel
    reason: str | None = None


FULL = Judgement(TrustLevel.TRUSTED)
"""What holds where nothing says otherwise."""


def level_from(given: object) -> TrustLevel:
    """Return the level with that name. Raises UnknownLevel."""
    try:
        return TrustLevel(str(given))
    except ValueError:
        raise UnknownLevel(f"trust must be one of {LEVELS}, not {given!r}") from None


def trust_of(stored: object) -> TrustLevel:
    """Return the level of a row; a damaged one trusts nobody."""
    try:
        return TrustLevel(str(stored))
    except ValueError:
        return TrustLevel.UNTRUSTED


def lowest(judgements: Iterable[Judgement]) -> Judgement:
    """Return the lowest one, the first of several: no judgement raises another one."""
    return min(judgements, key=lambda one: one.level.rank, default=FULL)
