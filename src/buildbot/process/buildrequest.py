"""Build requests, as users' functions see them."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["BuildRequest"]  # noqa: F822 - see __getattr__


def __getattr__(name: str) -> Any:
    # The views belong to the host, which stands above this package.
    if name == "BuildRequest":
        return importlib.import_module("buildbot._host.views.builders").BuildRequest
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
