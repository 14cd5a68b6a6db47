"""What the compiled code of a function says, without where it stands and how it is documented."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from types import CodeType

_SAME = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_flags",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_name",
    "co_exceptiontable",
)
_HAS_DOCSTRING = 0x4000000
"""A flag of Python 3.13 and later."""
_OF_FUNCTIONS = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS


def said(code: CodeType, *, is_documented: bool) -> tuple[object, ...]:
    """Return what the code does, its constants to be compared as values are.

    Where one of two codes ``is_documented`` both are to be asked so: a docstring is a constant, and
    shifts the numbers by which instructions name the others.
    """
    attributes = [getattr(code, name, None) for name in _SAME]
    if not is_documented:
        return (*attributes, code.co_consts)
    attributes[_SAME.index("co_code")] = None
    attributes[_SAME.index("co_flags")] = code.co_flags & ~_HAS_DOCSTRING
    return (*attributes, tuple(_instructions(code)))


def docstring_of(code: CodeType) -> str | None:
    """Return the docstring of a function's code."""
    if code.co_flags & _OF_FUNCTIONS != _OF_FUNCTIONS or not code.co_consts:
        return None
    if code.co_name.startswith("<"):  # comprehensions, whose first constant may be any text
        return None
    first = code.co_consts[0]
    return first if isinstance(first, str) else None


def _instructions(code: CodeType) -> Iterator[tuple[int, object]]:
    for instruction in dis.get_instructions(code):
        is_constant = instruction.opcode in dis.hasconst
        yield instruction.opcode, instruction.argval if is_constant else instruction.arg
