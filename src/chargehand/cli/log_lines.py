"""Reading a master's log while it is written."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from chargehand.cli.basedir import PidFile

_PREFIX = re.compile(r"^[\d-]{10} [\d:.]{12} \[[\w.]+\] ")


def new_lines(path: Path, place: int, timeout: float, pid_file: PidFile) -> Iterator[str]:
    """Return the lines after *place* as they are written; end when the master has exited."""
    deadline = time.monotonic() + timeout
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(place)
        partial = ""
        while time.monotonic() < deadline:
            is_running = pid_file.running() is not None
            partial += file.readline()
            if partial.endswith("\n"):
                yield partial
                partial = ""
            elif not is_running:
                return
            else:
                time.sleep(0.02)


def without_level(line: str) -> str:
    """Return an error's text alone."""
    return without_prefix(line).removeprefix("ERROR: ").rstrip()


def without_prefix(line: str) -> str:
    """Cut date, time and logger off a line of the log; the lines of a long message have none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        record = json.loads(line)
        level = "" if record["level"] == "info" else f"{record['level'].upper()}: "
        return f"{level}{record['event']}\n"
    return _PREFIX.sub("", line)
