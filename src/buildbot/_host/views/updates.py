"""``master.data.updates``: what users' code may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from buildbot._border.bridge import outgoing, outward
from buildbot._border.times import datetime2epoch
from buildbot._host.views.engine_access import EngineAccess
from buildbot.process.properties import Properties
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import BuilderId, BuildId, SourceStampId
from chargehand.domain.properties import Property
from chargehand.scheduling.rules import stamp_of


class Updates:
    """Adds changes, buildsets and data of builds."""

    def __init__(self, access: EngineAccess) -> None:
        self._access = access

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"master.data.updates.{name} is not supported: the master itself writes that; "
            "docs/migrating-from-buildbot.md lists what there is"
        )

    @outgoing
    async def addChange(
        self,
        files: Sequence[str] | None = None,
        comments: str | None = None,
        author: str | None = None,
        committer: str | None = None,
        revision: str | None = None,
        when_timestamp: Any = None,
        branch: str | None = None,
        category: Any = None,
        revlink: str | None = "",
        properties: Mapping[str, Any] | None = None,
        repository: str = "",
        codebase: str | None = None,
        project: str | None = "",
        src: str | None = None,
        **_: Any,
    ) -> int:
        """Add a change; returns a Deferred of its identifier, fired when it is stored."""
        when = datetime2epoch(when_timestamp) if hasattr(when_timestamp, "year") else when_timestamp
        new = NewChange(
            author=author or "",
            committer=committer,
            files=tuple(files or ()),
            comments=comments or "",
            revision=None if revision is None else str(revision),
            when=None if when is None else float(when),
            branch=branch,
            category=category,
            revlink=revlink or "",
            properties=_sourced(properties or {}, "Change"),
            repository=repository or "",
            project=project or "",
            codebase=codebase or "",
        )
        return (await self._access.engine.changes.add_change(new)).id

    @outgoing
    async def addBuildset(
        self,
        waited_for: bool = False,
        scheduler: str | None = None,
        sourcestamps: Sequence[Any] = (),
        reason: str = "",
        properties: Any = None,
        builderids: Sequence[int] = (),
        external_idstring: str | None = None,
        rebuilt_buildid: int | None = None,
        parent_buildid: int | None = None,
        parent_relationship: str | None = None,
        priority: int = 0,
        **_: Any,
    ) -> tuple[int, dict[int, int]]:
        """Order builds of source stamps (dictionaries or identifiers).

        Returns a Deferred of the buildset's identifier, and the requests' by builder, fired when
        they are stored. Raises LookupError for a builder that is not configured.
        """
        engine = self._access.engine
        builder_ids = engine.builders.ids(
            [engine.builders.name(BuilderId(builder)) for builder in builderids]
        )
        given = properties.asDict() if isinstance(properties, Properties) else properties
        submitted = await engine.buildsets.submit(
            NewBuildset(
                builder_ids=builder_ids,
                source_stamps=tuple(
                    stamp_of(one) if isinstance(one, Mapping) else SourceStampId(int(one))
                    for one in sourcestamps
                ),
                reason=reason,
                scheduler=scheduler or "",
                properties=_sourced(given or {}, "Scheduler"),
                external_id=external_idstring,
                rebuilt_build_id=None if rebuilt_buildid is None else BuildId(rebuilt_buildid),
                parent_build_id=None if parent_buildid is None else BuildId(parent_buildid),
                parent_relationship=parent_relationship,
                waited_for=bool(waited_for),
                priority=priority,
            )
        )
        return submitted.numbers

    def setBuildData(self, buildid: int, name: str, value: bytes, source: str) -> Any:
        """Store bytes for a build under a name, in the place of those it has; returns a
        Deferred."""
        if not isinstance(value, bytes):
            raise TypeError(f"build data must be bytes, not {type(value).__name__}")
        if not isinstance(name, str) or not isinstance(source, str) or not name:
            raise TypeError("the name and the source of build data must be strings")
        return outward(self._access.engine.build_data.set(BuildId(buildid), name, value, source))

    @outgoing
    async def findBuilderId(self, name: str) -> int:
        """Return a Deferred of a configured builder's identifier. Raises LookupError."""
        return self._access.builder_id(name)


def _sourced(properties: Mapping[str, Any], source: str) -> dict[str, Property]:
    """Return properties with their sources; they may come as values, or as (value, source)."""
    return {
        name: (value[0], value[1])
        if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], str)
        else (value, source)
        for name, value in properties.items()
    }
