"""What a configuration imports: ``from buildbot.plugins import *``."""

from __future__ import annotations

import importlib
from typing import Any

from buildbot.plugins import catalogue
from buildbot.plugins.namespace import Namespace

__all__ = [
    "buildslave",  # Buildbot 0.9 had it; each name of it warns where it is used.
    "changes",
    "reporters",
    "schedulers",
    "secrets",
    "statistics",
    "steps",
    "util",
    "webhooks",
    "worker",
]

changes = Namespace("buildbot.plugins.changes", "buildbot.changes", catalogue.CHANGES)
reporters = Namespace("buildbot.plugins.reporters", "buildbot.reporters", catalogue.REPORTERS)
schedulers = Namespace("buildbot.plugins.schedulers", "buildbot.schedulers", catalogue.SCHEDULERS)
secrets = Namespace("buildbot.plugins.secrets", "buildbot.secrets", catalogue.SECRETS)
statistics = Namespace("buildbot.plugins.statistics", "buildbot.statistics", {})
steps = Namespace("buildbot.plugins.steps", "buildbot.steps", catalogue.STEPS)
util = Namespace("buildbot.plugins.util", "buildbot.util", catalogue.UTIL)
webhooks = Namespace("buildbot.plugins.webhooks", "buildbot.webhooks", catalogue.WEBHOOKS)
worker = Namespace("buildbot.plugins.worker", "buildbot.worker", catalogue.WORKER)
www = Namespace("buildbot.plugins.www", "buildbot.www", {})


def clashes() -> list[str]:
    """Return a sentence for each name that several plug-ins offer, or that is ours as well."""
    spaces = [space for space in globals().values() if isinstance(space, Namespace)]
    return [sentence for space in spaces for sentence in space.clashes()]


_OLD = ("buildslave", "status")


def __getattr__(name: str) -> Any:
    if name in _OLD:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
