"""What all schedulers have in common: they look at changes one by one, and submit buildsets."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chargehand.config.model import Hook
from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import ChangeId, SchedulerId
from chargehand.kit.guard import guarded
from chargehand.scheduling.rules import Codebase, stamps_of_changes, stamps_with_defaults
from chargehand.scheduling.submitting import Stamp, Submitter, Surroundings, Targets, Wish

_log = logging.getLogger(__name__)

Filter = Callable[[Change], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a user's class does otherwise; each hook is None where it keeps the usual behaviour.

    ``attach(scheduler)`` hands the user's object the running scheduler, on which it can call the
    usual behaviour: ``activate_as_usual``, ``got_change_as_usual`` and so on.
    """

    attach: Callable[[Any], None] | None = None
    activate: Hook | None = None
    deactivate: Hook | None = None
    got_change: Hook | None = None
    """(change, is important)"""
    for_changes: Hook | None = None
    """(wish, changes)"""
    for_stamps_with_defaults: Hook | None = None
    """(wish, mappings)"""
    for_stamps: Hook | None = None
    """(wish, stamps)"""
    start_build: Hook | None = None
    """()"""
    next_time: Hook | None = None
    """(last time or None) -> next time"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What the settings of every kind have."""

    class_name: str
    targets: Targets
    overrides: Overrides = Overrides()
    absolute_source_stamps: bool = False
    """Codebases without a change get the newest revision that was seen, not the default one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Which changes a scheduler wants to be told of."""

    wanted: Filter | None = None
    is_important: Hook | None = None
    only_important: bool = False


