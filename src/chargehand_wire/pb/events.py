"""What the other side of a connection does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Called(NamedTuple):
    """The other side calls one of our objects.

    A tuple, which takes a quarter of the time to make: most of what workers send are calls.
    """

    number: int
    """To be given with the answer."""
    target: int | str
    """The number of the object, or its name: "root"."""
    method: str
    arguments: tuple[object, ...]
    keywords: Mapping[str, object]
    needs_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A call of ours has returned."""

    number: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call of ours has failed."""

    number: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The other side has forgotten one of our objects."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception of the other side."""

    kind: str
    text: str
    traceback: str = ""

    @property
    def name(self) -> str:
        """The name of its class, without the module."""
        return self.kind.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


Event = Called | Answered | Failed | Released
