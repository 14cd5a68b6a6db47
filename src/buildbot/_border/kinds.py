"""What kinds of values arguments take: a wrong one is an error of the configuration that names it.

What is wrong is replaced by nothing, so that the rest of the configuration is read as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from buildbot._border.errors import MISSING, error
from buildbot._border.rendering import is_constant

_LONGEST = 80
"""Characters of a wrong value that are shown."""


class Given:
    """The arguments of one thing of the configuration, *where* for people.

    None stands for an argument that was not given. With *is_rendered* a renderable may be given,
    of which the value is not known yet.
    """

    def __init__(self, where: str) -> None:
        self._where = where

    def text(self, name: str, value: Any, *, is_rendered: bool = False) -> Any:
        """Return a string, or a path."""
        if _is_open(value, is_rendered=is_rendered) or isinstance(value, str | os.PathLike):
            return value
        return self._refuse(name, "a string", value)

    def matching(self, name: str, value: Any, pattern: str, what: str) -> Any:
        """Return a string that is *what*: it matches the *pattern*."""
        if _is_open(value, is_rendered=False):
            return value
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        return self._refuse(name, what, value)

    def having(self, name: str, value: Any, method: str, what: str) -> Any:
        """Return an object that is *what*: it has the *method*."""
        if value is None or hasattr(value, method):
            return value
        return self._refuse(name, what, value)

    def flag(self, name: str, value: Any, *, is_rendered: bool = False) -> Any:
        """Return True or False, for which 1, 0 and None may stand."""
        if _is_open(value, is_rendered=is_rendered) or isinstance(value, int):
            return value
        self._refuse(name, "True or False", value)
        return False

    def mapping(
        self, name: str, value: Any, *, of_text: bool = False, is_rendered: bool = False
    ) -> Any:
        """Return a dictionary; *of_text*: from strings to strings."""
        what = "a dictionary of strings" if of_text else "a dictionary"
        if _is_open(value, is_rendered=is_rendered):
            return value
        if not isinstance(value, Mapping):
            return self._refuse(name, what, value)
        texts = (*value.keys(), *value.values()) if of_text else value.keys()
        return value if _are_texts(texts) else self._refuse(name, what, value)

    def items(
        self, name: str, value: Any, *, of_text: bool = False, is_rendered: bool = False
    ) -> Any:
        """Return a list, or a tuple; *of_text*: of strings."""
        what = "a list of strings" if of_text else "a list"
        if _is_open(value, is_rendered=is_rendered):
            return value
        if not isinstance(value, list | tuple | set | frozenset):
            return self._refuse(name, what, value)
        return value if not of_text or _are_texts(value) else self._refuse(name, what, value)

    def _refuse(self, name: str, what: str, value: object) -> None:
        shown = repr(value)
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}…"
        error(f"{self._where}: {name} must be {what}, not {shown}")


def _is_open(value: Any, *, is_rendered: bool) -> bool:
    """Return whether a value cannot be wrong: it is not there, or not known yet."""
    return value is None or value is MISSING or (is_rendered and not is_constant(value))


def _are_texts(values: Any) -> bool:
    return all(isinstance(value, str) or not is_constant(value) for value in values)
