"""What a scheduler's buildsets are of: changes, source stamps, and defaults for the rest."""

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
    """Submits buildsets; None where a user's class did it in a way of its own."""

    async def for_changes(
        self,
        options: BuildsetOptions,
        changes: Sequence[Change],
        *,
        settled: Sequence[ChangeId] = (),
    ) -> SubmittedBuildset | None:
        """Submit a buildset for *changes*; the *settled* ones stop waiting."""

    async def for_stamps_with_defaults(
        self, options: BuildsetOptions, given: Sequence[GivenStamp]
    ) -> SubmittedBuildset | None:
        """Submit a buildset with what *given* says of codebases, and defaults for the rest."""

    async def for_stamps(
        self, options: BuildsetOptions, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset | None:
        """Submit a buildset with exactly these source stamps."""


class SchedulerBuildsets:
    """The buildsets of one scheduler, as its settings say; *codebases* gives the defaults."""

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
        """Submit a buildset for *changes*; the *settled* ones stop waiting, in one transaction."""
        stamps = self.stamps_of(changes)
        return await self._submitter.submit(options, stamps, changes, settled=settled)

    async def for_stamps_with_defaults(
        self, options: BuildsetOptions, given: Sequence[GivenStamp]
    ) -> SubmittedBuildset:
        """Submit a buildset with what *given* says of codebases, and defaults for the rest."""
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
        """Return one source stamp per codebase: what is given, completed by the default one."""
        return stamps_with_defaults(self._codebases(), given)

    async def settle(self, changes: Sequence[ChangeId]) -> None:
        """Let changes stop waiting, after a user's class has submitted what it liked.

        A crash between both may build twice, and loses nothing.
        """
        if changes:
            await self._schedulers.flush(self._scheduler_id, changes)
