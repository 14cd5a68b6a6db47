"""What is wrong with a configuration, and the values that one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildbot.config.errors import ConfigErrors, ConfigWarning, error, warn
from buildbot.config.master import MasterConfig

if TYPE_CHECKING:
    from buildbot.config.builder import RESERVED_UNDERSCORE_NAMES, BuilderConfig

__all__ = [
    "RESERVED_UNDERSCORE_NAMES",
    "BuilderConfig",
    "ConfigErrors",
    "ConfigWarning",
    "MasterConfig",
    "error",
    "warn",
]


def __getattr__(name: str) -> Any:
    # Steps import this package for `error`, and BuilderConfig needs builds, which need steps.
    if name in ("BuilderConfig", "RESERVED_UNDERSCORE_NAMES"):
        from buildbot.config import builder

        return getattr(builder, name)
    raise AttributeError(f"module 'buildbot.config' has no attribute {name!r}")
