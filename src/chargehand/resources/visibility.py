"""Visibility of resources for a visitor: part of every query and of every cache key."""

from __future__ import annotations

import msgspec

from chargehand.kit.values import shown_without


class Choice(msgspec.Struct, frozen=True):
    """A set of names: those in ``names``, or all others if ``is_exclusion``."""

    names: frozenset[str] = frozenset()
    is_exclusion: bool = True

    @property
    def is_everything(self) -> bool:
        """Whether every name is included."""
        return self.is_exclusion and not self.names

    def has(self, name: str) -> bool:
        """Return whether *name* is included."""
        return (name in self.names) is not self.is_exclusion

    def within(self, names: frozenset[str]) -> Choice:
        """Return what of it is among *names*."""
        left = names - self.names if self.is_exclusion else names & self.names
        return Choice(left, is_exclusion=False)


ALL = Choice()


def only(*names: str) -> Choice:
    """Include these names only."""
    return Choice(frozenset(names), is_exclusion=False)


def all_but(*names: str) -> Choice:
    """Include all names except these."""
    return Choice(frozenset(names))


@shown_without("key")
class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """The builders and workers that a visitor sees; a builder's resources follow it.

    A builder is visible if its name, project and tags are included: ``only`` needs one of the tags,
    ``all_but`` none of them; a builder without a project has the project ``""``.
    """

    builders: Choice = ALL
    projects: Choice = ALL
    tags: Choice = ALL
    workers: Choice = ALL
    closed: str = ""
    """Why nothing at all may be read: a clause for people; empty if something may."""
    key: str = ""
    """A cache key, equal for equal visibilities: made of the others, whatever is given."""

    def __post_init__(self) -> None:
        parts = (self.builders, self.projects, self.tags, self.workers)
        described = [(sorted(part.names), part.is_exclusion) for part in parts]
        msgspec.structs.force_setattr(self, "key", f"{described!r}{self.closed}")

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return not self.closed and self.workers.is_everything and self.every_builder

    @property
    def every_builder(self) -> bool:
        """Whether no builder is hidden."""
        return all(one.is_everything for one in (self.builders, self.projects, self.tags))


EVERYTHING = Visibility()
