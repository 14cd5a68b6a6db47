"""A command's environment: the worker's own, altered as the step asks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from chargehand_worker.system_text import text_of

_REFERENCE = re.compile(r"\$\{([0-9a-zA-Z_]*)\}")


class BadEnvironment(Exception):
    """The step asks for a variable that is not valid."""


def merged(own: Mapping[str, str], asked: Mapping[str, Any] | None) -> dict[str, str]:
    """Return *own* with *asked* over it, by Buildbot's rules.

    None deletes a variable, lists are joined like PATH, ``${NAME}`` stands for the worker's own
    variable (nothing when it has none), and the worker's PYTHONPATH follows the one asked for.
    """
    result = dict(own)
    for name, value in (asked or {}).items():
        if value is None:
            result.pop(name, None)
            continue
        text = _text(name, value)
        if name == "PYTHONPATH":
            text = f"{text}{os.pathsep}{own.get('PYTHONPATH', '')}"
        result[name] = _REFERENCE.sub(lambda found: own.get(found.group(1), ""), text)
    return result


def _text(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = os.pathsep.join(map(text_of, value))
    if isinstance(value, bytes):
        value = text_of(value)
    if not isinstance(value, str):
        raise BadEnvironment(
            f"environment variable {name} must be a string or a list of them, not {value!r}"
        )
    if not name or "=" in name or "\0" in name + value:
        raise BadEnvironment(f"environment variable {name!r} has a name or value that cannot be")
    return value
