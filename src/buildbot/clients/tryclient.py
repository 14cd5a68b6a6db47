"""Sending a patch to a master's Try_Userpass, and hearing how its builds fare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.spread import pb

from buildbot.clients.perspective import NotDelivered, Refused, answer, logged_in

__all__ = ["BuildEnded", "NotDelivered", "TryMaster"]

_ANSWER_TIMEOUT = 120.0
_LOST = NotDelivered(
    "the connection was lost while the builds ran; they continue, and the master's pages show them"
)


class BuildEnded(msgspec.Struct, frozen=True):
    """How a build of a patch ended."""

    builder: str
    results: int
    summary: str


class _Observer(pb.Referenceable):
    """Is told what the builds do."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.builds: dict[str, asyncio.Future[Any]] = {}

    def remote_newbuild(self, build: Any, builder: str) -> Any:
        """A build has begun."""
        self._tell(f"{builder}: started")
        if not self.builds[builder].done():
            self.builds[builder].set_result(build)

    def remote_stepStarted(self, builder: str, build: Any, step: str, *more: Any) -> None:
        """A step has begun."""
        self._tell(f"{builder}: {step}")

    def remote_stepFinished(self, builder: str, build: Any, step: str, *more: Any) -> None:
        """A step has ended."""

    def remote_buildETAUpdate(self, *more: Any) -> None:
        """Another time is expected."""


class TryMaster:
    """A master with a Try_Userpass, at ``HOST:PORT``. All methods raise NotDelivered."""

    def __init__(self, master: str, user: str, password: str) -> None:
        self._login = (master, user, password)

    async def builder_names(self) -> list[str]:
        """Return the names of the builders that may be chosen."""
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT), self._logged_in() as perspective:
                found = await answer(perspective.callRemote("getAvailableBuilderNames"))
                return [str(name) for name in found]
        except TimeoutError:
            raise self._silent() from None

    async def deliver(
        self,
        *,
        branch: str | None,
        revision: str | None,
        patch: tuple[int, bytes],
        repository: str,
        builder_names: Sequence[str] | None,
        who: str | None,
        comment: str | None,
        properties: Mapping[str, str],
        delivered: Callable[[], None],
        tell: Callable[[str], None] | None,
    ) -> list[BuildEnded]:
        """Send a patch, and call *delivered* when the master has it.

        With *tell*, which is given lines about what happens, wait for the builds and return how
        they ended; otherwise return an empty list at once.
        """
        async with self._logged_in() as perspective:
            job = (branch, revision, patch, repository, "", builder_names, who, comment)
            try:
                async with asyncio.timeout(_ANSWER_TIMEOUT):
                    sent = await answer(perspective.callRemote("try", *job, dict(properties)))
            except TimeoutError:
                raise self._silent() from None
            if sent is None:
                raise NotDelivered(
                    "the try scheduler on the master does not have these builders: "
                    "--get-builder-names lists those it has"
                )
            delivered()
            return [] if tell is None else await _waited(sent, tell)

    def _logged_in(self) -> Any:
        return logged_in(*self._login, listener="Try_Userpass", what="patch")

    def _silent(self) -> NotDelivered:
        return NotDelivered(f"{self._login[0]} did not answer in {_ANSWER_TIMEOUT:g} seconds")


async def _waited(sent: Any, tell: Callable[[str], None]) -> list[BuildEnded]:
    requests = await answer(sent.callRemote("getBuildRequests"))
    observer = _Observer(tell)
    loop = asyncio.get_running_loop()
    observer.builds.update((name, loop.create_future()) for name, _ in requests)
    try:
        return list(
            await asyncio.gather(*(_ended(name, request, observer) for name, request in requests))
        )
    except Refused as refused:
        if refused.is_lost:
            raise _LOST from refused
        raise


async def _ended(name: str, request: Any, observer: _Observer) -> BuildEnded:
    begun = observer.builds[name]

    def lost(_: Any) -> None:
        if not begun.done():
            begun.set_exception(_LOST)

    request.notifyOnDisconnect(lost)
    await answer(request.callRemote("subscribe", observer))
    build = await begun
    await answer(build.callRemote("subscribe", observer, 20))
    await answer(build.callRemote("waitUntilFinished"))
    results = await answer(build.callRemote("getResults"))
    words = await answer(build.callRemote("getText"))
    return BuildEnded(name, int(results), " ".join(map(str, words)))
