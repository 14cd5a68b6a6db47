"""Python 2 becomes Python 3, with fissix, the maintained continuation of lib2to3."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from importlib import import_module

from buildbot._host.upgrading.functions import with_todays_functions
from buildbot._host.upgrading.values import CannotUpgrade

_TAB = 8
"""How Python 2 read a tab: as far as to the next multiple of this."""

_METHODS = ("find", "lower", "lstrip", "replace", "rstrip", "split", "strip", "upper", "zfill")
_STRING = {
    "maketrans": "str.maketrans",
    "letters": "string.ascii_letters",
    "lowercase": "string.ascii_lowercase",
    "uppercase": "string.ascii_uppercase",
    "atoi": "int",
    "atol": "int",
    "atof": "float",
    "splitfields": "str.split",
    **{name: f"str.{name}" for name in _METHODS},
}
_ESCAPE = re.compile(r"((?:^|[^\\])(?:\\\\)*)\\([uUN])")
_NEITHER = f"syntax error: this is neither Python 2 nor Python 3.{sys.version_info.minor}"


def to_python3(text: str, file: str) -> str:
    """Return a Python 2 source as Python 3. Raises CannotUpgrade."""
    text = _without_escapes(_without_tabs(text))
    refactor = import_module("fissix.refactor")
    parse_error = import_module("fissix.pgen2.parse").ParseError
    token_error = import_module("fissix.pgen2.tokenize").TokenError
    tool = refactor.RefactoringTool(refactor.get_fixers_from_package("fissix.fixes"))
    ended = text if text.endswith("\n") else f"{text}\n"
    try:
        tree = tool.refactor_string(ended, file)
    except parse_error as error:
        line = error.context[1][0] if getattr(error, "context", None) else 1
        raise CannotUpgrade(f"{file}:{line}: {_NEITHER}") from None
    except (token_error, IndentationError) as error:
        raise CannotUpgrade(f"{file}: {_NEITHER}: {error}") from None
    return with_todays_functions(_with_methods_of_str(str(tree) if tree is not None else text))


def _with_methods_of_str(text: str) -> str:
    """Return the source without what the module ``string`` had for Python 2."""
    for old, new in _STRING.items():
        text = re.sub(rf"(?<![\w.])string\.{old}\b", new, text)
    return re.sub(
        r"^([ \t]*)from string import maketrans$", r"\1maketrans = str.maketrans", text, flags=re.M
    )


def _without_tabs(text: str) -> str:
    """Return the source with blanks for the tabs that lines are indented with, if they are mixed.

    A line within a string stays as it is.
    """
    lines = text.splitlines(keepends=True)
    indents = {line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()}
    if not any("\t" in one for one in indents) or not any(" " in one for one in indents):
        return text
    within = set(_continued_strings(text))
    return "".join(
        line if number in within else _expanded(line) for number, line in enumerate(lines, 1)
    )


def _without_escapes(text: str) -> str:
    """Return the source with backslashes doubled where they begin a Unicode escape in Python 3,
    which they do not in a byte string of Python 2."""
    lines = text.splitlines(keepends=True)
    for (row, start), (last, end), token in reversed(list(_strings(text))):
        prefix = token[: min(token.find(quote) for quote in "\"'" if quote in token)].lower()
        if {"u", "r"}.isdisjoint(prefix):
            mended = _ESCAPE.sub(r"\1\\\\\2", token)
            if mended != token:
                before, after = lines[row - 1][:start], lines[last - 1][end:]
                lines[row - 1 : last] = [before + mended + after]
    return "".join(lines)


def _expanded(line: str) -> str:
    rest = line.lstrip(" \t")
    return line[: len(line) - len(rest)].expandtabs(_TAB) + rest


def _continued_strings(text: str) -> Iterator[int]:
    """Yield the numbers of lines that begin within a string."""
    for (first, _), (last, _), _ in _strings(text):
        yield from range(first + 1, last + 1)


def _strings(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int], str]]:
    """Yield where each string begins and ends, and the string."""
    tokens = import_module("fissix.pgen2.tokenize")
    try:
        for kind, token, first, last, _ in tokens.generate_tokens(io.StringIO(text).readline):
            if kind == tokens.STRING:
                yield first, last, token
    except (tokens.TokenError, IndentationError):
        return  # fissix will say what is wrong
