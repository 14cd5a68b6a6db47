"""Schedulers whose behaviour is a class of the user's."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.change import Change
from chargehand.scheduling.behaviour import Common, Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of a scheduler that does everything by its overrides."""

    common: Common


class Custom:
    """Does nothing by itself; the user's class asks for changes and submits buildsets."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        pass

    async def activate(self) -> None:
        """Nothing is to be begun."""

    async def deactivate(self) -> None:
        """Nothing is to be stopped."""

    async def got_change(self, change: Change, important: bool) -> None:
        """The user's class does with it what it likes."""
