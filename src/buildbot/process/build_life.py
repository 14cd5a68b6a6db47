"""How a build begins, goes from step to step, and ends: the methods that build classes override."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from buildbot._border.bridge import answered, outgoing, settled
from buildbot.process.properties import Properties
from chargehand.domain.properties import Property
from chargehand.execution.rules import after_step, as_result


class BuildLife:
    """The life of a build. The engine calls each of these methods, as subclasses override it."""

    properties: Properties
    steps: list[Any]
    results: int | None
    setupBuild: Callable[[], Any]

    def _setup_life(self) -> None:
        self._given_properties: Mapping[str, Property] = {}
        self._flags: Any = None
        """How the result of the step that ended last bears on the build."""
        self.finished = False
        self.text: list[str] = []
        """What `buildFinished` was given to say of the build."""

    @outgoing
    async def startBuild(self, workerforbuilder: Any) -> None:
        """Take the properties, and make the steps. Subclasses may do more before and after."""
        await answered("acquireLocks", self.acquireLocks)
        await answered("setupProperties", self.setupProperties)
        await answered("setupBuild", self.setupBuild)

    def setupProperties(self) -> Any:
        """Take the properties of the master, changes, request, builder, and worker.

        Subclasses may set others after that: they are recorded before the first step runs.
        """
        self.properties.properties.update(self._given_properties)

    def acquireLocks(self, res: Any = None) -> Any:
        """Do nothing: the build has the locks of its builder when it begins."""
        return settled(None)

    def releaseLocks(self) -> Any:
        """Do nothing: the locks of its builder are released after the build has ended."""

    def getNextStep(self) -> Any:
        """Return the step to run next, None at the end.

        After the build was halted or stopped, those that do not always run are left out.
        """
        return self.steps.pop(0) if self.steps else None

    def stepDone(self, results: int, step: Any) -> Any:
        """Count a step's result into ``results``; return whether only steps that always run may
        follow."""
        before, result = as_result(self.results), as_result(results)
        if result is None or before is None:
            raise TypeError(f"stepDone needs a result such as SUCCESS, not {results!r}")
        outcome, halts = after_step(self._flags, result, before)
        self.results = int(outcome)
        return halts

    def allStepsDone(self) -> Any:
        """End the build with its results. It is called after the last step."""
        return self.buildFinished([], self.results)

    def buildFinished(self, text: Any, results: int | None) -> Any:
        """End the build with these results; *text*, a list of words, is what is shown of it."""
        self.text = list(text)
        self.results = results
        return self.releaseLocks()
