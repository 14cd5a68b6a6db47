"""Schedulers whose jobs come over the network, to something that listens outside of the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from chargehand.domain.change import Change
from chargehand.scheduling.behaviour import Common, Parts


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a scheduler that listens."""

    common: Common
    begin: Callable[[], Awaitable[None]]
    """Listens; what comes is submitted with the scheduler's own methods."""
    end: Callable[[], Awaitable[None]]
    """Listens no more."""


class Listening:
    """Listens as long as the scheduler is active."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings

    async def activate(self) -> None:
        """Begin to listen."""
        await self._settings.begin()

    async def deactivate(self) -> None:
        """Stop listening."""
        await self._settings.end()

    async def got_change(self, change: Change, important: bool) -> None:
        """Do nothing: jobs are no changes."""
