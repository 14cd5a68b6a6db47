"""A step that starts builds of other builders."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.rendering import is_constant, render_value
from buildbot.config import error
from buildbot.process.buildstep import BuildStep
from buildbot.process.properties import Properties, Property
from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, SUCCESS, statusToString
from buildbot.steps.triggering import (
    BuildLinks,
    Triggered,
    Wanted,
    all_wanted,
    deadlock_in,
    name_in,
    names_given,
    overall,
)

_log = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 2.0
_LOOK_SECONDS = 60.0
"""How often it looks whether what it waits for can go on: it looks in memory only."""


class Trigger(BuildStep):
    """Start builds by ``Triggerable`` schedulers; with ``waitForFinish``, wait for their end.

    The triggered builds get the build's source stamps: with ``updateSourceStamp`` (the default)
    at the revision that was checked out, with ``alwaysUseLatest`` none at all; or those given as
    ``sourceStamps``. ``set_properties`` and ``copy_properties`` go with them. The result is the
    worst of all buildsets that are waited for, except ``unimportantSchedulerNames``. Interrupting
    the step cancels what it waits for.

    Subclasses override `getSchedulersAndProperties` and `createTriggerProperties`.

    Args:
        schedulerNames (list[str], required, renderable): Names of the Triggerable schedulers to
            trigger.
        sourceStamp (dict[str, Any] | None): One source stamp for the triggered builds, as a
            dictionary; or sourceStamps.
        sourceStamps (list[dict[str, Any]] | None, renderable): Source stamps for the triggered
            builds, one for each codebase; by default those of this build.
        updateSourceStamp (bool | None, renderable): Use the revisions that this build has checked
            out (got_revision); the default unless source stamps are given.
        alwaysUseLatest (bool, renderable): Give the triggered builds no source stamps: they build
            the newest.
        waitForFinish (bool): Wait for the triggered builds, and take over the worst result.
        set_properties (dict[str, Any] | None, renderable): Properties for the triggered builds.
        copy_properties (list[str] | None): Names of this build's properties to hand on.
        parent_relationship (str, renderable): Words that say how the triggered builds are related
            to this one.
        unimportantSchedulerNames (list[str] | None, renderable): Schedulers whose builds do not
            count for the result.
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
        _check_names(what, schedulerNames, unimportant)
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
        self.triggeredNames: list[str] = []
        self._triggered: list[Triggered] = []
        self._problem = ""
        """Why nothing can be triggered."""
        self._off: list[str] = []
        """What is said of unimportant schedulers that cannot be triggered."""
        self._links = BuildLinks(self)
        self._deadlock = ""

    # What users override

    def getSchedulersAndProperties(self) -> Any:
        """Return a dictionary (``sched_name``, ``props_to_set``, ``unimportant``) for each
        scheduler to trigger; pairs of the first two are taken as well."""
        return [self._entry(given) for given in names_given(self.schedulerNames)]

    def _entry(self, given: Any) -> Any:
        """Complete an entry of ``schedulerNames``, which may be such a dictionary itself."""
        own = given if isinstance(given, Mapping) else {"sched_name": given}
        if not isinstance(self.set_properties, dict):
            raise TypeError(
                f"set_properties is {self.set_properties!r} in this build; it must be a dictionary"
            )
        properties = dict(self.set_properties)
        if isinstance(more := own.get("props_to_set"), dict):
            properties |= more
        elif more is not None:
            return own
        is_unimportant = own.get("sched_name") in self.unimportantSchedulerNames
        return {"unimportant": is_unimportant, **own, "props_to_set": properties}

    def createTriggerProperties(self, properties: Any) -> Any:
        """Return the properties to pass on, with their source."""
        found = Properties()
        found.update(properties, "Trigger")
        return found

    # The work

    @outgoing
    async def run(self) -> int:
        """Trigger all, and wait if that is wanted."""
        wanted = await self._wanted()
        try:
            found = [(self.getSchedulerByName(one.name), one) for one in wanted]
        except LookupError as missing:
            self._problem = str(missing.args[0])
            return EXCEPTION
        able = self._able(found)
        if able is None:
            return FAILURE
        self.triggeredNames = [one.name for _, one in able]
        try:
            if self.waitForFinish:
                await self._links.listen()
            stamps = self.prepareSourcestampListForTrigger()
            for scheduler, one in able:
                await self._trigger(scheduler, one, stamps)
            return await self._wait() if self.waitForFinish else SUCCESS
        finally:
            await self._links.end()
            if self.waitForFinish:
                # Something failed: nobody waits for the rest any more.
                left = (one for one in self._triggered if one.result is None)
                await self._cancel(number for one in left for number in one.requests.values())

    async def _wanted(self) -> list[Wanted]:
        function = f"{type(self).__name__}.getSchedulersAndProperties"
        answer = await inward(self.getSchedulersAndProperties)
        answer = await render_value(answer, self.getProperties())
        return all_wanted(answer, self.unimportantSchedulerNames, function)

    def _able(self, wanted: Iterable[tuple[Any, Wanted]]) -> list[tuple[Any, Wanted]] | None:
        """Return those that can be triggered; None for an important one that cannot, so that
        nothing is triggered."""
        able = []
        for scheduler, one in wanted:
            if getattr(scheduler, "enabled", True):
                able.append((scheduler, one))
                continue
            sentence = f'scheduler "{one.name}" is disabled; enable it, or remove it from this step'
            if not one.is_unimportant:
                self._problem = sentence
                return None
            self._off.append(sentence)
        return able

    async def _wait(self) -> int:
        """Wait for the end of all that was triggered, and return the result."""
        self.updateSummary()
        watch = self._tasks.spawn(self._watch(), name="watch for deadlocks")
        try:
            for one in self._triggered:
                one.result, _ = await _value(one.complete)
                await one.read_results(self.master)
                self.updateSummary()
        finally:
            watch.cancel()
        await self._links.add_builds()
        return CANCELLED if self.ended else overall(self._triggered)

    async def _watch(self) -> None:
        """Say so when it waits for a build that needs what this build, or one like it, holds."""
        seconds = _FIRST_LOOK_SECONDS
        while True:
            await asyncio.sleep(seconds)
            seconds = _LOOK_SECONDS
            rows = await inward(self.master.data.get, ("builds", self.build.buildid, "why"))
            found = deadlock_in(rows, self.build.buildid)
            if found.sentence and not self._deadlock:
                what = f"{self.build.builder.name} #{self.build.number}"
                _log.warning("build %s: %s", what, found.sentence)
            if found.words != self._deadlock:
                self._deadlock = found.words
                self.updateSummary()

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

    async def _trigger(self, scheduler: Any, wanted: Wanted, stamps: list[dict[str, Any]]) -> None:
        if self.ended:
            return
        submitted, complete = scheduler.trigger(
            waited_for=self.waitForFinish,
            sourcestamps=stamps,
            set_props=await inward(self.createTriggerProperties, wanted.properties),
            parent_buildid=self.build.buildid,
            parent_relationship=self.parent_relationship,
        )
        one = Triggered(name=wanted.name, is_unimportant=wanted.is_unimportant, complete=complete)
        self._triggered.append(one)
        if not self.waitForFinish:
            complete.addErrback(lambda _: None)
        _, one.requests = await _value(submitted)
        self.brids.extend(one.requests.values())
        self._links.add_requests(one.name, one.requests.values())
        if self.waitForFinish:
            await self._links.add_builds()
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

    # Sentences

    def getCurrentSummary(self) -> dict[str, str]:
        """Say what it waits for, and what has ended."""
        if not self._triggered:
            return {"step": self._described(self.description) or "triggering"}
        waiting = [one.name for one in self._triggered if one.result is None]
        if not self.waitForFinish or not waiting:
            return {"step": self._words()}
        words = f"waiting for {', '.join(waiting)}"
        return {"step": f"{words}; {self._deadlock}" if self._deadlock else words}

    def getResultSummary(self) -> Any:
        """Say what was triggered, and how each ended that was waited for."""
        if self._problem:
            return {"step": self._problem}
        if self.descriptionDone is not None:
            return super().getResultSummary()
        words = self._words()
        return {"step": words if self._is_told else f"{words} ({statusToString(self.results)})"}

    @property
    def _is_told(self) -> bool:
        """Whether the results of what was triggered tell the step's own."""
        results = [one.result for one in self._triggered]
        return self.results == SUCCESS or (self.waitForFinish and self.results in results)

    def _words(self) -> str:
        told = ", ".join(one.words for one in self._triggered)
        return "; ".join([f"triggered {told or 'nothing'}", *self._off])


def _check_names(what: str, names: Any, unimportant: Any) -> None:
    """Report names that are none, and unimportant ones that are not triggered."""
    if not is_constant(names):
        return
    if not isinstance(names, str | list | tuple | Mapping | None):
        error(f"{what}: schedulerNames must be a list of scheduler names, not {names!r}")
    elif isinstance(names, list | tuple) and isinstance(unimportant, list | tuple):
        known = [name_in(entry) for entry in names]
        for name in unimportant:
            if name not in known:
                error(f"{what}: unimportantSchedulerNames has {name!r}; schedulerNames has not")


async def _value(deferred: Any) -> Any:
    return await inward(lambda: deferred)
