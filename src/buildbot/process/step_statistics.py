"""Numbers that a step counts: tests that failed, warnings, and so on."""

from __future__ import annotations

import json
import logging
from typing import Any

from chargehand.domain.json import Json

_log = logging.getLogger(__name__)


class StepStatistics:
    """A step's statistics, by their names. They are stored when the step's code has ended."""

    def _setup_statistics(self) -> None:
        self.statistics: dict[str, Any] = {}

    def getStatistic(self, name: str, default: Any = None) -> Any:
        """Return a statistic of the step, *default* if it has none of that name."""
        return self.statistics.get(name, default)

    def getStatistics(self) -> dict[str, Any]:
        """Return all statistics of the step."""
        return dict(self.statistics)

    def hasStatistic(self, name: str) -> bool:
        """Return whether there is such a statistic."""
        return name in self.statistics

    def setStatistic(self, name: str, value: Any) -> None:
        """Set a statistic, which `Build.getSummaryStatistic` can add up.

        ``GET /api/v2/builds/ID/statistics`` shows it once the step has run, if its value has a JSON
        form.
        """
        self.statistics[name] = value

    def _stored_statistics(self) -> dict[str, Json]:
        """Return what can be stored; warn about the rest, which only this build can read."""
        stored: dict[str, Json] = {}
        for name, value in self.statistics.items():
            try:
                stored[str(name)] = json.loads(json.dumps(value, allow_nan=False))
            except (TypeError, ValueError, RecursionError) as error:
                _log.warning(
                    'step "%s": statistic "%s" is not stored: %s',
                    getattr(self, "name", "?"),
                    name,
                    error,
                )
        return stored
