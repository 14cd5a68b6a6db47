"""Making buildsets: what each scheduler submits, and with which properties."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chargehand.config.model import Hook
from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuildId, ChangeId, SchedulerId, SourceStampId
from chargehand.domain.properties import Property, merged
from chargehand.domain.source_stamp import SourceStamp
from chargehand.kit.clock import Clock
from chargehand.kit.tasks import Tasks
from chargehand.scheduling.ports import (
    BuilderDirectory,
    BuildsetStore,
    ChangeStore,
    SchedulerStore,
    StateStore,
)
from chargehand.scheduling.rules import Codebase, by_codebase, change_properties

Stamp = SourceStamp | SourceStampId

SCHEDULER_SOURCE = "Scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A buildset before users' renderables and functions have been asked."""

    properties: dict[str, Property]
    builder_names: Any
    """A sequence of names, or what the configuration has instead, for ``render``."""
    stamps: tuple[Stamp, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a scheduler's buildsets have in common.

    Hooks are None when not needed: ``render(Draft) -> Draft`` makes plain values of renderables,
    ``priority_of([builder names], {codebase: [Change]}) -> int``.
    """

    builder_names: Any
    codebases: Mapping[str, Codebase] = field(default_factory=lambda: {"": Codebase()})
    properties: Mapping[str, Property] = field(default_factory=dict)
    priority: int = 0
    priority_of: Hook | None = None
    render: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one buildset has that the scheduler's others have not; None: the scheduler's own."""

    reason: str
    properties: Mapping[str, Property] = field(default_factory=dict)
    builder_names: Any = None
    priority: int | None = None
    external_id: str | None = None
    waited_for: bool = False
    parent_build_id: BuildId | None = None
    parent_relationship: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every scheduler is given."""

    buildsets: BuildsetStore
    schedulers: SchedulerStore
    changes: ChangeStore
    state: StateStore
    builders: BuilderDirectory
    clock: Clock
    tasks: Tasks


class Submitter:
    """Makes and submits the buildsets of one scheduler."""

    def __init__(
        self,
        *,
        scheduler: str,
        scheduler_id: SchedulerId,
        targets: Targets,
        surroundings: Surroundings,
    ) -> None:
        self._scheduler = scheduler
        self._scheduler_id = scheduler_id
        self._targets = targets
        self._given = surroundings

    async def submit(
        self,
        wish: Wish,
        stamps: Sequence[Stamp],
        changes: Sequence[Change] = (),
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset:
        """Submit a buildset; in the same transaction the *settled* changes stop waiting."""
        buildset = await self._buildset(wish, tuple(stamps), tuple(changes))
        if settled:
            return await self._given.schedulers.submit_and_flush(
                self._scheduler_id, buildset, settled
            )
        return await self._given.buildsets.submit(buildset)

    async def _buildset(
        self, wish: Wish, stamps: tuple[Stamp, ...], changes: tuple[Change, ...]
    ) -> NewBuildset:
        draft = await self._draft(wish, stamps, changes)
        names = tuple(draft.builder_names)
        builder_ids = self._given.builders.ids(names)
        return NewBuildset(
            builder_ids=builder_ids,
            source_stamps=draft.stamps,
            reason=wish.reason,
            scheduler=self._scheduler,
            properties=draft.properties,
            external_id=wish.external_id,
            parent_build_id=wish.parent_build_id,
            parent_relationship=wish.parent_relationship,
            waited_for=wish.waited_for,
            priority=await self._priority(wish, names, changes),
        )

    async def _draft(
        self, wish: Wish, stamps: tuple[Stamp, ...], changes: tuple[Change, ...]
    ) -> Draft:
        targets = self._targets
        draft = Draft(
            properties=merged(
                targets.properties,
                wish.properties,
                change_properties(changes),
                {"scheduler": (self._scheduler, SCHEDULER_SOURCE)},
            ),
            builder_names=targets.builder_names
            if wish.builder_names is None
            else wish.builder_names,
            stamps=stamps,
            changes=changes,
        )
        if targets.render is None:
            return draft
        rendered = await targets.render(draft)
        return dataclasses.replace(
            draft, properties=rendered.properties, builder_names=rendered.builder_names
        )

    async def _priority(
        self, wish: Wish, names: tuple[str, ...], changes: tuple[Change, ...]
    ) -> int:
        if wish.priority is not None:
            return wish.priority
        if self._targets.priority_of is not None:
            return int(await self._targets.priority_of(list(names), by_codebase(changes)))
        return self._targets.priority
