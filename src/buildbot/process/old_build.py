"""What old versions of Buildbot called the parts of a build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class OldBuildNames:
    """Old names of a build's attributes, and of what its status object had.

    `getWorkerName` and `getSlaveName` are one method under two names: a subclass that overrides
    either is asked by both.
    """

    workername: str
    workerforbuilder: Any
    executedSteps: list[Any]
    results: int | None
    reason: str
    number: int | None
    builder: Any
    sources: list[Any]
    changes: list[Any]
    blamelist: Callable[[], list[str]]

    def getWorkerName(self) -> str:
        """Return the worker's name."""
        kind = type(self)
        if _is_ours(kind.getWorkerName) and not _is_ours(kind.getSlaveName):
            return self.getSlaveName()
        return self.workername

    def getSlaveName(self) -> str:
        """Return the worker's name: the old name of `getWorkerName`."""
        kind = type(self)
        if _is_ours(kind.getSlaveName) and not _is_ours(kind.getWorkerName):
            return self.getWorkerName()
        return self.workername

    def getSlavename(self) -> str:
        """Return the worker's name, as a status object did."""
        return self.getWorkerName()

    def getWorkername(self) -> str:
        """Return the worker's name, as a status object did."""
        return self.getWorkerName()

    @property
    def slavename(self) -> str:
        """The worker's name."""
        return self.getWorkerName()

    @property
    def slavebuilder(self) -> Any:
        """The worker, as this builder uses it."""
        return self.workerforbuilder

    @property
    def build_status(self) -> Any:
        """The build: kept for code that asks a build for its status."""
        return self

    def getReason(self) -> str:
        """Return why it was asked for."""
        return self.reason

    def getNumber(self) -> int | None:
        """Return its number."""
        return self.number

    def getResults(self) -> int | None:
        """Return its result so far."""
        return self.results

    def getBuilder(self) -> Any:
        """Return its builder."""
        return self.builder

    def getSourceStamps(self) -> list[Any]:
        """Return its source stamps."""
        return list(self.sources)

    def getResponsibleUsers(self) -> list[str]:
        """Return the authors of its changes."""
        return self.blamelist()

    def getChanges(self) -> list[Any]:
        """Return its changes."""
        return list(self.changes)

    def getSteps(self) -> list[Any]:
        """Return the status objects of the steps that ran."""
        return [step.step_status for step in self.executedSteps]

    @property
    def source(self) -> Any:
        """The first source stamp, None if there is none."""
        return self.sources[0] if self.sources else None


def _is_ours(method: Any) -> bool:
    return getattr(method, "__module__", "") == __name__
