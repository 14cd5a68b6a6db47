"""The types of attributes in stubs.

Many are written as ``Any`` in the sources: users' subclasses give them what they like. A stub says
``str | Any``: editors complete what a string has and a checker knows it, but a subclass may still
have None there, or a renderable, without being told that it is wrong. What refers to users' own
objects (``self.build``, ``self.step``, ``self.master``) stays ``Any``: they have attributes that
nobody else knows.
"""

from __future__ import annotations

import ast

from classes import Class
from reading import Argument

_PLAIN = frozenset({"str", "int", "float", "bool", "bytes"})
_UNKNOWN = frozenset({"Any"})
_OF_CLASS = "ClassVar["


def attribute_type(kind: Class | None, name: str, said: str, value: ast.expr | None) -> str:
    """Return the type of an attribute whose source says *said*, and gives it *value*."""
    if said.startswith(_OF_CLASS):
        # Users' subclasses annotate it as they like, and set it in objects, too.
        said = said.removeprefix(_OF_CLASS).removesuffix("]")
    if said not in _UNKNOWN or kind is None:
        return said
    argument = kind.all_described().get(name)
    if argument is not None:
        return _of_argument(argument)
    if isinstance(value, ast.Constant) and type(value.value).__name__ in _PLAIN:
        return f"{type(value.value).__name__} | Any"
    return said


def _of_argument(argument: Argument) -> str:
    parts = [one.strip() for one in argument.type.split(" | ")]
    known = [one for one in parts if one != "None"]
    if len(known) != 1 or known[0] not in _PLAIN:
        return "Any"
    is_fixed = argument.name == "name" and len(parts) == 1 and not argument.is_renderable
    return known[0] if is_fixed else f"{known[0]} | Any"
