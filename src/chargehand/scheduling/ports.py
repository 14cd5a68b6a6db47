"""What scheduling needs of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chargehand.domain.build import Build
from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    ChangeId,
    MasterId,
    SchedulerId,
)
from chargehand.domain.json import Json
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_stamp import StoredSourceStamp


class BuildsetStore(Protocol):
    """Where buildsets are recorded."""

    async def submit(
        self, buildset: NewBuildset, *, at_once: bool = False, remembered: Sequence[Remembered] = ()
    ) -> SubmittedBuildset:
        """Store it with its requests and what is *remembered* in one transaction; announce both.

        An outage is waited out, unless it is to be *at_once*.
        """

    async def rebuild_of(self, build_id: BuildId) -> NewBuildset:
        """Return the buildset that builds the same again. Raises LookupError."""

    async def latest_build(self, builder_id: BuilderId) -> Build | None:
        """Return the builder's newest build."""


class SchedulerStore(Protocol):
    """What schedulers remember: all of it survives a restart."""

    async def ids(self, names: Sequence[str]) -> dict[str, SchedulerId]:
        """Return (create, where new) the identifiers of schedulers, in one transaction."""

    async def activate(
        self, scheduler_ids: Sequence[SchedulerId], master_id: MasterId
    ) -> set[SchedulerId]:
        """Make this master theirs where no other active one has them; return ours."""

    async def deactivate(self, master_id: MasterId) -> None:
        """Give all of ours up."""

    async def enabled(self, scheduler_ids: Sequence[SchedulerId]) -> dict[SchedulerId, bool]:
        """Return which are enabled."""

    async def set_enabled(self, scheduler_id: SchedulerId, enabled: bool) -> None:
        """Enable or disable; announce SchedulerChanged."""

    async def classify(self, scheduler_id: SchedulerId, changes: Mapping[ChangeId, bool]) -> None:
        """Remember that changes were looked at and wait (True: they are important)."""

    async def classified(self, scheduler_id: SchedulerId) -> dict[ChangeId, bool]:
        """Return what `classify` remembered and `flush` did not end."""

    async def flush(
        self, scheduler_id: SchedulerId, change_ids: Sequence[ChangeId] | None = None
    ) -> None:
        """Forget these classified changes; None: all of them."""

    async def submit_and_flush(
        self,
        scheduler_id: SchedulerId,
        buildset: NewBuildset,
        change_ids: Sequence[ChangeId],
        remembered: Sequence[Remembered] = (),
    ) -> SubmittedBuildset:
        """Submit, forget these changes, remember that they were looked at and what is to be
        *remembered*, in one transaction: nothing is lost or built twice."""

    async def last_seen_changes(
        self, scheduler_ids: Sequence[SchedulerId]
    ) -> dict[SchedulerId, ChangeId]:
        """Return the newest change that each has looked at; those that never did are left out."""

    async def saw_changes(self, newest: Mapping[SchedulerId, ChangeId]) -> None:
        """Remember it in one transaction, so that changes that arrive while the master is down are
        looked at later; never lowers what is known."""


class ChangeStore(Protocol):
    """Changes, read."""

    async def changes(self, ids: Sequence[ChangeId]) -> list[Change]:
        """Return these changes, oldest first."""

    async def changes_after(self, change_id: ChangeId, limit: int = 1000) -> list[Change]:
        """Return changes newer than that one, oldest first."""

    async def newest_change_id(self) -> ChangeId | None:
        """Return the newest change there is."""

    async def source_stamps(
        self, change_ids: Sequence[ChangeId]
    ) -> dict[ChangeId, StoredSourceStamp]:
        """Return their source stamps."""


class StateStore(Protocol):
    """Small things that components remember by name (JSON values)."""

    async def get(self, name: str, kind: str, key: str, default: Json = None) -> Json:
        """Return what was set for the object *name* of class *kind*."""

    async def set(self, name: str, kind: str, key: str, value: Json) -> None:
        """Remember it durably."""


class BuilderDirectory(Protocol):
    """Names of builders. (Given by the composition root.)"""

    def ids(self, names: Sequence[str]) -> tuple[BuilderId, ...]:
        """Return their identifiers. Raises LookupError naming the unknown ones."""
