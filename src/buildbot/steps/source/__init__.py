"""Steps that get the sources."""

from __future__ import annotations

from typing import Any

from buildbot._border.finder import old_names_of
from buildbot.steps.source.base import Source

__all__ = ["Git", "Source"]


_old_name = old_names_of(__name__)


def __getattr__(name: str) -> Any:
    if name == "Git":  # its module needs this one
        from buildbot.steps.source.git import Git

        return Git
    return _old_name(name)
