"""Where lines end for code that reads a command's output.

Logs keep output as it came, so a page can show what a progress bar looked like at its end. Code of
a configuration hears what stock workers send (shared with their documented ``newline_re``): each
return to the line's start, each jump of the cursor and each run of backspaces ends a line.
"""

from __future__ import annotations

import re

_MARKS = ("\r", "\x1b[", "\b")
_ENDS = re.compile(
    r"\r\n? | \x08+ | \x1b\[ (?: u | \d+;\d+[Hf] | 2J )",
    re.VERBOSE,
)


def with_plain_line_ends(text: str) -> str:
    """Return text whose lines end with ``\\n`` only."""
    if any(mark in text for mark in _MARKS):
        return _ENDS.sub("\n", text)
    return text
