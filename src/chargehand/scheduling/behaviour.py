"""What the kinds of schedulers are to the rest, and what users' classes may do instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chargehand.domain.change import Change
from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling.buildsets import Buildsets, SchedulerBuildsets
from chargehand.scheduling.change_feed import ChangeFeed
from chargehand.scheduling.memory import Memory
from chargehand.scheduling.submitting import SchedulerServices, Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the behaviour of one scheduler works with."""

    name: str
    id: SchedulerId
    feed: ChangeFeed
    buildsets: Buildsets
    memory: Memory
    services: SchedulerServices


class Behaviour(Protocol):
    """What a kind of scheduler does of itself."""

    async def activate(self) -> None:
        """Begin to work."""

    async def deactivate(self) -> None:
        """Stop; what waits is in the store."""

    async def got_change(self, change: Change, important: bool) -> None:
        """React to a change that passed the filter."""


class Extension(Protocol):
    """A user's class. What it does not do otherwise it leaves to what it is given."""

    def buildsets(self, default: SchedulerBuildsets) -> Buildsets:
        """Return what submits the scheduler's buildsets."""

    def behaviour(self, default: Behaviour, parts: Parts) -> Behaviour:
        """Return what the scheduler does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What the settings of every kind have."""

    class_name: str
    targets: Targets
    extension: Extension | None = None
    absolute_source_stamps: bool = False
    """Codebases without a change get the newest revision that was seen, not the default one."""


class Settings(Protocol):
    """The settings of any kind."""

    @property
    def common(self) -> Common:
        """What the settings of every kind have."""
