"""What all steps have in common that get sources."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.numbers import COUNT, SECONDS, SECONDS_OR_NONE, check_number
from buildbot._border.old_arguments import without_ignored
from buildbot._border.rendering import is_constant
from buildbot.process.buildstep import BuildStep
from buildbot.process.errors import BuildStepCancelled
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS, WARNINGS
from buildbot.process.step_arguments import check_environment
from buildbot.steps.source.patching import Patching
from buildbot.steps.worker import CompositeStepMixin

__all__ = ["Source"]


class Source(Patching, CompositeStepMixin, BuildStep):
    """Gets the sources that the build's source stamp names. Subclasses override ``run_vc``.

    A patch of the source stamp is applied after that with ``patch``, unless ``run_vc`` has done it.
    ``run_vc`` removes what the patch of an earlier build left, if `sourcedirIsPatched`.

    ``codebase`` selects the source stamp. With ``alwaysUseLatest`` its revision does not count.
    ``retry`` is ``(delay, repeats)`` for a full checkout that fails.

    Args:
        mode (str): How sources are brought up to date; see the steps of each version-control
            system.
        alwaysUseLatest (bool, renderable): Ignore the source stamp's revision, and take the newest.
        timeout (float | None, seconds, renderable): Kill a command that writes nothing for so long.
        retry (tuple[float, int] | list[float] | None): (delay in seconds, repeats) for a checkout
            that fails.
        env (dict[str, str | list[str] | None] | None, renderable): Environment variables of the
            commands.
        logEnviron (bool, renderable): Whether the log's header shows the environment.
        codebase (str, renderable): Codebase whose source stamp is checked out.
    """

    renderables = ["alwaysUseLatest", "branch", "codebase", "env", "logEnviron", "timeout"]

    branch: Any = None
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(
        self,
        workdir: Any = None,
        mode: Any = "update",
        alwaysUseLatest: Any = False,
        timeout: Any = 20 * 60,
        retry: tuple[float, int] | None = None,
        env: Any = None,
        logEnviron: Any = True,
        description: Any = None,
        descriptionDone: Any = None,
        descriptionSuffix: Any = None,
        codebase: Any = "",
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        super().__init__(workdir=workdir, **without_ignored(kind, kwargs))
        self.mode = mode
        check_number(kind, "timeout", timeout, SECONDS_OR_NONE)
        self.alwaysUseLatest = alwaysUseLatest
        self.timeout = timeout
        check_environment(env, type(self).__name__, "env")
        self.env = env
        self.logEnviron = logEnviron
        self.codebase = codebase
        self.retry = _checked_retry(type(self).__name__, retry)
        self.failure: str | None = None
        self._woken = asyncio.Event()
        self.sourcestamp: Any = None
        self.stdio_log: Any = None
        if codebase and is_constant(codebase) and is_constant(self.name):
            self.name = f"{self.name}-{codebase}"
        self.description = description or self.description or ["updating"]
        self.descriptionDone = descriptionDone or self.descriptionDone or ["update"]
        self.descriptionSuffix = descriptionSuffix or self.descriptionSuffix
        if not self.descriptionSuffix and codebase:
            self.descriptionSuffix = [codebase]

    def getResultSummary(self) -> Any:
        """Return what could not be done, and why, where that is known."""
        if self.failure and self.results not in (SUCCESS, CANCELLED):
            return {"step": self.failure}
        return super().getResultSummary()

    def updateSourceProperty(self, name: str, value: Any, source: str = "") -> None:
        """Set a property of the build; with codebases it is a dictionary of them."""
        origin = source or type(self).__name__
        if self.codebase:
            values = self.getProperty(name, None)
            if not isinstance(values, dict):
                values = {}
            self.setProperty(name, {**values, self.codebase: value}, origin)
        else:
            self.setProperty(name, value, origin)

    def computeSourceRevision(self, changes: Sequence[Any]) -> Any:
        """Return the revision that has all these changes; None is the newest."""
        return None

    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        """Get the sources; return a result, or a coroutine or Deferred of it."""
        raise NotImplementedError("a Source step must implement run_vc()")

    @outgoing
    async def run(self) -> Any:
        """Determine what to check out, and check it out."""
        self.getProperties()._redaction.hide_password(getattr(self, "repourl", None))
        self.stdio_log = self.rc_log = await self.addLog("stdio")
        branch, revision, patch = self.branch, None, None
        if not self.alwaysUseLatest:
            stamp = self.build.getSourceStamp(self.codebase)
            if stamp is None and self.codebase:
                return await self._refused(f'this build has no codebase "{self.codebase}"')
            if stamp is not None:
                self.sourcestamp = stamp
                branch = stamp.branch or self.branch
                revision = stamp.revision or self._revision_of(stamp.changes)
                patch = stamp.patch
        result = await inward(self.run_vc, branch, revision, patch)
        if patch is not None and result in (SUCCESS, WARNINGS) and not self.is_patched:
            await inward(self.patch, patch)
        return result

    def _revision_of(self, changes: Sequence[Any]) -> Any:
        return self.computeSourceRevision(changes) if changes else None

    def interrupt(self, reason: Any) -> Any:
        """Stop the running command, and do not wait for anything."""
        self._woken.set()
        return super().interrupt(reason)

    async def _wait(self, seconds: float) -> None:
        """Wait, unless the step is interrupted."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        raise BuildStepCancelled

    async def _refused(self, sentence: str) -> int:
        await self.stdio_log.addHeader(f"{sentence}\n")
        self.failure = sentence
        return FAILURE


def _checked_retry(kind: str, retry: Any) -> tuple[float, int] | None:
    if retry is None:
        return None
    match retry:
        case (delay, repeats) if SECONDS.has(delay) and COUNT.has(repeats):
            return delay, repeats
    error(
        f"{kind}: retry must be a tuple (seconds of delay, repeats), both 0 or more, not {retry!r}"
    )
    return None
