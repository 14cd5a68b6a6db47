"""Builds that a master left unfinished."""

from __future__ import annotations

from dataclasses import dataclass

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import MasterId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedBuild:
    """An interrupted build, with its incomplete steps."""

    build: Build
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """Everything that a master left unfinished in epochs before *epoch*."""

    master_id: MasterId
    master_name: str
    epoch: int
    builds: tuple[UnfinishedBuild, ...] = ()
