"""Schedulers whose behaviour is a class of the user's."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling.scheduler import Common, Scheduler
from chargehand.scheduling.submitting import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of a scheduler that does everything by its overrides."""

    common: Common


class Custom(Scheduler):
    """Does nothing by itself; the user's class asks for changes and submits buildsets."""

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        settings: Settings,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(
            name=name,
            scheduler_id=scheduler_id,
            common=settings.common,
            surroundings=surroundings,
        )
