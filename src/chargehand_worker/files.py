"""The commands for files: short ones, run in the agent itself."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargehand_worker.arguments import text, texts
from chargehand_worker.receiving import download

Values = dict[str, Any]
"""What the command found, besides ``rc``."""

FileCommand = Callable[[Path, dict[str, Any]], Values]
"""Does the work below a directory. Raises OSError; runs in a thread of its own."""


def mkdir(base: Path, arguments: dict[str, Any]) -> Values:
    """Make directories, with their parents; existing ones are kept."""
    for name in texts(arguments, "dir"):
        (base / name).mkdir(parents=True, exist_ok=True)
    return {}


def stat(base: Path, arguments: dict[str, Any]) -> Values:
    """Return ``os.stat`` of a file as ten integers."""
    path = base / str(arguments.get("workdir") or "") / text(arguments, "file")
    return {"stat": [int(number) for number in tuple(path.stat())]}


def find(base: Path, arguments: dict[str, Any]) -> Values:
    """Return the files that match a pattern."""
    pattern = os.path.join(base, text(arguments, "path"))  # noqa: PTH118 - keep the pattern as it is
    return {"files": sorted(glob.glob(pattern, recursive=True))}  # noqa: PTH207 - as above


def listdir(base: Path, arguments: dict[str, Any]) -> Values:
    """Return the names in a directory."""
    return {"files": sorted(found.name for found in (base / text(arguments, "dir")).iterdir())}


def rmfile(base: Path, arguments: dict[str, Any]) -> Values:
    """Remove a file."""
    (base / text(arguments, "path")).expanduser().unlink()
    return {}


def rmdir(base: Path, arguments: dict[str, Any]) -> Values:
    """Remove directories with all they contain; one that is not there is fine."""
    for name in texts(arguments, "dir"):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(base / name)
    return {}


def cpdir(base: Path, arguments: dict[str, Any]) -> Values:
    """Copy a directory with all it contains."""
    source, target = base / text(arguments, "fromdir"), base / text(arguments, "todir")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    return {}


FILE_COMMANDS: dict[str, FileCommand] = {
    "mkdir": mkdir,
    "stat": stat,
    "glob": find,
    "listdir": listdir,
    "rmfile": rmfile,
    "downloadFile": download,
}
if sys.platform == "win32":  # Elsewhere programs do this, which can be stopped.
    FILE_COMMANDS.update(rmdir=rmdir, cpdir=cpdir)


def in_thread(work: Callable[[], Values]) -> asyncio.Future[Values]:
    """Do the work in a thread of its own: a file system that hangs must not hold up others."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Values] = loop.create_future()

    def settle(values: Values | None, failure: BaseException | None) -> None:
        if outcome.done():
            return
        if failure is not None:
            outcome.set_exception(failure)
        else:
            outcome.set_result(values or {})

    def run() -> None:
        values, failure = None, None
        try:
            values = work()
        except BaseException as error:  # noqa: BLE001 - passed on to the waiting caller
            failure = error
        with contextlib.suppress(RuntimeError):  # The agent has ended meanwhile.
            loop.call_soon_threadsafe(settle, values, failure)

    threading.Thread(target=run, name="file command", daemon=True).start()
    return outcome
