"""What a configuration imports: ``from buildbot.plugins import *``."""

from __future__ import annotations

from typing import Any

from buildbot.plugins import catalogue
from buildbot.plugins.namespace import Namespace
from buildbot.plugins.old_names import OLD_NAMES

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


def clashes() -> list[str]:
    """Return a sentence for each name that several plug-ins offer, or that is ours as well."""
    spaces = [space for space in globals().values() if isinstance(space, Namespace)]
    return [sentence for space in spaces for sentence in space.clashes()]


_REMOVED = {
    "status": "buildbot.plugins.status was removed from Buildbot; use `reporters` and c['www']",
}


_BUILDSLAVE = {
    **{
        name: f"{module}:{name}"
        for module, names in OLD_NAMES.items()
        if module.startswith("buildbot.buildslave.")
        for name in names
    },
    "BuildSlave": "buildbot.buildslave:BuildSlave",
}


def __getattr__(name: str) -> Any:
    if name == "buildslave":
        return Namespace(f"{__name__}.buildslave", "buildbot.buildslave", _BUILDSLAVE)
    raise AttributeError(_REMOVED.get(name, f"module {__name__!r} has no attribute {name!r}"))
