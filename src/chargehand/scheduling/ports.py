"""Interfaces that scheduling needs from other packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from chargehand.domain.buildset import Buildset, NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    BuildsetId,
    ChangeId,
    MasterId,
    SchedulerId,
    SourceStampId,
    Timestamp,
)
from chargehand.domain.json import Json
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.trust import Judgement


class BuildsetStore(Protocol):
    """Stores buildsets."""

    async def submit(
        self, buildset: NewBuildset, *, at_once: bool = False, remembered: Sequence[Remembered] = ()
    ) -> SubmittedBuildset:
        """Store it with its requests and what is *remembered* in one transaction; announce both.

        Waits out a database outage, unless *at_once* is set.
        """

    async def rebuild_of(self, build_id: BuildId) -> NewBuildset:
        """Return a new buildset for the same sources as a build. Raises LookupError."""

    async def newest_id(self) -> BuildsetId | None:
        """Return the newest buildset's identifier."""

    async def of_scheduler(
        self, scheduler: str, *, after: BuildsetId, among: Sequence[BuildsetId] = ()
    ) -> list[Buildset]:
        """Return what a scheduler submitted after a buildset, or that is among these; oldest
        first."""


class SchedulerStore(Protocol):
    """Stores schedulers' state, which survives restarts."""

    async def ids(self, names: Sequence[str]) -> dict[str, SchedulerId]:
        """Return the identifiers of schedulers, creating new ones, in one transaction."""

    async def activate(
        self, scheduler_ids: Sequence[SchedulerId], master_id: MasterId
    ) -> set[SchedulerId]:
        """Claim the schedulers that no other running master has; return ours."""

    async def deactivate(self, master_id: MasterId) -> None:
        """Release all of ours."""

    async def describe(self, kinds: Mapping[SchedulerId, tuple[str, str | None]]) -> None:
        """Record each scheduler's type, and what it waits for; announce SchedulerChanged for those
        that changed."""

    async def due(self, scheduler_id: SchedulerId, at: Timestamp) -> None:
        """Record when a scheduler is due next; announce SchedulerChanged."""

    async def enabled(self, scheduler_ids: Sequence[SchedulerId]) -> dict[SchedulerId, bool]:
        """Return the enabled schedulers."""

    async def set_enabled(self, scheduler_id: SchedulerId, enabled: bool) -> None:
        """Enable or disable; a disabled one is never due. Announces SchedulerChanged."""

    async def classify(self, scheduler_id: SchedulerId, changes: Mapping[ChangeId, bool]) -> None:
        """Record changes as waiting, with their importance."""

    async def classified(self, scheduler_id: SchedulerId) -> dict[ChangeId, bool]:
        """Return the changes recorded by `classify` and not yet removed by `flush`."""

    async def flush(
        self, scheduler_id: SchedulerId, change_ids: Sequence[ChangeId] | None = None
    ) -> None:
        """Remove these waiting changes; None removes all of them."""

    async def submit_and_flush(
        self,
        scheduler_id: SchedulerId,
        buildset: NewBuildset,
        change_ids: Sequence[ChangeId],
        remembered: Sequence[Remembered] = (),
    ) -> SubmittedBuildset:
        """Submit a buildset, remove these waiting changes, and record progress and *remembered*
        values, in one transaction, so that nothing is lost or built twice."""

    async def last_seen_changes(
        self, scheduler_ids: Sequence[SchedulerId]
    ) -> dict[SchedulerId, ChangeId]:
        """Return the newest change each scheduler has processed; omits those without any."""

    async def saw_changes(self, newest: Mapping[SchedulerId, ChangeId]) -> None:
        """Record the newest processed changes in one transaction, so that changes that arrive
        while the master is down are processed later. Never lowers the recorded value."""


class ChangeStore(Protocol):
    """Changes, read."""

    async def changes(self, ids: Sequence[ChangeId]) -> list[Change]:
        """Return these changes, oldest first."""

    async def changes_of(self, stamps: Sequence[SourceStampId]) -> list[Change]:
        """Return the changes of these source stamps, oldest first."""

    async def changes_after(self, change_id: ChangeId, limit: int = 1000) -> list[Change]:
        """Return changes newer than that one, oldest first."""

    async def newest_change_id(self) -> ChangeId | None:
        """Return the newest change."""

    async def source_stamps(
        self, change_ids: Sequence[ChangeId]
    ) -> dict[ChangeId, StoredSourceStamp]:
        """Return their source stamps."""


class StateStore(Protocol):
    """Stores small JSON values of components by name."""

    async def get(self, name: str, kind: str, key: str, default: Json = None) -> Json:
        """Return the value set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: Json) -> None:
        """Store the value durably."""


class BuilderDirectory(Protocol):
    """Names of builders. (Implemented by the composition root.)"""

    def ids(self, names: Sequence[str]) -> tuple[BuilderId, ...]:
        """Return their identifiers. Raises LookupError naming the unknown ones."""


class SourceTrust(Protocol):
    """How far sources are trusted by the configuration that is in force. (Implemented by intake,
    which judges changes.)"""

    @property
    def is_configured(self) -> bool:
        """Whether the configuration says anything about it."""

    def of_sources(self, scheduler: str, stamps: Iterable[object]) -> Judgement:
        """Return what is known of a scheduler's sources; only stamps given by value are judged."""
