"""The status object of a step, as Buildbot 0.8 had it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class StepStatus:
    """What an old-style step says of itself; everything else is asked of the step."""

    def __init__(self, step: Any) -> None:
        self._step = step
        self.words: list[str] = []
        self.is_complete = False
        """Whether the words say the result themselves."""
        self.words_of_build: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._step, name)

    def say(self, words: Iterable[str], *, is_complete: bool = False) -> None:
        """Show these words for the step."""
        self.words, self.is_complete = list(words), is_complete
        if self._step._engine_runtime is not None:
            self._step.updateSummary()

    def setText(self, text: Any) -> None:
        """Show these words, a list, for the step."""
        self.say([text] if isinstance(text, str) else [str(word) for word in text])

    def setText2(self, text: Any) -> None:
        """Show these words, a list, in the build's sentence."""
        self.words_of_build = [text] if isinstance(text, str) else [str(word) for word in text]

    def getText(self) -> list[str]:
        """Return the words that are shown for the step."""
        return list(self.words)

    def getText2(self) -> list[str]:
        """Return the words that are shown in the build's sentence."""
        return list(self.words_of_build)

    def getName(self) -> str:
        """Return the step's name."""
        return str(self._step.name)

    def getResults(self) -> tuple[int | None, list[str]]:
        """Return the result, None before there is one, and the step's words for the build."""
        return self._step.results, self.getText2()

    def isStarted(self) -> bool:
        """Return whether it has begun."""
        return self._step.stepid is not None

    def isFinished(self) -> bool:
        """Return whether it has ended."""
        return self._step.results is not None

    def getBuild(self) -> Any:
        """Return the build."""
        return self._step.build

    def getLogs(self) -> list[Any]:
        """Return the step's logs."""
        return list(self._step.logs.values())

    def setHidden(self, hidden: bool) -> None:
        """Hide the step when it has ended."""
        self._step.hideStepIf = bool(hidden)
