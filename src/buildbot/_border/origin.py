"""Where in the user's files something was written."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import FrameType
from typing import NamedTuple

_OURS = tuple(
    f"{Path(__file__).resolve().parents[2] / package}/" for package in ("buildbot", "chargehand")
)


class Origin(NamedTuple):
    """A line of a file."""

    file: str
    line: int


def user_origin(directory: str | None = None) -> Origin | None:
    """Return the innermost line of the caller's callers that is in a file below *directory*.

    Where none is, it is the innermost one that is not ours and not a library's. A constructor that
    is about to make an object is passed over: the line that makes the object counts.
    """
    frame: FrameType | None = sys._getframe(1)
    fallback: Origin | None = None
    constructor: Origin | None = None
    made: object = None
    while frame is not None:
        file = frame.f_code.co_filename
        is_below = directory is not None and file.startswith(directory)
        if frame.f_code.co_name == "__init__" and (made is None or _own(frame) is made):
            made = _own(frame)
            if constructor is None and (is_below or is_users_file(file)):
                constructor = Origin(file, frame.f_lineno)
        elif is_below:
            return Origin(file, frame.f_lineno)
        elif fallback is None and is_users_file(file):
            fallback = Origin(file, frame.f_lineno)
            if directory is None:
                break
        frame = frame.f_back
    return fallback or constructor


def _own(frame: FrameType) -> object:
    """Return the object that the frame's method belongs to."""
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[0]) if names else None


def origin_of(function: object) -> Origin | None:
    """Return where a function is defined, None where that cannot be told."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return Origin(code.co_filename, code.co_firstlineno) if code is not None else None


def is_users_file(file: str) -> bool:
    """Return whether a file is neither ours nor a library's."""
    return not file.startswith(("<", *_OURS, sys.prefix, sys.base_prefix + "/lib"))
