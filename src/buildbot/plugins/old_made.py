"""Making what an old name stands for, with the warning that it is old."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any

from buildbot import plugins
from buildbot._border.errors import warn
from buildbot.interfaces import empty_interface
from buildbot.plugins.inner_names import is_inner
from buildbot.plugins.not_yet import NotYetValue, refusing
from buildbot.plugins.old_names import OldName
from buildbot.process import results

_INTERFACE = re.compile(r"I[A-Z][a-z]")
_RESULTS = frozenset(
    {"SUCCESS", "WARNINGS", "FAILURE", "SKIPPED", "EXCEPTION", "RETRY", "CANCELLED", "Results"}
)


def make(module: str, name: str, old: OldName) -> Any:
    """Return what an old name stands for, and warn at the line that names it."""
    warn(f"{module}.{name} is an old name: {old.advice}")
    if old.new:
        return _named(old.new)
    return _without_meaning(module, name)


def inner(module: str, name: str) -> Any:
    """Return what stands for a name that Buildbot had for itself, None if it had none."""
    if name in _RESULTS:
        warn(f"{module}.{name} is an old name: use buildbot.process.results.{name}")
        return getattr(results, name)
    if not is_inner(module, name):
        return None
    warn(f"{module}.{name} is a name of Buildbot's own; it is accepted, and does nothing")
    return _without_meaning(module, name)


def _named(target: str) -> Any:
    module, _, attribute = target.partition(":")
    if module.startswith(f"{plugins.__name__}."):
        return getattr(getattr(plugins, module.rpartition(".")[2]), attribute)
    return getattr(importlib.import_module(module), attribute)


def _without_meaning(module: str, name: str) -> Any:
    if name.isupper():
        return name
    if _INTERFACE.match(name):
        return empty_interface(name, module)
    return refusing(module, name) if name[0].islower() else _stand_in(module, name)


@cache
def _stand_in(module: str, name: str) -> type:
    """Return the same class each time: what is made of it must not look changed when the
    configuration is read again."""
    body = {
        "__module__": module,
        "__doc__": f"{name}: accepted, and does nothing.",
        "documented": ("*",),
        "documented_name": name,
    }
    return type(name, (NotYetValue,), body)
