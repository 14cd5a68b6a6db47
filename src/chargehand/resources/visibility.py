"""What somebody sees: part of every question about resources, and of every key of a cache."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Choice:
    """Some names: those in ``names``, or where ``is_exclusion``, all but those."""

    names: frozenset[str] = frozenset()
    is_exclusion: bool = True

    @property
    def is_everything(self) -> bool:
        """Whether every name is chosen."""
        return self.is_exclusion and not self.names

    def has(self, name: str) -> bool:
        """Return whether *name* is chosen."""
        return (name in self.names) is not self.is_exclusion


ALL = Choice()


def only(*names: str) -> Choice:
    """Choose these names."""
    return Choice(frozenset(names), is_exclusion=False)


def all_but(*names: str) -> Choice:
    """Choose all names but these."""
    return Choice(frozenset(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Which builders and workers somebody sees; what belongs to a builder follows it.

    A builder is seen when its name, its project and its tags are chosen: ``only`` asks for one of
    the tags, ``all_but`` for none of them; a builder without a project has the project ``""``.
    """

    builders: Choice = ALL
    projects: Choice = ALL
    tags: Choice = ALL
    workers: Choice = ALL
    key: str = field(init=False, compare=False, repr=False, default="")
    """Equal for equal visibilities: what is kept for them is found by it."""

    def __post_init__(self) -> None:
        parts = (self.builders, self.projects, self.tags, self.workers)
        described = [(sorted(part.names), part.is_exclusion) for part in parts]
        object.__setattr__(self, "key", repr(described))

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.workers.is_everything and self.every_builder

    @property
    def every_builder(self) -> bool:
        """Whether no builder is hidden."""
        return all(one.is_everything for one in (self.builders, self.projects, self.tags))


EVERYTHING = Visibility()
