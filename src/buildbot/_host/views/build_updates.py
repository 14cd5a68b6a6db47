"""``master.data.updates``: builds and their requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import outgoing, outward, settled
from buildbot._host.views.engine_access import EngineAccess
from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.domain.result import Result
from chargehand.resources.query import Filter, Operator

_BY_PLUG_IN = "ended by a plug-in"


class BuildUpdates:
    """Writes about builds."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access

    def setBuildProperty(self, buildid: int, name: str, value: Any, source: str) -> Any:
        """Record a property of a build that runs or has ended; returns a Deferred.

        The steps of a running build do not see it: they ask the build itself, whose
        ``setProperty`` records it, too. Raises LookupError for an unknown build, TypeError for a
        value without a JSON form.
        """
        builds = self._access.engine.builds
        return outward(builds.amend_properties(BuildId(buildid), {name: (value, source)}))

    @outgoing
    async def setBuildProperties(self, buildid: int, properties: Any) -> None:
        """Record all these properties of a build, as `setBuildProperty` does one: a Properties
        object or ``{name: (value, source)}``."""
        given = properties if isinstance(properties, dict) else properties.getProperties().asDict()
        found = {name: (value, source) for name, (value, source) in given.items()}
        await self._access.engine.builds.amend_properties(BuildId(buildid), found)

    @outgoing
    async def setBuildStateString(self, buildid: int, state_string: str) -> None:
        """Show what a running build is doing; the end of its next step replaces the sentence.

        Raises LookupError for a build that this master does not run.
        """
        if not self._access.engine.builds.set_state(BuildId(buildid), state_string):
            raise LookupError(f"build {buildid} does not run on this master")
        await self._access.engine.recorded()

    def setBuildData(self, buildid: int, name: str, value: bytes, source: str) -> Any:
        """Store bytes for a build under a name, in the place of those it has; returns a
        Deferred."""
        if not isinstance(value, bytes):
            raise TypeError(f"build data must be bytes, not {type(value).__name__}")
        if not isinstance(name, str) or not isinstance(source, str) or not name:
            raise TypeError("the name and the source of build data must be strings")
        return outward(self._access.engine.build_data.set(BuildId(buildid), name, value, source))

    @outgoing
    async def completeBuildRequests(
        self, brids: Sequence[int], results: int, complete_at: Any = None
    ) -> bool:
        """End waiting requests with a result, without a build; *complete_at* is now in any case.

        Returns a Deferred of whether all of them were waiting. Raises ValueError for a request
        that is being built, and ends none then.
        """
        engine = self._access.engine
        wanted = (
            Filter("buildrequestid", Operator.IN, tuple(brids)),
            Filter("complete", Operator.EQ, (False,)),
            Filter("claimed", Operator.EQ, (True,)),
        )
        built = await engine.data.get("buildrequests", filters=wanted, fields=["buildrequestid"])
        if isinstance(built, list) and built:
            raise ValueError(
                f"build request {built[0]['buildrequestid']} is being built: stop it with "
                "master.data.control('cancel', {'reason': ...}, ('buildrequests', ID))"
            )
        ids = [RequestId(brid) for brid in dict.fromkeys(brids)]
        return await engine.requests.end(ids, Result(results), _BY_PLUG_IN) == len(ids)

    def maybeBuildsetComplete(self, bsid: int) -> Any:
        """Do nothing: a buildset is complete in the moment in which its last request is. Returns a
        Deferred."""
        return settled(None)
