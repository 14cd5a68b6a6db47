"""What a developer may do who has logged in to a Try_Userpass, and what they hear of their builds.

The names of the methods and their arguments are those that `buildbot try --connect=pb` calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb

from buildbot._border.bridge import inward, outward

_log = logging.getLogger(__name__)

_GONE = (pb.DeadReferenceError, pb.PBConnectionLost)

Submit = Callable[..., Awaitable[dict[str, int]]]
"""Submits a job and returns the identifiers of its requests by the names of their builders, none
where there is no such builder."""


class TryPerspective(pb.Avatar):
    """Takes patches from a client."""

    def __init__(
        self, master: Any, builder_names: Callable[[], Sequence[str]], submit: Submit
    ) -> None:
        self._master = master
        self._builder_names = builder_names
        self._submit = submit

    def perspective_getAvailableBuilderNames(self) -> list[str]:
        """Return the names of the builders that may be chosen."""
        return list(self._builder_names())

    def perspective_try(
        self,
        branch: Any,
        revision: Any,
        patch: Any,
        repository: Any,
        project: Any,
        builderNames: Any,
        who: Any = "",
        comment: Any = "",
        properties: Any = None,
    ) -> Deferred[Any]:
        """Submit a patch, which is (level, difference); a Deferred of what tells how its builds
        fare, or of None if this scheduler does not have the builders."""
        return outward(
            self._try(
                branch=_text(branch),
                revision=_text(revision),
                patch=patch,
                repository=_text(repository) or "",
                project=_text(project) or "",
                builder_names=[_text(name) for name in builderNames or ()],
                who=_text(who) or "",
                comment=_text(comment) or "",
                properties={_text(k): _text(v) for k, v in dict(properties or {}).items()},
            )
        )

    async def _try(self, *, patch: Any, **job: Any) -> Any:
        try:
            level, body = patch if patch else (0, b"")
            body = body.encode() if isinstance(body, str) else bytes(body or b"")
            requests = await self._submit(patch_level=int(level), patch_body=body, **job)
        except Exception as error:
            # A client gets to know the message, and no traceback, of a pb.Error only.
            _log.warning("rejected a try job: %s", error)
            raise pb.Error(str(error)) from error
        if not requests:
            return None
        return TriedBuildset(self._master, requests)


class TriedBuildset(pb.Referenceable):
    """The builds of one job, for the client that has sent it."""

    def __init__(self, master: Any, requests: Mapping[str, int]) -> None:
        self._requests = [(name, TriedRequest(master, name, id)) for name, id in requests.items()]

    def remote_getBuildRequests(self) -> list[tuple[str, TriedRequest]]:
        """Return the requests, by the names of their builders."""
        return list(self._requests)


class TriedRequest(pb.Referenceable):
    """One request of a job."""

    def __init__(self, master: Any, builder_name: str, request_id: int) -> None:
        self._build = TriedBuild(master, builder_name, request_id)

    def remote_subscribe(self, observer: Any) -> Deferred[None]:
        """Tell the observer, by ``newbuild``, when the request has a build, or has ended without
        one."""
        return outward(self._build.tell_of_start(observer))

    def remote_unsubscribe(self, observer: Any) -> None:
        """Tell it no more."""
        self._build.forget(observer)


class TriedBuild(pb.Referenceable):
    """The build of a request; where it is done again, all its builds as if they were one."""

    def __init__(self, master: Any, builder_name: str, request_id: int) -> None:
        self._master = master
        self._builder_name = builder_name
        self._request_id = request_id
        self._observers: list[Any] = []
        self._awaiting: list[Any] = []
        """Observers that wait for the start."""
        self._build_ids: set[int] = set()
        self._consumer: Any = None
        self._step: str | None = None
        """The step that is running."""
        self._ended = asyncio.Event()
        self._results: int | None = None
        self._state = ""
        self._watching: asyncio.Lock = asyncio.Lock()

    async def tell_of_start(self, observer: Any) -> None:
        """Call ``newbuild`` of an observer, at once if there is a build."""
        await self._watch()
        if self._build_ids or self._ended.is_set():
            await self._tell(observer, "newbuild", self, self._builder_name)
        else:
            self._awaiting.append(observer)

    def forget(self, observer: Any) -> None:
        """Tell an observer no more."""
        for those in (self._awaiting, self._observers):
            if observer in those:
                those.remove(observer)

    def remote_subscribe(self, observer: Any, interval: Any = None) -> Deferred[None]:
        """Tell the observer, by ``stepStarted`` and ``stepFinished``, what the build does, from
        the step on that is running."""
        self._observers.append(observer)
        return outward(self._tell_step(observer))

    def remote_unsubscribe(self, observer: Any) -> None:
        """Tell it no more."""
        self.forget(observer)

    def remote_waitUntilFinished(self) -> Deferred[TriedBuild]:
        """Return a Deferred of this when the request has its result."""
        return outward(self._wait())

    def remote_getResults(self) -> int | None:
        """Return the result; None while there is none."""
        return self._results

    def remote_getText(self) -> list[str]:
        """Return the build's summary."""
        return [self._state]

    async def _wait(self) -> TriedBuild:
        await self._watch()
        await self._ended.wait()
        return self

    async def _watch(self) -> None:
        """Listen to what concerns the request, from before its state is looked at."""
        async with self._watching:
            if self._consumer is not None or self._ended.is_set():
                return
            self._consumer = await self._master.mq.consume(
                self._hear,
                (
                    ("builds", None, "new"),
                    ("steps", None, "started"),
                    ("steps", None, "finished"),
                    ("buildrequests", str(self._request_id), "complete"),
                ),
            )
            get = self._master.data.get
            path = ("buildrequests", self._request_id, "builds")
            for build in await inward(get, path) or ():
                await self._hear_build(build)
            found = await inward(get, path[:2])
            if found is None or found["complete"]:
                await self._hear_end(found or {"results": None})

    async def _hear(self, key: Sequence[str], message: Mapping[str, Any]) -> None:
        match key[0]:
            case "builds":
                await self._hear_build(message)
            case "steps":
                await self._hear_step(message, has_ended=key[-1] == "finished")
            case _:
                await self._hear_end(message)

    async def _hear_build(self, build: Mapping[str, Any]) -> None:
        if build["buildrequestid"] == self._request_id:
            self._build_ids.add(build["buildid"])
            await self._tell_those_awaiting()

    async def _hear_step(self, step: Mapping[str, Any], *, has_ended: bool) -> None:
        if step["buildid"] not in self._build_ids:
            return
        self._step = None if has_ended else step["name"]
        for observer in list(self._observers):
            told = (self._builder_name, self, step["name"], None)
            if has_ended:
                await self._tell(observer, "stepFinished", *told, step["results"])
            else:
                await self._tell(observer, "stepStarted", *told)

    async def _tell_step(self, observer: Any) -> None:
        if self._step is not None:
            await self._tell(observer, "stepStarted", self._builder_name, self, self._step, None)

    async def _hear_end(self, request: Mapping[str, Any]) -> None:
        self._results = request["results"]
        path = ("buildrequests", self._request_id, "builds")
        builds = await inward(self._master.data.get, path) or ()
        last = max(builds, key=lambda build: build["buildid"], default=None)
        self._state = str(last["state_string"]) if last else "it ended without a build"
        self._ended.set()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await inward(consumer.stopConsuming)
        await self._tell_those_awaiting()

    async def _tell_those_awaiting(self) -> None:
        awaiting, self._awaiting = self._awaiting, []
        for observer in awaiting:
            await self._tell(observer, "newbuild", self, self._builder_name)

    async def _tell(self, observer: Any, method: str, *arguments: Any) -> None:
        """Call an observer, and forget it if its client is gone."""
        try:
            await inward(observer.callRemote, method, *arguments)
        except _GONE:
            self.forget(observer)
        except pb.RemoteError as refusal:
            _log.warning("a client of try could not take %s: %s", method, refusal)
            self.forget(observer)


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
