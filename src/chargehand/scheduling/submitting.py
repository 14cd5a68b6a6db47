"""Creates and submits schedulers' buildsets, with their properties."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuildId, ChangeId, SchedulerId, SourceStampId
from chargehand.domain.properties import Property, merged
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_stamp import SourceStamp
from chargehand.domain.trust import FULL, Judgement, TrustLevel, lowest
from chargehand.events.bus import Bus
from chargehand.kit.clock import Clock
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks
from chargehand.scheduling.ports import (
    BuilderDirectory,
    BuildsetStore,
    ChangeStore,
    SchedulerStore,
    SourceTrust,
    StateStore,
)
from chargehand.scheduling.rules import Codebase, by_codebase, change_properties

Stamp = SourceStamp | SourceStampId

SCHEDULER_SOURCE = "Scheduler"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A buildset before users' renderables and functions are evaluated."""

    properties: dict[str, Property]
    builder_names: Sequence[str] | None
    """None: the scheduler's own, from ``Targets.render``."""
    stamps: tuple[Stamp, ...]
    changes: tuple[Change, ...]


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with users' renderables and functions evaluated."""

    properties: dict[str, Property]
    builder_names: Sequence[str]


PriorityOf = Callable[[Sequence[str], Mapping[str, Sequence[Change]]], Awaitable[int]]


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """Settings common to all buildsets of a scheduler.

    ``render`` evaluates renderables; without it ``builder_names`` are the builders.
    ``priority_of`` gets the builders' names and the changes by codebase.
    """

    builder_names: Sequence[str] = ()
    codebases: Mapping[str, Codebase] = msgspec.field(default_factory=lambda: {"": Codebase()})
    properties: Mapping[str, Property] = msgspec.field(default_factory=dict)
    priority: int = 0
    priority_of: PriorityOf | None = None
    render: Callable[[Draft], Awaitable[Rendered]] | None = None


class BuildsetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one buildset; None means the scheduler's own value."""

    reason: str
    properties: Mapping[str, Property] = msgspec.field(default_factory=dict)
    builder_names: Sequence[str] | None = None
    priority: int | None = None
    external_id: str | None = None
    waited_for: bool = False
    parent_build_id: BuildId | None = None
    parent_relationship: str | None = None
    at_once: bool = False
    """A caller waits for the answer: a database outage fails it instead of delaying it."""
    remembered: tuple[Remembered, ...] = ()
    """Values stored in the same transaction."""
    trust: Judgement | None = None
    """How far the stored source stamps are trusted; None: as far as their changes."""
    is_typed: bool = False
    """Whether a person chose the sources."""


class NothingDistrusted:
    """Trusts all sources, as without a configuration of trust."""

    is_configured = False

    def of_sources(self, scheduler: str, stamps: Iterable[object]) -> Judgement:
        """Trust them."""
        return FULL


