"""Where a file has strings and keys, found in one walk through it."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec

from chargehand.kit.regular_files import read_regular


class Places(msgspec.Struct, frozen=True):
    """The first line of each, in the order of `ast.walk`."""

    texts: dict[str, int] = msgspec.field(default_factory=dict)
    """Of each string."""
    keys: dict[str, int] = msgspec.field(default_factory=dict)
    """Of each key that is set: ``key=...``, ``{'key': ...}``, and ``c['key'] = ...``, of which the
    last one counts."""


def places_in(path: Path) -> Places:
    """Return what is where in a file; nothing of one that is not Python."""
    found = Places()
    assigned: dict[str, int] = {}
    try:
        tree = ast.parse(read_regular(path))
    except (OSError, SyntaxError, ValueError):
        return found
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                found.texts.setdefault(text, node.lineno)
            case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Store()):
                assigned[key] = max(node.lineno, assigned.get(key, 0))
            case ast.keyword(arg=str(key)):
                found.keys.setdefault(key, node.lineno)
            case ast.Dict(keys=keys):
                for one in keys:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found.keys.setdefault(one.value, one.lineno)
    found.keys.update(assigned)
    return found
