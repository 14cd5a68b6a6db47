"""A latent worker for tests: it does as a test says, and keeps what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot.worker.local import LocalLatentWorker

Outcome = BaseException | float | bool | None


class FakeLatentWorker(LocalLatentWorker):
    """A worker whose machine is started and stopped as a test says.

    ``outcomes`` says how each start ends, in order: an exception is raised, False is
    returned, a number is how many seconds it takes; None, or the end of the list, succeeds at
    once. ``calls`` has what was called: ``("start", builder name)``, ``("stop", fast)``.
    """

    calls: list[tuple[str, Any]]

    @own_arguments
    def checkConfig(
        self,
        name: str,
        workdir: str | None = None,
        outcomes: Sequence[Outcome] = (),
        compatible: bool = True,
        **kwargs: Any,
    ) -> None:
        """Check the arguments, and keep them."""
        super().checkConfig(name, workdir, **kwargs)
        self.calls = []
        self.compatible = compatible
        self.builds_may_be_incompatible = not compatible
        self._outcomes = list(outcomes)

    async def start_instance(self, build: Any) -> Any:
        """Do as the test says."""
        builder = getattr(build, "builder", None)
        self.calls.append(("start", getattr(builder, "name", None)))
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome is False:
            return False
        if outcome is not None:
            await asyncio.sleep(float(outcome))
        return await super().start_instance(build)

    async def stop_instance(self, fast: bool = False) -> None:
        """Note the call."""
        self.calls.append(("stop", fast))
        await super().stop_instance(fast)

    async def isCompatibleWithBuild(self, build_props: Any) -> bool:
        """Return what the test says."""
        return self.compatible
