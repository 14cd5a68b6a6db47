"""The information that the worker sends about itself when it connects."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from chargehand_worker.header import looks_secret

_TOLD_IN_FILES = ("admin", "host", "access_uri")
_LONGEST_FACT = 64 * 1024
_WITHOUT_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_RELEASE_FILES = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_RELEASE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_COMMAND_VERSION = "3.3"
"""What Buildbot's own workers say, so that steps which ask for a version are satisfied."""


def facts(
    basedir: Path,
    environment: Mapping[str, str],
    commands: Sequence[str],
    *,
    numcpus: int | None = None,
) -> dict[str, Any]:
    """Return the worker's information, with the names that ``domain.worker.WorkerInfo`` has."""
    told = {name: _read(basedir / "info" / name) for name in _TOLD_IN_FILES}
    return {
        **told,
        "version": version(),
        "basedir": str(basedir),
        "system": os.name,
        "numcpus": numcpus or os.cpu_count(),
        "os": _operating_system(),
        "environ": {key: value for key, value in environment.items() if not looks_secret(key)},
        "commands": dict.fromkeys(commands, _COMMAND_VERSION),
    }


def _operating_system() -> dict[str, str]:
    """Return what the system says of itself, by the names of Buildbot's workers: `os_id` …"""
    text = next(filter(None, map(_read, _RELEASE_FILES)), "")
    found = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition("=")
        if _RELEASE_NAME.fullmatch(name):
            with contextlib.suppress(ValueError):  # a quotation mark without its other
                found[f"os_{name.lower()}"] = " ".join(shlex.split(value))
    return found


def _read(path: Path) -> str | None:
    try:
        # Not blocking: a named pipe in its place must not keep the worker from starting.
        with os.fdopen(os.open(path, _WITHOUT_WAITING), "rb") as file:
            return (file.read(_LONGEST_FACT) or b"").decode(errors="replace").strip()
    except OSError:
        return None


def version() -> str:
    """Return the version of what is installed."""
    for distribution in ("chargehand-worker", "chargehand"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(distribution)
    return "unknown"
