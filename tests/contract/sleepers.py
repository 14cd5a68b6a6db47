"""Commands that only sleep are found by how long: no two tests choose the same."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

HIDING = {
    "background": "sleep {} &",
    "session": "setsid sleep {} &",
    "double-fork": "(setsid sh -c '(sleep {}; :) & sleep {}' &) &",
    "ignores-term": "sh -c 'trap \"\" TERM HUP INT; sleep {}; :' &",
    "clean-environment": "cd /; env -i setsid sleep {} &",
    "closed-streams": "cd /; (env -i setsid sleep {} </dev/null >/dev/null 2>&1 &);",
}
"""Scripts whose children outlive them unless somebody looks for them; {} is for how long."""


def all_hiding(seconds: int, *, but: Collection[str] = ()) -> str:
    """Return a script that starts children of all kinds, *but* these."""
    scripts = [script for kind, script in HIDING.items() if kind not in but]
    return "\n".join(script.replace("{}", str(seconds)) for script in scripts)


def sleeping(seconds: int | str) -> list[str]:
    """Return the identifiers of the processes on this machine that sleep that long."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if line[:2] == [b"sleep", str(seconds).encode()]:
            found.append(process.name)
    return found
