"""The environment of a local worker: a clean one, whatever shell has started the master."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from chargehand_worker.clean_environment import clean_environment

FOR_THE_AGENT = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What the agent itself may need in order to run; it does not pass it on to commands."""

_REFERENCE = re.compile(r"\$\{([0-9a-zA-Z_]*)\}")


def worker_environment(own: Mapping[str, str], settings: Mapping[str, object]) -> dict[str, str]:
    """Return what a worker with these settings gets, on a master whose environment is *own*."""
    inherit = settings.get("inherit_environment")
    if inherit is True:
        environment = dict(own)
    else:
        names = inherit if isinstance(inherit, list | tuple) else ()
        environment = clean_environment(own, [str(name) for name in names])
    changes = settings.get("environment")
    if isinstance(changes, Mapping):
        _change(environment, changes)
    return environment


def _change(environment: dict[str, str], changes: Mapping[object, object]) -> None:
    """Set variables as a step's ``env`` does: None deletes, lists are joined, ${NAME} is known."""
    before = dict(environment)
    for name, value in changes.items():
        if value is None:
            environment.pop(str(name), None)
            continue
        text = os.pathsep.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        environment[str(name)] = _REFERENCE.sub(lambda found: before.get(found.group(1), ""), text)
