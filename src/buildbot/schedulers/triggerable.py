"""Building when a step says so."""

from __future__ import annotations

import asyncio
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import inward, outward, settled
from buildbot.process.properties import Properties
from buildbot.process.results import EXCEPTION, SUCCESS
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from chargehand.scheduling.errors import SchedulerDisabled


def triggered_properties(own: Properties, given: Any) -> Properties:
    """Return the properties that a trigger sets, with the scheduler's own, which win."""
    properties = Properties()
    if isinstance(given, Properties):
        properties.updateFromProperties(given)
    elif given:
        properties.update(given, "Trigger")
    properties.updateFromProperties(own)
    return properties


_Submitted = tuple[int | None, dict[int, int]]
"""The identifier of a buildset, None if there was nothing to submit; its requests by builder."""


class Triggerable(ReconfigurableBaseScheduler):
    """Builds when a ``Trigger`` step names it, or another one calls `trigger`.

    Args:
        reason (str | None): Reason of the builds, unless the trigger sets a property ``reason``; by
            default, that the scheduler was triggered.
    """

    compare_attrs = ("name", "builderNames", "properties", "codebases", "reason")
    reason: Any = None
    _waits_for = "a trigger"

    def __init__(self, name: Any, builderNames: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(builderNames, *args, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, reason: Any = None, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, reason: Any = None, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.reason = reason
        super().reconfigService(builderNames, **kwargs)
        return settled(None)

    def trigger(
        self,
        waited_for: bool,
        sourcestamps: Any = None,
        set_props: Any = None,
        parent_buildid: int | None = None,
        parent_relationship: str | None = None,
    ) -> tuple[Any, Any]:
        """Submit a buildset; codebases without a source stamp have their defaults.

        Returns two Deferreds: of the buildset's identifier and its request identifiers by builder
        identifier, and, once it is complete, of its result and the same request identifiers.
        """
        properties = triggered_properties(self.properties, set_props)
        what = properties.getProperty("reason") or self.reason
        what = what or f"The Triggerable scheduler named '{self.name}' triggered this build"
        submission = asyncio.get_running_loop().create_task(
            self._submit(
                reason=str(what),
                sourcestamps=sourcestamps or [],
                properties=properties,
                waited_for=waited_for,
                parent_buildid=parent_buildid,
                parent_relationship=parent_relationship,
            )
        )
        return outward(_outcome(submission)), outward(self._completed(submission))

    async def _submit(self, **arguments: Any) -> _Submitted:
        if not self.enabled:
            raise SchedulerDisabled(self.name)
        found = await inward(self.addBuildsetForSourceStampsWithDefaults, **arguments)
        return (None, {}) if found is None else (int(found[0]), dict(found[1]))

    async def _completed(self, submission: asyncio.Task[_Submitted]) -> tuple[int, dict[int, int]]:
        """Wait for the end of the buildset. One that was not submitted is EXCEPTION."""
        await asyncio.wait([submission])
        if submission.cancelled() or submission.exception() is not None:
            return EXCEPTION, {}
        buildset_id, requests = submission.result()
        if buildset_id is None:
            return SUCCESS, {}

        async def is_complete() -> bool:
            row = await inward(self.master.data.get, ("buildsets", buildset_id))
            return bool(row["complete"])

        key = ("buildsets", str(buildset_id), "complete")
        await inward(self.master.mq.waitUntilEvent, key, is_complete)
        row = await inward(self.master.data.get, ("buildsets", buildset_id))
        return int(row["results"]), requests


async def _outcome(submission: asyncio.Task[_Submitted]) -> _Submitted:
    return await asyncio.shield(submission)
