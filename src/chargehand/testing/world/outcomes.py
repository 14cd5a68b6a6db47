"""What the commands of a world's worker do, as a test says it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import msgspec

Value = object
"""What a command says besides its output, such as ``stat`` or ``files``."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a command."""

    rc: int = 0
    output: str = ""
    """What it writes to its standard output, at its beginning."""
    errors: str = ""
    seconds: float = 0.0
    """How long it runs."""
    hangs: bool = False
    """It runs until it is let go, or killed."""
    survives_interrupts: bool = False
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)
    files: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The texts of other logs, by name."""
    refusal: str | None = None
    """The worker cannot run it at all, and why."""


def line_of(name: str, arguments: Mapping[str, object]) -> str:
    """Return a command as a test names it: a program's line, or a file command and its paths."""
    if name == "shell":
        command = arguments.get("command", "")
        return command if isinstance(command, str) else " ".join(map(_shown, _items(command)))
    keys = ("dir", "file", "path", "fromdir", "todir", "workersrc")
    return " ".join([name, *(str(arguments[key]) for key in keys if key in arguments)])


def usual_outcome(line: str) -> Outcome:
    """Return what a command does that the test does not define: it succeeds silently.

    But ``echo``, ``false`` and ``exit`` do what they say, also as parts of a line for a shell.
    """
    output, errors, rc = "", "", 0
    for part in line.removeprefix("sh -c ").split(";"):
        match _words(part):
            case ["exit", number]:
                return Outcome(rc=int(number), output=output, errors=errors)
            case ["false"]:
                rc = 1
            case ["echo", *words, ">&2"]:
                errors, rc = f"{errors}{' '.join(words)}\n", 0
            case ["echo", *words]:
                output, rc = f"{output}{' '.join(words)}\n", 0
            case _:
                rc = 0
    return Outcome(rc=rc, output=output, errors=errors)


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:
        return [part]


def _items(command: object) -> Sequence[object]:
    return command if isinstance(command, (list, tuple)) else [command]


def _shown(item: object) -> str:
    """Return an element of a command; ("obfuscated", real, shown) hides a secret."""
    return str(item[-1]) if isinstance(item, (list, tuple)) else str(item)
