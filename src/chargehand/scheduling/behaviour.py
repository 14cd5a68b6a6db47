"""Interfaces of schedulers' kinds, and the overrides of users' classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling.buildsets import Buildsets, SchedulerBuildsets
from chargehand.scheduling.change_feed import ChangeFeed
from chargehand.scheduling.memory import Memory
from chargehand.scheduling.submitting import SchedulerServices, Targets


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of one scheduler's behaviour."""

    name: str
    id: SchedulerId
    feed: ChangeFeed
    buildsets: Buildsets
    memory: Memory
    services: SchedulerServices
    is_enabled: Callable[[], bool] = lambda: True
    """Returns whether the scheduler is switched on."""


class Behaviour(Protocol):
    """The behaviour of a kind of scheduler."""

    async def activate(self) -> None:
        """Begin to work."""

    async def deactivate(self) -> None:
        """Stop; waiting changes stay in the store."""

    async def got_change(self, change: Change, important: bool) -> None:
        """React to a change that passed the filter."""


class Extension(Protocol):
    """A user's class; delegates everything that it does not override."""

    def buildsets(self, default: SchedulerBuildsets) -> Buildsets:
        """Return the object that submits the scheduler's buildsets."""

    def behaviour(self, default: Behaviour, parts: Parts) -> Behaviour:
        """Return the scheduler's behaviour."""


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that every kind has."""

    class_name: str
    targets: Targets
    extension: Extension | None = None
    waits_for: str | None = None
    """What makes it submit buildsets, in words; None where only its class knows."""
    absolute_source_stamps: bool = False
    """Build codebases without a change at the newest seen revision, not the default one."""


class Settings(Protocol):
    """Settings of any kind of scheduler."""

    @property
    def common(self) -> Common:
        """Settings that every kind has."""
