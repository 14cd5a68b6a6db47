"""What is wrong with a use of ours in a configuration that Python raised an exception about."""

from __future__ import annotations

import re
import traceback
from ast import Attribute, Call, Name, expr, parse, walk
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from buildbot._border.arguments import arguments_of, no_argument
from buildbot.plugins.namespace import UnknownName
from chargehand.kit.error_text import message_of
from chargehand.kit.regular_files import read_regular

_UNEXPECTED = re.compile(r"[\w.<>]+\(\) got an unexpected keyword argument '(\w+)'")
_MISSING = re.compile(r"[\w.<>]+\(\) missing \d+ required [\w-]+ arguments?: (.+)")


def misused(error: BaseException) -> str | None:
    """Return what to say of a name or an argument that is not ours, or of one that is missing;
    None for all else."""
    if isinstance(error, UnknownName):
        return str(error)
    if not isinstance(error, TypeError):
        return None
    said = message_of(error)
    unexpected, missing = _UNEXPECTED.match(said), _MISSING.match(said)
    if unexpected is not None and (kind := _class_called(error, unexpected[1])) is not None:
        return no_argument(kind.__name__, unexpected[1], arguments_of(kind))
    if missing is not None and (kind := _class_called(error, None)) is not None:
        names = missing[1].replace("'", '"')
        return f"{kind.__name__} needs the argument{'s' if ' and ' in names else ''} {names}"
    return None


def _class_called(error: TypeError, keyword: str | None) -> type | None:
    """Return the class of ours that was to be made, None where it was not one."""
    frames = list(traceback.walk_tb(error.__traceback__))
    for frame, _ in frames:
        kind = type(frame.f_locals.get("self"))
        if frame.f_code.co_name == "__init__" and _is_ours(kind):
            return kind  # It has handed on what it does not know.
    for frame, line in reversed(frames):
        for call in _calls(frame.f_code.co_filename, line):
            if keyword is None or any(one.arg == keyword for one in call.keywords):
                kind = _value(call.func, frame)
                if isinstance(kind, type) and _is_ours(kind):
                    return kind
    return None


def _is_ours(kind: type) -> bool:
    return any(base.__module__.startswith("buildbot.") for base in kind.__mro__)


def _calls(file: str, line: int) -> Iterator[Call]:
    """Yield the calls that begin at a line, then those around it."""
    try:
        tree = parse(read_regular(Path(file)))
    except (OSError, SyntaxError, ValueError):
        return
    found = [
        node
        for node in walk(tree)
        if isinstance(node, Call) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    yield from sorted(found, key=lambda call: -call.lineno)


def _value(expression: expr, frame: FrameType) -> Any:
    """Return what a (dotted) name stands for in a frame, None for all else."""
    match expression:
        case Name(id=name):
            return frame.f_locals.get(name, frame.f_globals.get(name))
        case Attribute(value=owner, attr=name):
            return getattr(_value(owner, frame), name, None)
    return None
