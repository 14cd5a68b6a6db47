"""Builders, as users' functions see them."""

from __future__ import annotations

from typing import Any

from buildbot._host.views import Builder

__all__ = ["Builder", "enforceChosenWorker"]


def enforceChosenWorker(bldr: Any, workerforbuilder: Any, breq: Any) -> bool:
    """A ``canStartBuild`` that keeps a forced build on the worker chosen in its form."""
    chosen = breq.properties.getProperty("workername")
    if isinstance(chosen, str) and chosen:
        return bool(chosen == workerforbuilder.worker.workername)
    return True
