"""What users name of builders."""

from __future__ import annotations

from typing import Any


def enforceChosenWorker(bldr: Any, workerforbuilder: Any, breq: Any) -> bool:
    """A ``canStartBuild`` that keeps a forced build on the worker chosen in its form."""
    chosen = breq.properties.getProperty("workername")
    if isinstance(chosen, str) and chosen:
        return bool(chosen == workerforbuilder.worker.workername)
    return True
