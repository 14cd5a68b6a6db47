"""Users' functions, wrapped so that the engine may simply await them with its own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from buildbot._border.bridge import answered, inward
from buildbot._border.calls import takes
from buildbot._border.making import Making
from buildbot._border.rendering import render_value
from buildbot._host.views.engine_access import EngineAccess
from buildbot.config.old_arguments import MergeRule
from buildbot.locks import lock_accesses
from buildbot.process.builder import Builder
from buildbot.process.buildrequest import BuildRequest, as_row
from buildbot.process.properties import Properties
from buildbot.process.workerforbuilder import WorkerForBuilder, place_of_worker
from chargehand.config.model import Hook
from chargehand.dispatch.ports import WorkerSlot
from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import RequestId, SourceStampId
from chargehand.domain.lock import LockAccess
from chargehand.domain.properties import Property
from chargehand.domain.source_stamp import StoredSourceStamp

_STAMPS_KEPT = 20_000


class Hooks:
    """Makes hooks of functions; *configs* gives the user's object for a builder's name."""

    def __init__(self, access: EngineAccess, configs: Mapping[str, Any]) -> None:
        self._access = access
        self._configs = configs
        self._stamps: dict[SourceStampId, StoredSourceStamp] = {}

    def next_build(self, function: Callable[..., Any], owner: Any = None) -> Hook:
        """``nextBuild(builder, requests)`` -> the request to build first, or None.

        The requests are in the order in which they were submitted, whatever their priority is.
        """

        shown: dict[RequestId, BuildRequest] = {}
        """What the function was given last: most of what waits was there already."""

        @_of(function, owner)
        async def hook(name: str, queue: Sequence[PendingRequest]) -> PendingRequest | None:
            nonlocal shown
            waiting = _as_submitted(queue)
            fresh = [one for one in waiting if not _is_shown(one, shown)]
            made = {one.id: one for one in await self._requests(name, fresh)}
            known = shown | made
            shown = {one.request.id: known[one.request.id] for one in waiting}
            chosen = await inward(function, self._builder(name), list(shown.values()))
            return None if chosen is None else _pending(chosen, "nextBuild")

        return hook

    def next_worker(self, function: Callable[..., Any], owner: Any = None) -> Hook:
        """``nextWorker(builder, workers, request)`` -> the worker to use, or None."""
        takes_request = takes(function, 3)

        @_of(function, owner)
        async def hook(
            name: str, slots: Sequence[WorkerSlot], pending: PendingRequest
        ) -> WorkerSlot | None:
            builder = self._builder(name)
            workers = [place_of_worker(slot, builder, self._access) for slot in slots]
            arguments: list[Any] = [builder, workers]
            if takes_request:
                arguments += await self._requests(name, [pending])
            chosen = await inward(function, *arguments)
            if chosen is None:
                return None
            if not isinstance(chosen, WorkerForBuilder):
                raise TypeError(
                    f"nextWorker must return one of the given workers or None, not {chosen!r}"
                )
            return chosen.slot

        return hook

    def can_start_build(
        self,
        function: Callable[..., Any] | None,
        owner: Any = None,
        of_workers: Callable[..., Any] | None = None,
    ) -> Hook:
        """``canStartBuild(builder, worker, request)`` -> whether it may.

        *of_workers* is a method of that name of one of the builder's workers, if there is one:
        such workers are asked first.
        """

        @_of(function or of_workers, owner)
        async def hook(name: str, slot: WorkerSlot, pending: PendingRequest) -> bool:
            own = None if of_workers is None else slot.config.extension
            if own is not None and not await inward(own.canStartBuild):
                return False
            if function is None:
                return True
            builder = self._builder(name)
            worker = place_of_worker(slot, builder, self._access)
            [request] = await self._requests(name, [pending])
            return bool(await inward(function, builder, worker, request))

        return hook

    def collapse_requests(self, function: Callable[..., Any], owner: Any = None) -> Hook:
        """``collapseRequests(master, builder, request, other)`` -> whether one may do for both."""
        if isinstance(function, MergeRule):
            return self._merge_requests(function.function, owner)

        @_of(function, owner)
        async def hook(name: str, one: PendingRequest, other: PendingRequest) -> bool:
            master, builder = self._access.master, self._builder(name)
            answer = await answered(
                "collapseRequests", function, master, builder, as_row(one), as_row(other)
            )
            if not isinstance(answer, bool | None):
                raise TypeError(f"collapseRequests must return True or False, not {answer!r}")
            return bool(answer)

        return hook

    def _merge_requests(self, function: Callable[..., Any], owner: Any = None) -> Hook:
        """``mergeRequests(builder, request, other)`` of earlier versions -> the same."""

        @_of(function, owner)
        async def hook(name: str, one: PendingRequest, other: PendingRequest) -> bool:
            requests = await self._requests(name, [one, other])
            return bool(await answered("mergeRequests", function, self._builder(name), *requests))

        return hook

    def prioritize_builders(self, function: Callable[..., Any]) -> Hook:
        """``prioritizeBuilders(master, builders)`` -> the builders in the order to be served."""

        @_of(function)
        async def hook(names: Sequence[str]) -> list[str]:
            builders = [self._builder(name) for name in names]
            ordered = await inward(function, self._access.master, builders)
            return [builder.name for builder in ordered]

        return hook

    def codebase_generator(self, function: Callable[..., Any]) -> Hook:
        """``codebaseGenerator(change)`` -> the codebase of a change."""

        @_of(function)
        async def hook(change: Mapping[str, Any]) -> str:
            codebase = await answered("codebaseGenerator", function, dict(change))
            if not isinstance(codebase, str):
                raise TypeError(f"codebaseGenerator must return a string, not {codebase!r}")
            return codebase

        return hook

    def locks(self, renderable: Any, owner: Any = None) -> Hook:
        """Locks that depend on the properties of the request."""

        @_of(getattr(renderable, "fn", renderable), owner)
        async def hook(values: Mapping[str, Property]) -> tuple[LockAccess, ...]:
            properties = Properties()
            properties.properties.update(values)
            properties.master = self._access.master
            return lock_accesses(await render_value(renderable, properties) or ())

        return hook

    def _builder(self, name: str) -> Builder:
        return Builder(name, self._configs.get(name), access=self._access)

    async def _requests(self, name: str, waiting: Sequence[PendingRequest]) -> list[BuildRequest]:
        ids = {number for pending in waiting for number in pending.source_stamp_ids}
        stamps = await self._stamps_of(ids)
        master = self._access.master
        return [BuildRequest(pending, name, stamps, master) for pending in waiting]

    async def _stamps_of(
        self, ids: set[SourceStampId]
    ) -> Mapping[SourceStampId, StoredSourceStamp]:
        """Return source stamps; those that were loaded before are not asked for again."""
        known = self._stamps
        if missing := ids - known.keys():
            if len(known) > _STAMPS_KEPT:
                # Others may be using the old dictionary.
                known = self._stamps = {number: known[number] for number in ids - missing}
            known.update(await self._access.engine.stamps.stamps(sorted(missing)))
        return known


def _of(function: Any, owner: Any = None) -> Callable[[Hook], Hook]:
    """Let a hook know whose it is: where it is named, it is by the place of that.

    What it raises says which line made its *owner*.
    """

    def decorate(hook: Hook) -> Hook:
        @wraps(function, assigned=(), updated=())
        async def call(*arguments: Any) -> Any:
            with Making(owner):
                return await hook(*arguments)

        return call

    return decorate


def _pending(chosen: Any, function: str) -> PendingRequest:
    if not isinstance(chosen, BuildRequest):
        raise TypeError(f"{function} must return one of the given requests or None, not {chosen!r}")
    return chosen.pending


def _is_shown(pending: PendingRequest, shown: Mapping[RequestId, BuildRequest]) -> bool:
    known = shown.get(pending.request.id)
    return known is not None and known.pending is pending


def _as_submitted(queue: Sequence[PendingRequest]) -> list[PendingRequest]:
    waiting = list(queue)
    if waiting and waiting[0].request.priority != waiting[-1].request.priority:
        waiting.sort(key=lambda pending: (pending.request.submitted_at, pending.request.id))
    return waiting  # Of one priority, they are in that order already.
