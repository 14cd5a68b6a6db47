"""Numbers that a configuration gives: each argument has a range, and a number outside of it is one
error, which names the argument."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from buildbot._border.errors import error
from buildbot._border.rendering import is_constant

_LARGEST = 2**63 - 1
"""What databases and the wire can hold."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that an argument may be; ``words`` say which."""

    words: str
    least: float = 0
    most: float = _LARGEST
    is_whole: bool = False
    may_be_none: bool = False

    def has(self, value: object) -> bool:
        """Return whether the value is one of them; False is the same as 0 where that counts as
        "no limit"."""
        if value is None:
            return self.may_be_none
        if isinstance(value, bool):
            return not value and not self.is_whole and self.least <= 0
        if not isinstance(value, int if self.is_whole else int | float):
            return False
        if isinstance(value, float) and math.isinf(value):
            return value > 0 and self.most == _LARGEST
        return self.least <= value <= self.most  # not-a-number is not

    def problem(self, name: str, value: object) -> str | None:
        """Return what is wrong with an argument, None if it is right."""
        if self.has(value):
            return None
        return f"{name} must be {self.words}, not {_shown(value)}"


SECONDS = Range(words="a number of seconds, 0 or more")
SECONDS_OR_NONE = Range(words="a number of seconds, 0 or more, or None", may_be_none=True)
MORE_SECONDS = Range(words="a number of seconds, more than 0", least=math.ulp(0.0))
ANY_SECONDS = Range(words="a number of seconds", least=-_LARGEST)
COUNT = Range(words="a whole number, 0 or more", is_whole=True)
COUNT_OR_NONE = Range(words="a whole number, 0 or more, or None", is_whole=True, may_be_none=True)
POSITIVE = Range(words="a whole number, 1 or more", least=1, is_whole=True)
POSITIVE_OR_NONE = Range(
    words="a whole number, 1 or more, or None", least=1, is_whole=True, may_be_none=True
)
PERMISSIONS_OR_NONE = Range(
    words="permissions such as 0o644 (at most 0o7777), or None",
    most=0o7777,
    is_whole=True,
    may_be_none=True,
)
RESULT = Range(words="a result such as SUCCESS", most=6, is_whole=True)
AMOUNT_OR_NONE = Range(words="a number, 0 or more, or None", may_be_none=True)
PORT = Range(words="a number from 0 to 65535", most=65535, is_whole=True)
PRIORITY = Range(
    words=f"a whole number from {1 - 2**31} to {2**31 - 1}, or a function",
    least=1 - 2**31,
    most=2**31 - 1,
    is_whole=True,
)


def check_number(where: str, name: str, value: Any, wanted: Range) -> bool:
    """Report a constant that is out of its range; return whether it is right."""
    return not is_constant(value) or check_constant(where, name, value, wanted)


def check_constant(where: str, name: str, value: Any, wanted: Range) -> bool:
    """Report what is no number of a range, a renderable included; return whether it is right."""
    problem = wanted.problem(name, value)
    if problem is not None:
        error(f"{where}: {problem}")
    return problem is None


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "so large a number"
    return text if len(text) <= 60 else f"a {type(value).__name__}"