class SchedulerServices(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of every scheduler."""

    buildsets: BuildsetStore
    schedulers: SchedulerStore
    changes: ChangeStore
    state: StateStore
    builders: BuilderDirectory
    bus: Bus
    clock: Clock
    tasks: Tasks
    redaction: Redaction = msgspec.field(default_factory=Redaction)
    """The secrets that users' code was given so far."""
    trust: SourceTrust = msgspec.field(default_factory=NothingDistrusted)


class Submitter:
    """Creates and submits one scheduler's buildsets."""

    def __init__(
        self,
        *,
        scheduler: str,
        scheduler_id: SchedulerId,
        targets: Targets,
        services: SchedulerServices,
    ) -> None:
        self._scheduler = scheduler
        self._scheduler_id = scheduler_id
        self._targets = targets
        self._services = services

    async def submit(
        self,
        options: BuildsetOptions,
        stamps: Sequence[Stamp],
        changes: Sequence[Change] = (),
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset:
        """Submit a buildset, and remove the *settled* waiting changes in the same transaction.

        Without *changes*, those of the stored source stamps count.
        """
        if not changes:
            changes = await self._changes_of(stamps)
        buildset = await self._buildset(options, tuple(stamps), tuple(changes))
        if settled:
            return await self._services.schedulers.submit_and_flush(
                self._scheduler_id, buildset, settled, options.remembered
            )
        return await self._services.buildsets.submit(
            buildset, at_once=options.at_once, remembered=options.remembered
        )

    async def _changes_of(self, stamps: Sequence[Stamp]) -> Sequence[Change]:
        stored = [stamp for stamp in stamps if not isinstance(stamp, SourceStamp)]
        return await self._services.changes.changes_of(stored) if stored else ()

    async def _buildset(
        self, options: BuildsetOptions, stamps: tuple[Stamp, ...], changes: tuple[Change, ...]
    ) -> NewBuildset:
        rendered = await self._rendered(options, stamps, changes)
        names = tuple(rendered.builder_names)
        builder_ids = self._services.builders.ids(names)
        trust = self._judged(options, stamps, changes)
        return NewBuildset(
            builder_ids=builder_ids,
            source_stamps=stamps,
            collected_changes=tuple(c.id for c in changes if c.source_stamp_id not in stamps),
            reason=options.reason,
            scheduler=self._scheduler,
            properties=rendered.properties,
            secrets=self._secrets(options, rendered.properties),
            external_id=options.external_id,
            parent_build_id=options.parent_build_id,
            parent_relationship=options.parent_relationship,
            waited_for=options.waited_for,
            priority=await self._priority(options, names, changes),
            trust=trust.level,
            trust_reason=trust.reason,
            judged_stamps=_judged_stamps(options, stamps, changes),
            unknown_revisions=self._of_unknown_revisions(options),
        )

    def _judged(
        self, options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change]
    ) -> Judgement:
        """Return the lowest level of the scheduler, of its changes, and of sources without one."""
        sources = self._services.trust.of_sources(self._scheduler, stamps)
        if options.trust is not None:
            return lowest((sources, options.trust))
        return lowest((sources, *map(_judgement_of, changes)))

    def _of_unknown_revisions(self, options: BuildsetOptions) -> TrustLevel | None:
        """Commits of forks can be had from the repository itself by those who know their hash."""
        if not options.is_typed:
            return TrustLevel.TRUSTED
        return TrustLevel.UNTRUSTED if self._services.trust.is_configured else None

    def _secrets(
        self, options: BuildsetOptions, properties: Mapping[str, Property]
    ) -> dict[str, str]:
        """Return the secrets in what a build or the configuration gives along.

        What people and changes give is not searched: they could find secrets out by guessing.
        """
        if options.parent_build_id is None:
            own = self._targets.properties.keys() - options.properties.keys()
            properties = {name: properties[name] for name in own & properties.keys()}
        return self._services.redaction.found_in(properties)

    async def _rendered(
        self, options: BuildsetOptions, stamps: tuple[Stamp, ...], changes: tuple[Change, ...]
    ) -> Rendered:
        targets = self._targets
        properties = merged(
            targets.properties,
            options.properties,
            change_properties(changes),
            {"scheduler": (self._scheduler, SCHEDULER_SOURCE)},
        )
        names = options.builder_names
        if targets.render is None:
            names = targets.builder_names if names is None else names
            return Rendered(properties=properties, builder_names=names)
        draft = Draft(properties=properties, builder_names=names, stamps=stamps, changes=changes)
        return await targets.render(draft)

    async def _priority(
        self, options: BuildsetOptions, names: tuple[str, ...], changes: tuple[Change, ...]
    ) -> int:
        if options.priority is not None:
            return options.priority
        if self._targets.priority_of is not None:
            return int(await self._targets.priority_of(list(names), by_codebase(changes)))
        return self._targets.priority


def _judgement_of(change: Change) -> Judgement:
    because = "" if change.trust_reason is None else f" ({change.trust_reason})"
    return Judgement(change.trust, f"change {change.id}{because}")


def _judged_stamps(
    options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change]
) -> tuple[SourceStampId, ...]:
    """Return the source stamps of which more is known than the store would find."""
    if options.trust is not None:
        return tuple(stamp for stamp in stamps if not isinstance(stamp, SourceStamp))
    return tuple(dict.fromkeys(change.source_stamp_id for change in changes))