class Scheduler:
    """One scheduler that is active here. The kinds are its subclasses, one per file."""

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        common: Common,
        surroundings: Surroundings,
    ) -> None:
        self.name = name
        self.id = scheduler_id
        self.seen: ChangeId = ChangeId(0)
        """The newest change that was offered; older ones are not looked at again."""
        self._common = common
        self._given = surroundings
        self._overrides = common.overrides
        self._interest: Interest | None = None
        self._inbox: deque[Change] = deque()
        self._reader: asyncio.Task[None] | None = None
        self._last_stamps: dict[str, dict[str, Any]] = {}
        self._submitter = Submitter(
            scheduler=name,
            scheduler_id=scheduler_id,
            targets=common.targets,
            surroundings=surroundings,
        )
        if common.overrides.attach is not None:
            common.overrides.attach(self)

    # Beginning and end

    async def activate(self) -> None:
        """Begin to work."""
        if self._common.absolute_source_stamps:
            self._last_stamps = await self.remembered("lastCodebases", {})
        if self._overrides.activate is not None:
            await self._overrides.activate()
        else:
            await self.activate_as_usual()

    async def deactivate(self) -> None:
        """Stop; nothing is submitted afterwards, and what waits is in the store."""
        self._interest = None
        if self._reader is not None:
            await asyncio.wait([self._reader])
        if self._overrides.deactivate is not None:
            await self._overrides.deactivate()
        else:
            await self.deactivate_as_usual()

    async def activate_as_usual(self) -> None:
        """Begin to work, as the kind does it."""

    async def deactivate_as_usual(self) -> None:
        """Stop, as the kind does it."""

    # Changes

    def start_consuming(self, interest: Interest) -> None:
        """Ask to be told of changes."""
        self._interest = interest

    def stop_consuming(self) -> None:
        """Hear of no more changes."""
        self._interest = None

    @property
    def is_consuming(self) -> bool:
        """Whether it wants to be told of changes."""
        return self._interest is not None

    @property
    def looked_at(self) -> ChangeId:
        """The newest change such that it and all before it were dealt with."""
        return ChangeId(self._inbox[0].id - 1) if self._inbox else self.seen

    def offer(self, change: Change) -> None:
        """Take note of a change; to be called in the order of the changes' identifiers."""
        if self._interest is None or change.id <= self.seen:
            return
        self.seen = change.id
        if not self._is_wanted(change, self._interest):
            return
        self._inbox.append(change)
        if self._reader is None:
            self._reader = self._given.tasks.spawn(self._read(), name=f"changes for {self.name}")

    def _is_wanted(self, change: Change, interest: Interest) -> bool:
        if change.codebase not in self._common.targets.codebases:
            _log.debug("scheduler %s does not process codebase %r", self.name, change.codebase)
            return False
        with guarded(_log, "the change filter of scheduler %s failed", self.name):
            return interest.wanted is None or bool(interest.wanted(change))
        return False

    async def _read(self) -> None:
        try:
            while self._inbox and (interest := self._interest) is not None:
                change = self._inbox[0]
                with guarded(_log, "scheduler %s failed on change %d", self.name, change.id):
                    await self._look_at(change, interest)
                self._inbox.popleft()
        finally:
            self._reader = None

    async def _look_at(self, change: Change, interest: Interest) -> None:
        important = interest.is_important is None or bool(await interest.is_important(change))
        if interest.only_important and not important:
            return
        if self._common.absolute_source_stamps:
            await self._remember_source(change)
        if self._overrides.got_change is not None:
            await self._overrides.got_change(change, important)
        else:
            await self.got_change_as_usual(change, important)

    async def got_change_as_usual(self, change: Change, important: bool) -> None:
        """React to a change that passed the filter, as the kind does it."""

    # Buildsets

    async def for_changes(
        self, wish: Wish, changes: Sequence[Change], *, settled: Sequence[ChangeId] = ()
    ) -> SubmittedBuildset | None:
        """Submit a buildset for *changes*; the *settled* ones stop waiting, in one transaction.

        Where a user's class does it otherwise they stop waiting afterwards: a crash between both
        may build twice, and loses nothing.
        """
        if not self._does_otherwise:
            stamps = stamps_of_changes(self._codebases(), changes)
            return await self._submitter.submit(wish, stamps, changes, settled=settled)
        if self._overrides.for_changes is not None:
            submitted = await self._overrides.for_changes(wish, changes)
        else:
            submitted = await self.for_changes_as_usual(wish, changes)
        if settled:
            await self._given.schedulers.flush(self.id, settled)
        return submitted if isinstance(submitted, SubmittedBuildset) else None

    @property
    def _does_otherwise(self) -> bool:
        return self._overrides.for_changes is not None or self._overrides.for_stamps is not None

    async def for_changes_as_usual(
        self, wish: Wish, changes: Sequence[Change]
    ) -> SubmittedBuildset | None:
        """Submit a buildset with one source stamp per codebase."""
        return await self.for_stamps(wish, stamps_of_changes(self._codebases(), changes), changes)

    async def for_stamps_with_defaults(
        self, wish: Wish, given: Sequence[Mapping[str, Any]]
    ) -> SubmittedBuildset | None:
        """Submit a buildset with what *given* says of codebases, and defaults for the rest."""
        if self._overrides.for_stamps_with_defaults is not None:
            await self._overrides.for_stamps_with_defaults(wish, given)
            return None
        return await self.for_stamps_with_defaults_as_usual(wish, given)

    async def for_stamps_with_defaults_as_usual(
        self, wish: Wish, given: Sequence[Mapping[str, Any]]
    ) -> SubmittedBuildset | None:
        """The same, without what a user's class does otherwise."""
        return await self.for_stamps(wish, stamps_with_defaults(self._codebases(), given))

    async def for_stamps(
        self, wish: Wish, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset | None:
        """Submit a buildset with exactly these source stamps."""
        if self._overrides.for_stamps is not None:
            await self._overrides.for_stamps(wish, stamps)
            return None
        return await self.for_stamps_as_usual(wish, stamps, changes)

    async def for_stamps_as_usual(
        self, wish: Wish, stamps: Sequence[Stamp], changes: Sequence[Change] = ()
    ) -> SubmittedBuildset:
        """The same, without what a user's class does otherwise."""
        return await self._submitter.submit(wish, stamps, changes)

    # What is remembered

    async def remembered(self, key: str, default: Any = None) -> Any:
        """Return what this scheduler remembered under *key*."""
        return await self._given.state.get(self.name, self._common.class_name, key, default)

    async def remember(self, key: str, value: Any) -> None:
        """Remember a JSON value; it survives a restart."""
        await self._given.state.set(self.name, self._common.class_name, key, value)

    async def changes(self, ids: Sequence[ChangeId]) -> list[Change]:
        """Return these changes, oldest first."""
        return await self._given.changes.changes(ids)

    async def _remember_source(self, change: Change) -> None:
        known = self._last_stamps.get(change.codebase)
        if known is not None and known["lastChange"] >= change.id:
            return
        self._last_stamps[change.codebase] = {
            "repository": change.repository,
            "branch": change.branch,
            "revision": change.revision,
            "lastChange": change.id,
        }
        await self.remember("lastCodebases", self._last_stamps)

    def _codebases(self) -> Mapping[str, Codebase]:
        configured = self._common.targets.codebases
        if not self._last_stamps:
            return configured
        return {
            name: Codebase(
                repository=last["repository"], branch=last["branch"], revision=last["revision"]
            )
            if (last := self._last_stamps.get(name))
            else codebase
            for name, codebase in configured.items()
        }
