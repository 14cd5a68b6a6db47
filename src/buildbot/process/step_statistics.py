"""Numbers that a step counts: tests that failed, warnings, and so on."""

from __future__ import annotations

from typing import Any


class StepStatistics:
    """A step's statistics, by their names."""

    def _setup_statistics(self) -> None:
        self.statistics: dict[str, Any] = {}

    def getStatistic(self, name: str, default: Any = None) -> Any:
        """Return a statistic of the step."""
        return self.statistics.get(name, default)

    def getStatistics(self) -> dict[str, Any]:
        """Return all statistics of the step."""
        return dict(self.statistics)

    def hasStatistic(self, name: str) -> bool:
        """Return whether there is such a statistic."""
        return name in self.statistics

    def setStatistic(self, name: str, value: Any) -> None:
        """Set a statistic, which `Build.getSummaryStatistic` can add up."""
        self.statistics[name] = value
