"""``master.data.updates``: what users' code may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from buildbot._border.bridge import outgoing
from buildbot._border.times import datetime2epoch
from buildbot._host.views.build_updates import BuildUpdates
from buildbot._host.views.farm_updates import FarmUpdates
from buildbot._host.views.result_updates import ResultUpdates
from buildbot.process.properties import Properties
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import BuilderId, BuildId, SourceStampId
from chargehand.domain.properties import Property
from chargehand.domain.trust import TrustLevel, level_from
from chargehand.scheduling.rules import stamp_of

_CONFIGURED = "builders, workers, schedulers and projects are what the configuration says they are"
_STEPS = "a step's run() returns its result, and build.addStepsAfterCurrentStep() adds steps"
_LOGS = "a step's addLog() opens a log; the log's addStdout(), addHeader() and finish() write to it"
_MASTERS = "the master records itself which masters live, and what they run"
_CLAIMS = (
    "the master claims what it builds: decide with nextBuild, canStartBuild or prioritizeBuilders, "
    "or end waiting requests with completeBuildRequests()"
)
_INSTEAD = {
    name: instead
    for names, instead in (
        ("addBuild newBuild generateNewBuildEvent", "order builds with addBuildset()"),
        (
            "finishBuild",
            "stop a build with master.data.control('stop', {'reason': ...}, ('builds', ID))",
        ),
        (
            "rebuildBuildrequest",
            "repeat a build with master.data.control('rebuild', {}, ('builds', ID))",
        ),
        ("addStep newStep startStep finishStep set_step_locks_acquired_at", _STEPS),
        ("setStepStateString", "a step says what it does with description and updateSummary()"),
        ("addStepURL", "a step adds a link with its addURL()"),
        ("add_build_locks_duration", "the master measures how long builds wait for locks"),
        ("addLog newLog appendLog finishLog compressLog", _LOGS),
        ("claimBuildRequests unclaimBuildRequests unclaimExpiredRequests", _CLAIMS),
        ("updateBuilderList updateBuilderInfo update_project_info", _CONFIGURED),
        ("workerConfigured deconfigureAllWorkersForMaster", _CONFIGURED),
        ("workerConnected workerDisconnected workerMissing", _MASTERS),
        ("masterActive masterStopped expireMasters", _MASTERS),
        ("trySetSchedulerMaster trySetChangeSourceMaster", _MASTERS),
        (
            "add_commit update_branch update_codebase_info find_codebase_id",
            "changes are recorded with addChange(); other commits and branches are not",
        ),
    )
    for name in names.split()
}
"""What writes what these would write."""


class Updates(BuildUpdates, FarmUpdates, ResultUpdates):
    """What plug-ins may write. What only the master itself can write without damage is refused,
    with a sentence that says what to use instead."""

    def __getattr__(self, name: str) -> NoReturn:
        instead = _INSTEAD.get(name)
        if instead is None:
            raise AttributeError(
                f"there is no master.data.updates.{name}; "
                "docs/migrating-from-buildbot.md lists what there is"
            )
        raise AttributeError(
            f"master.data.updates.{name} is not supported, because it would contradict what the "
            f"master does: {instead}"
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
        trust: str | None = None,
        trust_reason: str | None = None,
        **_: Any,
    ) -> int:
        """Add a change; returns a Deferred of its identifier, fired when it is stored.

        *trust* is ``"untrusted"``, ``"reviewed"`` or ``"trusted"``: how far its builds are trusted
        at most. ``c['trust']`` may lower it.
        """
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
            trust=TrustLevel.TRUSTED if trust is None else level_from(trust),
            trust_reason=_said(trust, trust_reason),
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
        stamps = tuple(
            stamp_of(one) if isinstance(one, Mapping) else SourceStampId(int(one))
            for one in sourcestamps
        )
        trust = engine.trust.of_sources(scheduler or "", stamps)
        submitted = await engine.buildsets.submit(
            NewBuildset(
                builder_ids=builder_ids,
                source_stamps=stamps,
                reason=reason,
                scheduler=scheduler or "",
                properties=_sourced(given or {}, "Scheduler"),
                external_id=external_idstring,
                rebuilt_build_id=None if rebuilt_buildid is None else BuildId(rebuilt_buildid),
                parent_build_id=None if parent_buildid is None else BuildId(parent_buildid),
                parent_relationship=parent_relationship,
                waited_for=bool(waited_for),
                priority=priority,
                trust=trust.level,
                trust_reason=trust.reason,
            )
        )
        return submitted.numbers


def _said(trust: object, reason: str | None) -> str | None:
    return None if trust is None else (reason or "as its sender said")


def _sourced(properties: Mapping[str, Any], source: str) -> dict[str, Property]:
    """Return properties with their sources; they may come as values, or as (value, source)."""
    return {
        name: (value[0], value[1])
        if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], str)
        else (value, source)
        for name, value in properties.items()
    }
