"""What a master left unfinished when it stopped running its builds."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import MasterId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedBuild:
    """A build that nobody runs any more, with its steps that are not complete."""

    build: Build
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """All that a master left behind in epochs before *epoch*."""

    master_id: MasterId
    master_name: str
    epoch: int
    builds: tuple[UnfinishedBuild, ...] = ()
