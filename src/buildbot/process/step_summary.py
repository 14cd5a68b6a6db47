"""The summaries of a step: while it runs, when it has ended, and for its build."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from buildbot._border.bridge import answered, outgoing
from buildbot._border.errors import error
from buildbot.process.results import (
    ALL_RESULTS,
    CANCELLED,
    EXCEPTION,
    FAILURE,
    RETRY,
    SUCCESS,
    WARNINGS,
    statusToString,
)
from chargehand.kit.tasks import Tasks

_PAUSE = 1.0
"""Seconds between two summaries of a step that runs."""


def summary_policy(step: Any, kind: str) -> Any:
    """Return ``updateBuildSummaryPolicy`` of a step as a list of results; by default those that
    bear on the build's result."""
    policy = step.updateBuildSummaryPolicy
    if policy is None:
        policy = [EXCEPTION, RETRY, CANCELLED]
        if step.haltOnFailure or step.flunkOnFailure or step.warnOnFailure:
            policy.append(FAILURE)
        if step.flunkOnWarnings or step.warnOnWarnings:
            policy.append(WARNINGS)
        return policy
    if isinstance(policy, bool):
        return ALL_RESULTS if policy else []
    if not isinstance(policy, list):
        error(
            f"{kind} updateBuildSummaryPolicy must be a list of result ids or boolean but it "
            f"is {policy!r}"
        )
    return policy


class StepSummary:
    """The summaries of a step; subclasses override `getCurrentSummary` and `getResultSummary`."""

    description: Any
    descriptionDone: Any
    results: int | None
    timed_out: bool
    max_lines_reached: bool
    updateBuildSummaryPolicy: Any
    _running: bool
    _tasks: Tasks
    _engine_runtime: Any
    _described: Callable[[Any], str]
    _old_words: Callable[[], str | None]
    _old_summary: Callable[[], dict[str, str] | None]

    def _setup_summary(self) -> None:
        for name in ("description", "descriptionDone", "descriptionSuffix"):
            words = getattr(self, name)
            if isinstance(words, str):
                setattr(self, name, [words])  # subclasses append to it
        self._summary_is_old = False
        self._shows_summary = False

    def getCurrentSummary(self) -> dict[str, str]:
        """Return ``{"step": what the step is doing}``."""
        return {"step": self._described(self.description) or "running"}

    def getResultSummary(self) -> Any:
        """Return ``{"step": what the step did, "build": its part in the build's sentence}``, of
        which both may be missing."""
        done = self.description if self.descriptionDone is None else self.descriptionDone
        sentence = self._described(done) or "finished"
        if self.results != SUCCESS:
            sentence += f" ({statusToString(self.results)})"
        if self.timed_out:
            sentence += " (timed out)"
        elif self.max_lines_reached:
            sentence += " (max lines)"
        return {"step": sentence}

    @outgoing
    async def getBuildResultSummary(self) -> dict[str, str]:
        """Return the result's summary with ``build`` as the step's ``updateBuildSummaryPolicy``
        wants it."""
        return await self._build_summary()

    async def _build_summary(self) -> dict[str, str]:
        """Do the work of `getBuildResultSummary`."""
        return self._for_build(dict(await self._result_summary()))

    def _for_build(self, summary: dict[str, str]) -> dict[str, str]:
        """Return a result's summary with ``build`` as the policy wants it."""
        if (
            self.results in self.updateBuildSummaryPolicy
            and "build" not in summary
            and "step" in summary
        ):
            return {**summary, "build": summary["step"]}
        return summary

    @property
    def _summary_is_ours(self) -> bool:
        """Whether no code of users says what it did: asked twice, it says the same twice."""
        kind = type(self)
        if kind.getBuildResultSummary is not StepSummary.getBuildResultSummary:
            return False
        asked = getattr(self.getResultSummary, "__func__", None)
        return getattr(asked, "__module__", "").startswith("buildbot.process.")

    async def _result_summary(self) -> Any:
        """Return what an old-style step says, or what `getResultSummary` does."""
        if (said := self._old_summary()) is not None:
            return said
        summary = await answered("getResultSummary", self.getResultSummary)
        if not isinstance(summary, dict):
            raise TypeError(f"getResultSummary() must return a dictionary, not {summary!r}")
        return summary

    def updateSummary(self) -> None:
        """Show what `getCurrentSummary` says: now, and again at most once a second."""
        if not self._running or self.results is not None:
            return
        self._summary_is_old = True
        if not self._shows_summary:
            self._shows_summary = True
            self._tasks.spawn(self._show_summaries(), name="update the summary")

    async def _show_summaries(self) -> None:
        try:
            while self._summary_is_old:
                self._summary_is_old = False
                self._engine_runtime.set_state(await self._current_sentence())
                await asyncio.sleep(_PAUSE)
        finally:
            self._shows_summary = False

    async def _current_sentence(self) -> str:
        """Return what the step is doing."""
        if (words := self._old_words()) is not None:
            return words
        summary = await answered("getCurrentSummary", self.getCurrentSummary)
        return str(summary.get("step", "finished") if isinstance(summary, dict) else summary)
