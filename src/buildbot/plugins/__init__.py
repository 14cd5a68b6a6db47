"""What a configuration imports: ``from buildbot.plugins import *``."""

from __future__ import annotations

from typing import Any

from buildbot.plugins import catalogue
from buildbot.plugins.namespace import Namespace

__all__ = [
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

_REMOVED = {
    "buildslave": "buildbot.plugins.buildslave was removed from Buildbot; use `worker`",
    "status": "buildbot.plugins.status was removed from Buildbot; use `reporters` and c['www']",
}


def __getattr__(name: str) -> Any:
    raise AttributeError(_REMOVED.get(name, f"module {__name__!r} has no attribute {name!r}"))
