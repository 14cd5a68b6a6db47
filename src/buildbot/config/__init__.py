"""What is wrong with a configuration, and the values that one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildbot.config.errors import ConfigErrors, ConfigWarning, error, warn
from buildbot.config.master import MasterConfig

if TYPE_CHECKING:
    from buildbot.config.builder import BuilderConfig

__all__ = ["BuilderConfig", "ConfigErrors", "ConfigWarning", "MasterConfig", "error", "warn"]


def __getattr__(name: str) -> Any:
    # Steps import this package for `error`, and BuilderConfig needs builds, which need steps.
    if name == "BuilderConfig":
        from buildbot.config.builder import BuilderConfig

        return BuilderConfig
    raise AttributeError(f"module 'buildbot.config' has no attribute {name!r}")
