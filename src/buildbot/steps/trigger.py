"""A step that starts builds of other builders."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot.config import error
from buildbot.process.buildstep import BuildStep
from buildbot.process.properties import Properties, Property
from buildbot.process.results import (
    CANCELLED,
    FAILURE,
    SUCCESS,
    statusToString,
    worst_status,
)

_MANY = 20
"""More builds than these get no link each."""


@dataclass
class _Triggered:
    """What one scheduler was asked for."""

    name: str
    is_unimportant: bool
    complete: Any
    requests: dict[int, int] = field(default_factory=dict)
    result: int | None = None


class Trigger(BuildStep):
    """Start builds by ``Triggerable`` schedulers; with ``waitForFinish``, wait for their end.

    The triggered builds get the build's source stamps: with ``updateSourceStamp`` (the default)
    at the revision that was checked out, with ``alwaysUseLatest`` none at all; or those given as
    ``sourceStamps``. ``set_properties`` and ``copy_properties`` go with them. The result is the
    worst of all buildsets that are waited for, but for ``unimportantSchedulerNames``. Interrupting
    the step cancels what it waits for.

    Subclasses override `getSchedulersAndProperties` and `createTriggerProperties`.
    """

    name = "trigger"
    renderables: ClassVar[Any] = [
        "set_properties",
        "schedulerNames",
        "unimportantSchedulerNames",
        "sourceStamps",
        "updateSourceStamp",
        "alwaysUseLatest",
        "parent_relationship",
    ]
    flunkOnFailure = True

    def __init__(
        self,
        schedulerNames: Any = None,
        sourceStamp: Any = None,
        sourceStamps: Any = None,
        updateSourceStamp: Any = None,
        alwaysUseLatest: Any = False,
        waitForFinish: bool = False,
        set_properties: Any = None,
        copy_properties: Any = None,
        parent_relationship: Any = "Triggered from",
        unimportantSchedulerNames: Any = None,
        **kwargs: Any,
    ) -> None:
        what = type(self).__name__
        if schedulerNames is None:
            error(f"{what}: schedulerNames is missing: which Triggerable schedulers to trigger")
        if sourceStamp and sourceStamps:
            error(f"{what}: give either sourceStamp or sourceStamps")
        if (sourceStamp or sourceStamps) and alwaysUseLatest is True:
            error(f"{what}: give either source stamps or alwaysUseLatest")
        if updateSourceStamp and alwaysUseLatest is True:
            error(f"{what}: give either updateSourceStamp or alwaysUseLatest")
        if isinstance(set_properties, list | tuple | str):
            error(f"{what}: set_properties is a dictionary, not {set_properties!r}")
        elif copy_properties and not isinstance(set_properties, dict | None):
            error(f"{what}: with copy_properties, set_properties must be a dictionary")
        unimportant = unimportantSchedulerNames or []
        if isinstance(schedulerNames, list | tuple) and isinstance(unimportant, list | tuple):
            for name in unimportant:
                if name not in schedulerNames:
                    error(f"{what}: unimportantSchedulerNames has {name!r}; schedulerNames has not")
        super().__init__(**kwargs)
        self.schedulerNames = schedulerNames
        self.sourceStamps = sourceStamps or ([sourceStamp] if sourceStamp else [])
        self.updateSourceStamp = (
            not (alwaysUseLatest or self.sourceStamps)
            if updateSourceStamp is None
            else updateSourceStamp
        )
        self.alwaysUseLatest = alwaysUseLatest
        self.waitForFinish = waitForFinish
        copied = {name: Property(name) for name in copy_properties or ()}
        self.set_properties = (
            copied | (set_properties or {})
            if set_properties is None or isinstance(set_properties, dict)
            else set_properties
        )
        self.parent_relationship = parent_relationship
        self.unimportantSchedulerNames = unimportant
        self.brids: list[int] = []
        self.ended = False
        self._triggered: list[_Triggered] = []

    # What users override

    def getSchedulersAndProperties(self) -> Any:
        """Return a dictionary (``sched_name``, ``props_to_set``, ``unimportant``) for each
        scheduler to trigger; pairs of the first two are taken as well."""
        names = self.schedulerNames
        return [
            {
                "sched_name": name,
                "props_to_set": dict(self.set_properties),
                "unimportant": name in self.unimportantSchedulerNames,
            }
            for name in ([names] if isinstance(names, str) else names)
        ]

    def createTriggerProperties(self, properties: Any) -> Any:
        """Return the properties to pass on, with their source."""
        found = Properties()
        found.update(properties, f"{self.name}")
        return found

    # The work

    async def run(self) -> int:
        """Trigger all, and wait if that is wanted."""
        try:
            wanted = [
                (self.getSchedulerByName(name), properties, unimportant)
                for name, properties, unimportant in await self._wanted()
            ]
        except LookupError as missing:
            self.descriptionDone = [str(missing.args[0])]
            return FAILURE
        stamps = self.prepareSourcestampListForTrigger()
        for scheduler, properties, unimportant in wanted:
            await self._trigger(scheduler, properties, stamps, bool(unimportant))
        self.descriptionDone = [self._words()]
        if not self.waitForFinish:
            return SUCCESS
        self.updateSummary()
        for one in self._triggered:
            one.result, _ = await _value(one.complete)
            self.updateSummary()
        await self._add_links()
        self.descriptionDone = [self._words()]
        return CANCELLED if self.ended else self._result()

    async def _wanted(self) -> list[tuple[str, Any, bool]]:
        found = await inward(self.getSchedulersAndProperties)
        return [
            (one["sched_name"], one.get("props_to_set") or {}, one.get("unimportant", False))
            if isinstance(one, dict)
            else (one[0], one[1], one[0] in self.unimportantSchedulerNames)
            for one in found
        ]

    def getSchedulerByName(self, name: str) -> Any:
        """Return a Triggerable scheduler. Raises LookupError, with a sentence."""
        schedulers = {one.name: one for one in self.master.allSchedulers()}
        scheduler = schedulers.get(name)
        if scheduler is None:
            able = [one.name for one in schedulers.values() if hasattr(one, "trigger")]
            close = difflib.get_close_matches(str(name), able, 1)
            advice = f"; did you mean {close[0]!r}?" if close else ""
            raise LookupError(f"there is no scheduler {name!r} to trigger{advice}")
        if not hasattr(scheduler, "trigger"):
            kind = type(scheduler).__name__
            raise LookupError(f"scheduler {name!r} is a {kind}; only Triggerables can be triggered")
        return scheduler

    async def _trigger(
        self, scheduler: Any, properties: Any, stamps: list[dict[str, Any]], unimportant: bool
    ) -> None:
        if self.ended:
            return
        submitted, complete = scheduler.trigger(
            waited_for=self.waitForFinish,
            sourcestamps=stamps,
            set_props=await inward(self.createTriggerProperties, properties),
            parent_buildid=self.build.buildid,
            parent_relationship=self.parent_relationship,
        )
        one = _Triggered(name=scheduler.name, is_unimportant=unimportant, complete=complete)
        self._triggered.append(one)
        if not self.waitForFinish:
            complete.addErrback(lambda _: None)
        _, one.requests = await _value(submitted)
        self.brids.extend(one.requests.values())
        for request_id in list(one.requests.values())[:_MANY]:
            url = f"{self.master.config.buildbotURL}#/buildrequests/{request_id}"
            await self.addURL(f"{one.name} #{request_id}", url)
        if self.ended:
            await self._cancel(one.requests.values())

    def prepareSourcestampListForTrigger(self) -> list[dict[str, Any]]:
        """Return the source stamps of the triggered builds."""
        if self.sourceStamps:
            return [dict(stamp) for stamp in self.sourceStamps]
        if self.alwaysUseLatest:
            return []
        stamps = [stamp.asDict() for stamp in self.build.getAllSourceStamps()]
        if self.updateSourceStamp:
            for stamp in stamps:
                revision = self._got_revision(stamp["codebase"])
                stamp["revision"] = revision or stamp["revision"]
        return stamps

    def getAllGotRevisions(self) -> dict[str, Any]:
        """Return the revisions that were checked out, by codebase."""
        found = self.build.getProperty("got_revision", {})
        return found if isinstance(found, dict) else {"": found}

    def _got_revision(self, codebase: str) -> Any:
        return self.getAllGotRevisions().get(codebase)

    def _result(self) -> int:
        result = SUCCESS
        for one in self._triggered:
            if not one.is_unimportant and one.result is not None:
                result = worst_status(result, one.result)
        return result

    # The end

    def interrupt(self, reason: Any) -> Any:
        """End; builds that are waited for are cancelled."""
        return self._end(reason)

    @outgoing
    async def _end(self, reason: Any) -> None:
        self.ended = True
        await inward(super().interrupt, reason)
        if self.waitForFinish:
            await self._cancel(self.brids)

    async def _cancel(self, request_ids: Iterable[int]) -> None:
        number = self.build.number
        reason = (
            f"build #{number} of {self.build.builder.name}, which waits for it, was interrupted"
        )
        for request_id in list(request_ids):
            path = ("buildrequests", request_id)
            await inward(self.master.data.control, "cancel", {"reason": reason}, path)

    async def _add_links(self) -> None:
        if not 0 < len(self.brids) <= _MANY:
            return
        base = self.master.config.buildbotURL
        for request_id in self.brids:
            rows = await inward(self.master.data.get, ("buildrequests", request_id, "builds"))
            for row in rows:
                builder = self.master.botmaster.getBuilderById(row["builderid"])
                name = row["builderid"] if builder is None else builder.name
                url = f"{base}#/builders/{row['builderid']}/builds/{row['number']}"
                result = statusToString(row["results"])
                await self.addURL(f"{result}: {name} #{row['number']}", url)

    # Sentences

    def getCurrentSummary(self) -> dict[str, str]:
        """Say what it waits for."""
        waiting = [one.name for one in self._triggered if one.result is None]
        if self.waitForFinish and waiting:
            return {"step": f"waiting for {', '.join(waiting)}"}
        return {"step": "triggering"}

    def _words(self) -> str:
        names = [
            one.name if one.result is None else f"{one.name} ({statusToString(one.result)})"
            for one in self._triggered
        ]
        return f"triggered {', '.join(names) or 'nothing'}"


async def _value(deferred: Any) -> Any:
    return await inward(lambda: deferred)
