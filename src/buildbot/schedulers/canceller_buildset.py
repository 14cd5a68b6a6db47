"""Cancels the other builds of a buildset when one of them fails."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.errors import error
from buildbot.schedulers.cancelling import are_names, cancel, check_filters, names_of, passes
from buildbot.util.service import BuildbotService
from chargehand.domain.build import Build
from chargehand.domain.identifiers import RequestId
from chargehand.domain.result import Result
from chargehand.events.messages import BuildFinished
from chargehand.kit.guard import guarded
from chargehand.kit.tasks import Tasks
from chargehand.resources.query import Filter, Operator

__all__ = ["FailingBuildsetCanceller"]

_log = logging.getLogger(__name__)


class FailingBuildsetCanceller(BuildbotService):
    """Cancels waiting and running builds of a buildset when a build of it fails (with FAILURE; an
    exception is not counted).

    ``filters`` is a list of tuples (builders whose failure counts, builders whose builds are
    cancelled or None for all, `SourceStampFilter`); a buildset is concerned when one of its source
    stamps passes.

    Args:
        filters (list[Any], required): Tuples (builders whose failure counts, builders whose builds
            are cancelled or None for all, util.SourceStampFilter).
    """

    def __init__(self, name: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, filters: Any = None) -> None:
        """Check the arguments."""
        owner = type(self).__name__
        shape = "(failing builders, cancelled builders or None, util.SourceStampFilter(...))"
        if check_filters(owner, filters, shape=shape, count=3):
            for one in filters:
                if one[1] is not None and not are_names(one[1]):
                    error(
                        f"{owner}: the second element of a filter must be a list of builders' "
                        f"names, or None for all, not {one[1]!r}"
                    )

    @own_arguments
    def reconfigService(self, filters: Any = None) -> None:
        """Take over the arguments."""
        self._filters = [
            (frozenset(names_of(failing)), None if victims is None else names_of(victims), wanted)
            for failing, victims, wanted in filters
        ]

    async def _start_all(self) -> None:
        await super()._start_all()
        self._failed: asyncio.Queue[Build] = asyncio.Queue()
        self._subscription = self.master.access.engine.bus.subscribe(self._heard, BuildFinished)
        self._tasks = Tasks(f"{type(self).__name__} {self.name}")
        self._tasks.spawn(self._follow(), name="follow builds")

    async def _stop_all(self) -> None:
        self._subscription.cancel()
        await self._tasks.close()
        await super()._stop_all()

    def _heard(self, event: BuildFinished) -> None:
        if event.build.result is Result.FAILURE:
            name = self.master.access.builder_name(event.build.builder_id)
            if any(name in failing for failing, _, _ in self._filters):
                self._failed.put_nowait(event.build)

    async def _follow(self) -> None:
        while True:
            build = await self._failed.get()
            with guarded(_log, "%s: cannot cancel the builds of a buildset", self.name):
                await self._cancel_others(build)

    async def _cancel_others(self, build: Build) -> None:
        data, access = self.master.data, self.master.access
        request = await data.fetch(("buildrequests", build.request_id))
        buildset = await data.fetch(("buildsets", request["buildsetid"]))
        name = access.builder_name(build.builder_id)
        victims = self._victims(name, buildset["sourcestamps"])
        others = await data.fetch(
            "buildrequests",
            filters=[
                Filter("buildsetid", Operator.EQ, (buildset["bsid"],)),
                Filter("complete", Operator.EQ, (False,)),
            ],
        )
        ids = [
            RequestId(row["buildrequestid"])
            for row in others
            if victims is None or access.builder_name(row["builderid"]) in victims
        ]
        await cancel(self, ids, f"build {name}#{build.number} of the same buildset failed")

    def _victims(self, name: str, stamps: list[dict[str, Any]]) -> set[str] | None:
        """Return the builders whose builds are cancelled when one of that name fails; None for
        all."""
        found: set[str] = set()
        for failing, victims, wanted in self._filters:
            if name in failing and any(passes(self.name, wanted, stamp) for stamp in stamps):
                if victims is None:
                    return None
                found.update(victims)
        return found
