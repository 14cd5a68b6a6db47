"""Making what an old name stands for, with the warning that it is old."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from buildbot._border.errors import warn
from buildbot.plugins.not_yet import NotYetValue, refusing
from buildbot.plugins.old_names import OldName


def make(module: str, name: str, old: OldName) -> Any:
    """Return what an old name stands for, and warn at the line that names it."""
    warn(f"{module}.{name} is an old name: {old.advice}")
    if old.new:
        target, _, attribute = old.new.partition(":")
        return getattr(importlib.import_module(target), attribute)
    if name[0].islower():
        return refusing(module, name)
    return _stand_in(module, name)


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
