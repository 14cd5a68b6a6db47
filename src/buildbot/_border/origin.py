"""Where in the user's files something was written."""

from __future__ import annotations

import sys
from enum import Enum, auto
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

_OURS = tuple(
    f"{Path(__file__).resolve().parents[2] / package}/" for package in ("buildbot", "chargehand")
)
_FOREIGN = ("<", *_OURS, sys.prefix, f"{sys.base_prefix}/lib")


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
    foreign = _foreign_to(directory or "")
    while frame is not None:
        file = frame.f_code.co_filename
        is_below = (
            directory is not None and file.startswith(directory) and not file.startswith(foreign)
        )
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


def _foreign_to(directory: str) -> tuple[str, ...]:
    """Return how files of ours and of libraries begin; a virtual environment may be below the
    directory, or the directory below what Python was installed to."""
    return tuple(one for one in _FOREIGN if not directory.startswith(one))


class _Whose(Enum):
    """Whose code something is."""

    BELOW = auto()
    """The user's, in the configuration's directory."""
    ELSEWHERE = auto()
    """The user's, in another directory."""
    FOREIGN = auto()
    """Ours, or a library's."""


class Places:
    """Lines of the user's files, each looked up once: one may make thousands of objects."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._foreign = _foreign_to(directory)
        self._codes: dict[int, tuple[CodeType, _Whose]] = {}
        """By identity, which a code object has as long as it is kept."""
        self._lines: dict[tuple[int, int], Origin] = {}
        """By the identity of the code, and the instruction."""

    def of(self, frame: FrameType | None, made: object = None) -> Origin | None:
        """Return the innermost line from *frame* outwards that is in the directory's files; where
        none is, the innermost one that is the user's.

        Constructors that are about to make *made* are passed over.
        """
        codes = self._codes
        elsewhere: FrameType | None = None
        constructor: FrameType | None = None
        while frame is not None:
            code = frame.f_code
            known = codes.get(id(code)) or self._know(code)
            if known[1] is not _Whose.FOREIGN:
                if made is not None and code.co_name == "__init__" and _own(frame) is made:
                    constructor = constructor or frame
                elif known[1] is _Whose.BELOW:
                    return self._line(frame)
                else:
                    elsewhere = elsewhere or frame
            frame = frame.f_back
        found = elsewhere or constructor
        return None if found is None else self._line(found)

    def _know(self, code: CodeType) -> tuple[CodeType, _Whose]:
        file = code.co_filename
        if file.startswith(self._foreign):
            whose = _Whose.FOREIGN
        else:
            whose = _Whose.BELOW if file.startswith(self._directory) else _Whose.ELSEWHERE
        self._codes[id(code)] = known = (code, whose)
        return known

    def _line(self, frame: FrameType) -> Origin:
        at = (id(frame.f_code), frame.f_lasti)
        line = self._lines.get(at)
        if line is None:
            self._lines[at] = line = Origin(frame.f_code.co_filename, frame.f_lineno)
        return line


def _own(frame: FrameType) -> object:
    """Return the object that the frame's method belongs to."""
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[0]) if names else None


def is_users_file(file: str) -> bool:
    """Return whether a file is neither ours nor a library's."""
    return not file.startswith(_FOREIGN)
