"""A clean environment for commands, whatever shell has started their worker."""

from __future__ import annotations

import fnmatch
import os
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
_KEPT_ON_WINDOWS = (
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERDOMAIN",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES*",
    "COMMONPROGRAMFILES*",
    "PROCESSOR_*",
    "NUMBER_OF_PROCESSORS",
    "OS",
)

_OF_THE_WORKER = (
    "BUILDMASTER",
    "BUILDMASTER_PORT",
    "BUILDMASTER_PROTOCOL",
    "WORKERNAME",
    "WORKERPASS",
    "CHARGEHAND_*",
)
"""What a container is told for its worker, and what marks processes."""

_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


def clean_environment(own: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return what commands inherit of *own*: the usual variables, and those with these *names*."""
    of_the_system = _KEPT_ON_WINDOWS if sys.platform == "win32" else ()
    patterns = (*KEPT, *of_the_system, *names)
    environment = _of_the_user()
    for name, value in own.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            environment[name] = value
    environment["PATH"] = _path_without_ours(environment.get("PATH", ""), own)
    return environment


def is_made_for_worker(own: Mapping[str, str], name: str) -> bool:
    """Return whether an environment was made for this worker: a master that starts a container
    says so, and the author of the image chose the rest."""
    return own.get("WORKERNAME") == name and bool(own.get("BUILDMASTER"))


def container_environment(own: Mapping[str, str], password: str) -> dict[str, str]:
    """Return what commands inherit in a container that was made for their worker: all but what is
    the worker's own, and its *password* under whatever name."""
    environment = _of_the_user()
    for name, value in own.items():
        is_ours = any(fnmatch.fnmatchcase(name, pattern) for pattern in _OF_THE_WORKER)
        if not is_ours and value != password:
            environment[name] = value
    return environment


def _of_the_user() -> dict[str, str]:
    """Return what a login would set, where the master was started without (by systemd, say)."""
    if sys.platform == "win32":
        return {}
    import pwd

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
        ours |= {Path(sys.prefix, name) for name in ("bin", "Scripts")}
    places = {os.path.realpath(place) for place in ours}
    kept = [entry for entry in path.split(os.pathsep) if os.path.realpath(entry) not in places]
    return os.pathsep.join(kept) if any(kept) else _DEFAULT_PATH
