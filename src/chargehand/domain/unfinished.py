"""Builds that a master left unfinished."""

from __future__ import annotations

import msgspec

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import MasterId


class UnfinishedBuild(msgspec.Struct, frozen=True, kw_only=True):
    """An interrupted build, with its incomplete steps."""

    build: Build
    steps: tuple[Step, ...] = ()
    builder_name: str = ""


class LeftBehind(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a master left unfinished in epochs before *epoch*."""

    master_id: MasterId
    master_name: str
    epoch: int
    builds: tuple[UnfinishedBuild, ...] = ()
