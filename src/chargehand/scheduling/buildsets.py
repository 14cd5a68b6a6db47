"""Submitting a scheduler's buildsets, for changes or source stamps, with defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, SchedulerId
from chargehand.scheduling.ports import SchedulerStore
from chargehand.scheduling.rules import (
    Codebase,
    GivenStamp,
    stamps_of_changes,
    stamps_with_defaults,
)
from chargehand.scheduling.submitting import BuildsetOptions, Stamp, Submitter


class Buildsets(Protocol):
    """Submits buildsets; returns None if a user's class submitted them itself."""

    async def for_changes(
        self,
        options: BuildsetOptions,
        changes: Sequence[Change],
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset | None:
        """Submit a buildset for *changes*, and remove the *settled* waiting changes."""

    async def for_stamps_with_defaults(
        self, options: BuildsetOptions, given: Sequence[GivenStamp]
    ) -> SubmittedBuildset | None:
        """Submit a buildset for the *given* codebases, with defaults for the others."""

    async def for_stamps(
        self, options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset | None:
        """Submit a buildset with exactly these source stamps."""


class SchedulerBuildsets:
    """Submits one scheduler's buildsets by its settings; *codebases* returns the defaults."""

    def __init__(
        self,
        *,
        scheduler_id: SchedulerId,
        submitter: Submitter,
        schedulers: SchedulerStore,
        codebases: Callable[[], Mapping[str, Codebase]],
    ) -> None:
        self._scheduler_id = scheduler_id
        self._submitter = submitter
        self._schedulers = schedulers
        self._codebases = codebases

    async def for_changes(
        self,
        options: BuildsetOptions,
        changes: Sequence[Change],
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset:
        """Submit a buildset and remove the *settled* waiting changes, in one transaction."""
        stamps = self.stamps_of(changes)
        return await self._submitter.submit(options, stamps, changes, settled=settled)

    async def for_stamps_with_defaults(
        self, options: BuildsetOptions, given: Sequence[GivenStamp]
    ) -> SubmittedBuildset:
        """Submit a buildset for the *given* codebases, with defaults for the others."""
        return await self.for_stamps(options, self.stamps_with_defaults(given))

    async def for_stamps(
        self, options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset:
        """Submit a buildset with exactly these source stamps."""
        return await self._submitter.submit(options, stamps, changes)

    def stamps_of(self, changes: Sequence[Change]) -> Sequence[Stamp]:
        """Return one source stamp per codebase: its newest change's, or the default one."""
        return stamps_of_changes(self._codebases(), changes)

    def stamps_with_defaults(self, given: Sequence[GivenStamp]) -> Sequence[Stamp]:
        """Return one source stamp per codebase: the given one, completed from the default."""
        return stamps_with_defaults(self._codebases(), given)

    async def settle(self, changes: Sequence[ChangeId]) -> None:
        """Remove waiting changes after a user's class has submitted its buildset.

        A crash between the two may build twice, but loses nothing.
        """
        if changes:
            await self._schedulers.flush(self._scheduler_id, changes)
