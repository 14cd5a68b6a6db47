"""Commands that only sleep are found by how long: no two tests choose the same."""

from __future__ import annotations

from pathlib import Path


def sleeping(seconds: str) -> list[str]:
    """Return the identifiers of the processes on this machine that sleep that long."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if line[:2] == [b"sleep", seconds.encode()]:
            found.append(process.name)
    return found
