"""The environment of a local worker: a clean one, whatever shell has started the master."""

from __future__ import annotations

import fnmatch
import os
import pwd
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""What commands inherit of the master's environment, unless the worker is to inherit more."""
FOR_THE_AGENT = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What the agent itself may need in order to run; it does not pass it on to commands."""

_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_REFERENCE = re.compile(r"\$\{([0-9a-zA-Z_]*)\}")


def worker_environment(own: Mapping[str, str], settings: Mapping[str, object]) -> dict[str, str]:
    """Return what a worker with these settings gets, on a master whose environment is *own*."""
    inherit = settings.get("inherit_environment")
    if inherit is True:
        environment = dict(own)
    else:
        names = inherit if isinstance(inherit, list | tuple) else ()
        environment = _clean(own, (*KEPT, *map(str, names)))
    changes = settings.get("environment")
    if isinstance(changes, Mapping):
        _change(environment, changes)
    return environment


def _clean(own: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    environment = _of_the_user()
    for name, value in own.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            environment[name] = value
    environment["PATH"] = _path_without_ours(environment.get("PATH", ""), own)
    return environment


def _of_the_user() -> dict[str, str]:
    """Return what a login would set, where the master was started without (by systemd, say)."""
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return {}
    return {
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
    }


def _path_without_ours(path: str, own: Mapping[str, str]) -> str:
    """Return PATH without the virtual environment that the master itself runs in."""
    ours = {Path(own["VIRTUAL_ENV"], "bin")} if own.get("VIRTUAL_ENV") else set()
    if sys.prefix != sys.base_prefix:
        ours.add(Path(sys.prefix, "bin"))
    places = {os.path.realpath(place) for place in ours}
    kept = [entry for entry in path.split(os.pathsep) if os.path.realpath(entry) not in places]
    return os.pathsep.join(kept) if any(kept) else _DEFAULT_PATH


def _change(environment: dict[str, str], changes: Mapping[object, object]) -> None:
    """Set variables as a step's ``env`` does: None deletes, lists are joined, ${NAME} is known."""
    before = dict(environment)
    for name, value in changes.items():
        if value is None:
            environment.pop(str(name), None)
            continue
        text = os.pathsep.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        environment[str(name)] = _REFERENCE.sub(lambda found: before.get(found.group(1), ""), text)
