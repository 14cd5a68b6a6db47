"""Cancels builds of sources for which a newer build was requested."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.errors import error
from buildbot.schedulers.cancelling import as_dictionary, cancel, check_filters, names_of, passes
from buildbot.schedulers.forcesched import ForceScheduler
from buildbot.util.service import BuildbotService
from buildbot.util.ssfilter import SourceStampFilter
from chargehand.domain.identifiers import BuilderId, RequestId, SourceStampId
from chargehand.domain.trust import trust_of
from chargehand.events.bus import Subscription
from chargehand.events.messages import (
    BuildsetSubmitted,
    ChangeAdded,
    Event,
    RequestCompleted,
    RequestSubmitted,
)
from chargehand.kit.guard import contained, guarded
from chargehand.kit.tasks import Tasks
from chargehand.resources.query import Filter, Operator
from chargehand.scheduling.superseding import Followed, Line, superseded_by

__all__ = ["OldBuildCanceller"]

_log = logging.getLogger(__name__)

_GERRIT = re.compile(r"(refs/changes/\d+/\d+)/\d+")
_KEPT = 10_000
"""How many source stamps it knows the change of; of others it asks the database."""


def default_branch_key(stamp: Mapping[str, Any]) -> str:
    """Return the branch; of a Gerrit change without the number of the patch set."""
    branch: str = stamp["branch"] or ""
    found = _GERRIT.fullmatch(branch)
    return found[1] if found else branch


class OldBuildCanceller(BuildbotService):
    """Cancels waiting and running builds as soon as a newer commit of the same branch is queued
    for the same builder.

    ``filters`` is a list of tuples (builders' names, `SourceStampFilter`): requests of these
    builders whose source stamp passes are followed. ``branch_key`` is a function that takes a
    source stamp as a dictionary and returns the name under which its branch is compared; by default
    that is the branch, and for Gerrit ``refs/changes/34/1234/5`` without the patch set.
    Forced builds and rebuilds cancel nothing, but are cancelled.

    Args:
        filters (list[Any], required): Tuples (builder names, util.SourceStampFilter): which
            requests are followed.
        branch_key (Callable[[Any], str] | None): function(source stamp) that returns the name under
            which its branch is compared.
    """

    def __init__(self, name: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, name=name, **kwargs)

    @own_arguments
    def checkConfig(
        self, filters: Any = None, branch_key: Callable[[Any], str] | None = None
    ) -> None:
        """Check the arguments."""
        shape = "(builders, util.SourceStampFilter(...))"
        check_filters(type(self).__name__, filters, shape=shape, count=2)
        if branch_key is not None and not callable(branch_key):
            error(f"{type(self).__name__}: branch_key must be a function, not {branch_key!r}")

    @own_arguments
    def reconfigService(
        self, filters: Any = None, branch_key: Callable[[Any], str] | None = None
    ) -> None:
        """Take over the arguments; requests that are followed already stay so."""
        self._branch_key = branch_key or default_branch_key
        self._filters: dict[str, list[SourceStampFilter]] = defaultdict(list)
        for names, wanted in filters:
            for name in names_of(names):
                self._filters[name].append(wanted)

    async def _start_all(self) -> None:
        await super()._start_all()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._submitting: BuildsetSubmitted | None = None
        self._followed: dict[BuilderId, dict[RequestId, Followed]] = defaultdict(dict)
        self._orders: OrderedDict[SourceStampId, int | None] = OrderedDict()
        self._newest_change = 0
        bus = self.master.access.engine.bus
        self._subscriptions: list[Subscription] = [
            bus.subscribe(self._events.put_nowait, kind)
            for kind in (ChangeAdded, BuildsetSubmitted, RequestSubmitted, RequestCompleted)
        ]
        self._tasks = Tasks(f"{type(self).__name__} {self.name}")
        self._tasks.spawn(self._follow(), name="follow requests")

    async def _stop_all(self) -> None:
        for subscription in self._subscriptions:
            subscription.cancel()
        await self._tasks.close()
        await super()._stop_all()

    async def _follow(self) -> None:
        with guarded(_log, "%s: cannot read which requests are incomplete", self.name):
            await self._follow_incomplete()
        while True:
            event = await self._events.get()
            with guarded(_log, "%s: cannot follow a request", self.name):
                await self._heard(event)

    async def _follow_incomplete(self) -> None:
        """Follow what was submitted before this service started."""
        builders = self.master.access.engine.builders
        ids = {builders.ids([name])[0] for name in self._filters if name in self._known()}
        incomplete = [Filter("complete", Operator.EQ, (False,))]
        requests = await self.master.data.fetch("buildrequests", filters=incomplete)
        buildsets = await self.master.data.fetch("buildsets", filters=incomplete)
        stamps = {row["bsid"]: row["sourcestamps"] for row in buildsets}
        ranks = {row["bsid"]: trust_of(row["trust"]).rank for row in buildsets}
        for row in requests:
            if row["builderid"] in ids and row["buildsetid"] in stamps:
                self._follow_one(
                    RequestId(row["buildrequestid"]),
                    row["builderid"],
                    stamps[row["buildsetid"]],
                    ranks[row["buildsetid"]],
                )

    def _known(self) -> set[str]:
        return set(self.master.botmaster.builderNames)

    async def _heard(self, event: Event) -> None:
        match event:
            case ChangeAdded(change=change):
                self._remember(change.source_stamp_id, change.id)
                self._newest_change = max(self._newest_change, change.id)
            case BuildsetSubmitted():
                self._submitting = event  # its requests follow at once
            case RequestSubmitted(pending=pending):
                request, of = pending.request, self._submitting
                if of is not None and of.buildset.id == request.buildset_id:
                    stamps = list(map(as_dictionary, of.buildset.source_stamps))
                    rank = of.buildset.trust.rank
                    new = self._follow_one(request.id, request.builder_id, stamps, rank)
                    if new is not None and self._is_of_commits(of):
                        await self._cancel_older(new)
            case RequestCompleted(request=request):
                self._followed[request.builder_id].pop(request.id, None)

    def _is_of_commits(self, submitted: BuildsetSubmitted) -> bool:
        """Return whether commits caused it, and nobody by hand."""
        scheduler = self.master.config.schedulers.get(submitted.scheduler)
        is_rebuild = submitted.buildset.rebuilt_build_id is not None
        return not is_rebuild and not isinstance(scheduler, ForceScheduler)

    def _follow_one(
        self,
        request_id: RequestId,
        builder_id: BuilderId,
        stamps: Sequence[Mapping[str, Any]],
        trust_rank: int,
    ) -> Followed | None:
        wanted = self._filters.get(self.master.access.builder_name(builder_id), ())
        lines: dict[Line, SourceStampId] = {}
        branch = None
        for stamp in stamps:
            if any(passes(self.name, one, stamp) for one in wanted):
                with guarded(_log, "%s: branch_key failed; ignoring a request", self.name):
                    lines[self._line(stamp)] = SourceStampId(stamp["ssid"])
                    branch = stamp["branch"]
        if not lines:
            return None
        found = self._followed[builder_id][request_id] = Followed(
            request_id=request_id,
            builder_id=builder_id,
            stamps=lines,
            since=self._newest_change,
            branch=branch,
            trust_rank=trust_rank,
        )
        return found

    def _line(self, stamp: Mapping[str, Any]) -> Line:
        key = contained(self._branch_key, dict(stamp))
        return Line(stamp["codebase"], stamp["project"], stamp["repository"], str(key))

    async def _cancel_older(self, new: Followed) -> None:
        others = [
            other
            for other in self._followed[new.builder_id].values()
            if any(other.stamps.get(line, stamp) != stamp for line, stamp in new.stamps.items())
        ]
        stamps = {stamp for one in (new, *others) for stamp in one.stamps.values()}
        orders = {stamp: await self._order(stamp) for stamp in stamps} if others else {}
        old = [other.request_id for other in others if superseded_by(new, other, orders)]
        of = "the default branch" if new.branch is None else f"branch {new.branch}"
        await cancel(self, old, f"a newer build request {new.request_id} of {of} came in")

    async def _order(self, stamp: SourceStampId) -> int | None:
        """Return the newest change of a source stamp, None if it has none."""
        if stamp not in self._orders:
            path = f"sourcestamps/{stamp}/changes"
            row = await self.master.access.first_row(path, "-changeid", {})
            self._remember(stamp, None if row is None else row["changeid"])
        return self._orders[stamp]

    def _remember(self, stamp: SourceStampId, order: int | None) -> None:
        self._orders[stamp] = order
        self._orders.move_to_end(stamp)
        if len(self._orders) > _KEPT:
            self._orders.popitem(last=False)
