"""``master.data.updates``: identifiers, schedulers and workers."""

from __future__ import annotations

from buildbot._border.bridge import outgoing
from buildbot._host.views.engine_access import EngineAccess


class FarmUpdates:
    """Finds identifiers, and gives orders to schedulers and workers.

    Buildbot also makes identifiers for names that nobody has configured; here such a name is a
    LookupError.
    """

    _access: EngineAccess

    @outgoing
    async def findBuilderId(self, name: str) -> int:
        """Return a Deferred of a builder's identifier. Raises LookupError."""
        try:
            return self._access.builder_id(name)
        except LookupError:
            return await self._id_of("builders", "builderid", "builder", name)

    @outgoing
    async def findSchedulerId(self, name: str) -> int:
        """Return a Deferred of a scheduler's identifier. Raises LookupError."""
        return await self._id_of("schedulers", "schedulerid", "scheduler", name)

    @outgoing
    async def findWorkerId(self, name: str) -> int:
        """Return a Deferred of a worker's identifier. Raises LookupError."""
        return await self._id_of("workers", "workerid", "worker", name)

    @outgoing
    async def findChangeSourceId(self, name: str) -> int:
        """Return a Deferred of a change source's identifier. Raises LookupError."""
        return await self._id_of("changesources", "changesourceid", "change source", name)

    @outgoing
    async def find_project_id(self, name: str, auto_create: bool = True) -> int | None:
        """Return a Deferred of a project's identifier; None for an unknown one where
        *auto_create* is false. Raises LookupError."""
        try:
            return await self._id_of("projects", "projectid", "project", name)
        except LookupError:
            if auto_create:
                raise
            return None

    @outgoing
    async def schedulerEnable(self, schedulerid: int, v: bool) -> None:
        """Enable or disable a scheduler of this master. Raises ValueError for another one."""
        path = f"schedulers/{schedulerid}"
        await self._access.engine.data.control(path, "enable", {"enabled": bool(v)})

    @outgoing
    async def set_worker_paused(
        self, workerid: int, paused: bool, pause_reason: str | None = None
    ) -> None:
        """Give a worker no new builds, or builds again. Raises ValueError for an unknown one."""
        reason = {} if pause_reason is None else {"reason": pause_reason}
        method = "pause" if paused else "unpause"
        await self._access.engine.data.control(f"workers/{workerid}", method, reason)

    @outgoing
    async def set_worker_graceful(self, workerid: int, graceful: bool) -> None:
        """Let a worker end when its builds have ended. Raises ValueError for an unknown one, and
        where *graceful* is false: unpausing it with `set_worker_paused` takes the order back."""
        if not graceful:
            raise ValueError("a graceful stop is taken back with set_worker_paused(ID, False)")
        await self._access.engine.data.control(f"workers/{workerid}", "stop", {})

    async def _id_of(self, kind: str, field: str, word: str, name: str) -> int:
        row = await self._access.first_row(kind, field, {"name": name})
        if row is None:
            raise LookupError(f"there is no {word} {name!r}, and never was one")
        return int(row[field])
