"""How far a running build is, and when it is expected to end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from chargehand.domain.identifiers import StepId
from chargehand.domain.prediction import Prediction
from chargehand.execution.expectations import Expected, Steps, progress_of


class BuildProgress:
    """The steps of one build: what they took, and what is still to come."""

    def __init__(self) -> None:
        self._took: dict[str, Expected] = {}
        self._began: float | None = None

    @property
    def took(self) -> Steps:
        """What the steps took so far."""
        return self._took

    def begin(self) -> None:
        """A step begins."""
        self._began = asyncio.get_running_loop().time()

    def end(self, name: str, metrics: Mapping[str, float], seconds_waited: float) -> None:
        """The step has ended; for some seconds it waited for locks."""
        self._took[name] = Expected(max(self._elapsed() - seconds_waited, 0.0), dict(metrics))
        self._began = None

    def predicted(
        self,
        expected: Steps,
        *,
        now: float,
        name: str | None,
        step_id: StepId | None,
        metrics: Mapping[str, float],
    ) -> tuple[Prediction, ...]:
        """Return the expected end of the build, and of the step that runs; nothing if unknown."""
        to_come = [step for step in expected if step not in self._took and step != name]
        left = sum(expected[step].seconds for step in to_come)
        of_step: list[Prediction] = []
        if name is not None and (step := expected.get(name)) is not None:
            progress = progress_of(step, self._elapsed(), metrics)
            seconds = step.seconds * (1 - progress)
            of_step.append(_prediction(seconds, progress, now, name=name, step_id=step_id))
            left += seconds
        if not of_step and not to_come:
            return ()
        done = sum(step.seconds for step in self._took.values()) + self._elapsed()
        progress = done / (done + left) if done + left > 0 else 1.0
        return (_prediction(left, progress, now), *of_step)

    def _elapsed(self) -> float:
        return 0.0 if self._began is None else asyncio.get_running_loop().time() - self._began


def _prediction(
    seconds: float, progress: float, now: float, *, name: str = "", step_id: StepId | None = None
) -> Prediction:
    return Prediction(
        step_id=step_id,
        name=name,
        eta=now + seconds,
        seconds_left=round(seconds, 3),
        progress=round(progress, 4),
    )
