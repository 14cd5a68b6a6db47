"""Schedulers implemented by users' classes."""

from __future__ import annotations

import msgspec

from chargehand.domain.change import Change
from chargehand.scheduling.behaviour import Common, Parts


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a scheduler that consists of overrides only."""

    common: Common


class Custom:
    """Has no behaviour of its own; the user's class subscribes to changes and submits buildsets."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        pass

    async def activate(self) -> None:
        """Do nothing."""

    async def deactivate(self) -> None:
        """Do nothing."""

    async def got_change(self, change: Change, important: bool) -> None:
        """Do nothing: the user's class handles changes."""
