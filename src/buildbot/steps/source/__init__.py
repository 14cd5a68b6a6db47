"""Steps that get the sources."""

from __future__ import annotations

from typing import Any

from buildbot.steps.source.base import Source

__all__ = ["Git", "Source"]


def __getattr__(name: str) -> Any:
    if name == "Git":  # its module needs this one
        from buildbot.steps.source.git import Git

        return Git
    raise AttributeError(f"module 'buildbot.steps.source' has no attribute {name!r}")
