"""Removes our own frames from tracebacks of users' code."""

from __future__ import annotations

import asyncio
import concurrent.futures
import traceback
from pathlib import Path
from types import TracebackType

_PACKAGES = Path(__file__).resolve().parents[2]
_PLUMBING = (
    *(
        f"{_PACKAGES / directory}/"
        for directory in ("chargehand", "chargehand_wire", "chargehand_worker", "buildbot")
    ),
    f"{Path(asyncio.__file__).parent}/",
    f"{Path(concurrent.futures.__file__).parent}/",
    "<frozen ",  # Parts of Python itself: its imports, its abstract collections.
)
_TWISTED = tuple(f"/twisted/{package}/" for package in ("application", "internet", "python"))


def users_traceback(error: BaseException) -> TracebackType | None:
    """Return the exception's traceback from the first frame of foreign code on."""
    where = error.__traceback__
    while where is not None and _is_plumbing(where.tb_frame.f_code.co_filename):
        where = where.tb_next
    return where or error.__traceback__


def users_stack(stack: traceback.StackSummary) -> bool:
    """Return whether there is a frame of foreign code."""
    return any(not _is_plumbing(frame.filename) for frame in stack)


def strip_plumbing(stack: traceback.StackSummary) -> None:
    """Remove the frames before the first one of foreign code, if there is one."""
    for number, frame in enumerate(stack):
        if not _is_plumbing(frame.filename):
            del stack[:number]
            return


def keep_foreign(stack: traceback.StackSummary) -> None:
    """Remove all our frames, also those that users' code called, if there are others."""
    if users_stack(stack):
        stack[:] = [frame for frame in stack if not _is_plumbing(frame.filename)]


def _is_plumbing(file: str) -> bool:
    return file.startswith(_PLUMBING) or any(part in file for part in _TWISTED)
