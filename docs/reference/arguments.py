"""Reads what the docstrings of the extension API say of arguments.

The convention, one argument after the other::

    Args:
        timeout (float | None, seconds, renderable): Kill the program when …

In the parentheses come the type and then, in any order: the unit, ``renderable``, ``required``, and
``default X`` where neither the signature nor a class attribute has the default. The pages of the
reference and the type stubs are made of these; nothing here imports the extension API.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

UNITS = ("seconds", "bytes", "lines", "characters", "revisions")
_ARGUMENT = re.compile(r"^ {4}(\w+) \((.*?)\): (.+)$")


class BadDocstring(Exception):
    """A docstring does not keep the convention; the message quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument, as its docstring has it."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    default: str | None = None
    is_required: bool = False
    is_renderable: bool = False


def introduction(docstring: str | None) -> str:
    """Return the docstring without its arguments."""
    return inspect.cleandoc(docstring or "").partition("\nArgs:\n")[0].strip()


def arguments(docstring: str | None) -> dict[str, Argument]:
    """Return the arguments that a docstring describes, by name. Raises BadDocstring."""
    text = inspect.cleandoc(docstring or "").partition("Args:\n")[2]
    found = [_argument(line) for line in _joined(text)]
    return {argument.name: argument for argument in found}


def _joined(text: str) -> Iterator[str]:
    """Yield each argument in one line."""
    current = ""
    for line in text.splitlines():
        if line.startswith(" " * 8):
            current += " " + line.strip()
        elif line.strip():
            if current:
                yield current
            current = line
    if current:
        yield current


def _argument(line: str) -> Argument:
    match = _ARGUMENT.match(line)
    if match is None:
        raise BadDocstring(line)
    name, words, meaning = match.groups()
    kind, *more = _split(words)
    default = next((word[len("default ") :] for word in more if word.startswith("default ")), None)
    unknown = [
        word
        for word in more
        if word not in (*UNITS, "required", "renderable") and not word.startswith("default ")
    ]
    if unknown:
        raise BadDocstring(f"{line}: {', '.join(unknown)}")
    return Argument(
        name=name,
        type=kind,
        meaning=meaning,
        unit=next((word for word in more if word in UNITS), ""),
        default=default,
        is_required="required" in more,
        is_renderable="renderable" in more,
    )


def _split(words: str) -> list[str]:
    """Split at the commas that are not within brackets."""
    parts, depth = [""], 0
    for character in words:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
