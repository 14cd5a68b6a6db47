"""Regular expressions of the configuration, compared with what strangers write.

Python's own comparison can take years for a short text: ``(a+)+$`` with thirty times ``a`` and a
``!``. Meanwhile nothing else runs. RE2 takes time in proportion to the text, and understands most
expressions in the same way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_UNDERSTOOD = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.UNICODE
_LETTERS = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"))
_OTHER_MEANING = re.compile(r"\{,|\[\^?\]|\[:|\[\[|\\[QECpPzX0-7]")
"""What RE2 accepts and takes for something else, or may."""
_ABOUT_LETTERS = re.compile(r"\\[wWdDsSbB]|\(\?[a-z]*i")
"""What RE2 knows of ASCII only."""


def matches(expression: re.Pattern[str], text: str) -> bool:
    """Return whether *expression* matches at the beginning of *text*, as its own ``match`` does.

    In time that is in proportion to the text, unless RE2 is not installed or does not know the
    expression: lookarounds, references to groups, and kinds of letters beyond ASCII.
    """
    linear = _linear(expression)
    if linear is None or not (text.isascii() or not _knows_letters(expression)):
        return expression.match(text) is not None
    # Python's $ is before a last line break as well.
    return linear.match(text) is not None or (
        text.endswith("\n") and linear.match(text[:-1]) is not None and _has_end(expression)
    )


def is_linear(expression: re.Pattern[str]) -> bool:
    """Return whether `matches` takes time in proportion to texts of ASCII."""
    return _linear(expression) is not None


@lru_cache(maxsize=1_000)
def _linear(expression: re.Pattern[str]) -> Any:
    try:
        import re2
    except ImportError:
        return None
    if expression.flags & ~_UNDERSTOOD or _OTHER_MEANING.search(expression.pattern):
        return None
    options = re2.Options()
    options.log_errors = False
    flags = "".join(letter for flag, letter in _LETTERS if expression.flags & flag)
    try:
        return re2.compile(
            f"(?{flags}:{expression.pattern})" if flags else expression.pattern, options
        )
    except re2.error:
        return None


def _knows_letters(expression: re.Pattern[str]) -> bool:
    return bool(expression.flags & re.IGNORECASE or _ABOUT_LETTERS.search(expression.pattern))


def _has_end(expression: re.Pattern[str]) -> bool:
    return "$" in expression.pattern
