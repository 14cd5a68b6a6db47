"""Finds builds that can never end: each waits for a build that needs what they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from chargehand.domain.assignment import LockGrant
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.domain.lock import LockHolder


class Occupant(msgspec.Struct, frozen=True, kw_only=True):
    """A build on a worker, from the moment at which it takes the slot."""

    grant: LockGrant
    request_id: RequestId
    waited_for_by: BuildId | None = None

    @classmethod
    def by(cls, pending: PendingRequest, grant: LockGrant) -> Occupant:
        """Return the build of a request."""
        return cls(grant=grant, request_id=pending.request.id, waited_for_by=pending.waited_for_by)

    @property
    def holder(self) -> LockHolder:
        """The build; its number is not known at first."""
        return self.grant.holder


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting requests that all need what *holders* have, and the builds that wait for these."""

    parents: frozenset[BuildId]
    holders: tuple[LockHolder, ...]


def stuck_builds(
    occupants: Collection[Occupant],
    needs: Sequence[Need],
    step_waits: Mapping[BuildId, Collection[BuildId | None]],
) -> set[BuildId]:
    """Return the builds of which none can end before another of them does.

    *step_waits* has the builds whose step waits for a lock, with the holders of the lock.
    """
    parents_of = {
        one.holder.build_id: one.waited_for_by
        for one in occupants
        if one.holder.build_id is not None
    }
    stuck = set(parents_of)
    while True:
        waited_for = {
            parent for build, parent in parents_of.items() if build in stuck and parent is not None
        }
        for need in needs:
            if are_stuck(need.holders, stuck):
                waited_for |= need.parents
        behind = {
            build for build, holders in step_waits.items() if holders and stuck.issuperset(holders)
        }
        left = stuck & (waited_for | behind)
        if left == stuck:
            return stuck
        stuck = left


def are_stuck(holders: Sequence[LockHolder], stuck: Collection[BuildId]) -> bool:
    """Return whether there are holders, and none of them can end."""
    return bool(holders) and all(holder.build_id in stuck for holder in holders)
