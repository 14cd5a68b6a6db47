"""Builders, as users' functions see them."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Builder", "enforceChosenWorker"]  # noqa: F822 - see __getattr__


def enforceChosenWorker(bldr: Any, workerforbuilder: Any, breq: Any) -> bool:
    """A ``canStartBuild`` that keeps a forced build on the worker chosen in its form."""
    chosen = breq.properties.getProperty("workername")
    if isinstance(chosen, str) and chosen:
        return bool(chosen == workerforbuilder.worker.workername)
    return True


def __getattr__(name: str) -> Any:
    # The views belong to the host, which stands above this package.
    if name == "Builder":
        return importlib.import_module("buildbot._host.views.builders").Builder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
