"""Searching logs: patterns compared in time that is in proportion to the text, and what they find.

Patterns are google-re2's. A pattern is compared with each line by itself: ``^`` and ``$`` are the
line's ends, and nothing matches across lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

_LONGEST_PATTERN = 1_000
_SHOWN = 400
"""Characters shown of a matching line."""
_BEFORE = 100
"""Characters shown before the first hit, of a line that is too long to show."""
_MOST_BYTES = 4
"""Bytes of one character in UTF-8."""

_ENDS_OF_TEXT = re.compile(r"(?<!\\)(?:\\\\)*\\[AzZ]")

Hits = Callable[[bytes], Iterator[tuple[int, int]]]
"""Finds a pattern in lines: start and end of each hit, in bytes."""

Take = Callable[[int, bytes], bool]
"""Takes whole lines and the number of the first of them; returns whether it wants more."""


class BadPattern(ValueError):
    """A pattern cannot be searched for; the message says why, and where."""


class Pattern:
    """What to look for in lines. Raises BadPattern."""

    def __init__(self, pattern: str, *, is_regex: bool, has_case: bool) -> None:
        if not pattern:
            raise BadPattern("is empty")
        if len(pattern) > _LONGEST_PATTERN:
            raise BadPattern(f"has more than {_LONGEST_PATTERN:,} characters")
        if "\n" in pattern:
            raise BadPattern("contains a line break; lines are searched one by one")
        if is_regex and _ENDS_OF_TEXT.search(pattern):
            raise BadPattern(r"contains \A or \z; use ^ and $ for the ends of a line")
        self.hits = compiled(pattern, is_regex=is_regex, has_case=has_case)


class LineMatch(msgspec.Struct, frozen=True):
    """A line with hits."""

    line: int
    text: str
    """At most 400 characters around the first hit."""
    ranges: list[tuple[int, int]]
    """Start and end of each hit in ``text``, in characters."""


class LogSearch:
    """A search under way: takes text piece by piece, keeps the first matches and counts all."""

    def __init__(self, pattern: Pattern, *, limit: int, only_numbers: bool = False) -> None:
        self._pattern = pattern
        self._limit = limit
        self._only_numbers = only_numbers
        self.matches: list[LineMatch] = []
        self.numbers: list[int] = []
        """The numbers of the matching lines, if nothing else is wanted of them."""
        self.total = 0
        """How many lines match; more than are kept, if there are many."""

    def take(self, first_line: int, text: bytes) -> bool:
        """Search whole lines, of which the first has this number; all text is wanted."""
        line, counted, end = first_line, 0, 0
        for start, _ in self._pattern.hits(text):
            if start < end or start >= len(text):
                continue  # Another hit in the same line, or the nothing after the last line.
            end = text.index(b"\n", start) + 1
            self.total += 1
            if len(self.matches) + len(self.numbers) >= self._limit:
                continue
            line += text.count(b"\n", counted, start)
            counted = start
            self._keep(line, text, start, end)
        return True

    def _keep(self, line: int, text: bytes, start: int, end: int) -> None:
        if self._only_numbers:
            self.numbers.append(line)
            return
        begin = text.rfind(b"\n", 0, start) + 1
        self.matches.append(excerpt(line, text[begin : end - 1], self._pattern.hits))


def excerpt(line: int, text: bytes, hits: Hits) -> LineMatch:
    """Return the match of a line that has hits; looks no farther than what is shown of it."""
    first_hit = next(start for start, _ in hits(text))
    # So many bytes around the hit are as many characters at least, however long the line is.
    begin = _character_at(text, max(0, first_hit - _SHOWN * _MOST_BYTES))
    end = _character_at(text, min(len(text), first_hit + _SHOWN * _MOST_BYTES))
    before = len(text[begin:first_hit].decode(errors="replace"))
    around = text[begin:end].decode(errors="replace")
    cut = max(0, min(before - _BEFORE, len(around) - _SHOWN))
    ranges = []
    for start, stop in hits(text):
        first = len(text[begin:start].decode(errors="replace")) - cut
        if start >= end or first >= _SHOWN:
            break
        last = len(text[begin:stop][: end - begin].decode(errors="replace")) - cut
        ranges.append((first, min(last, _SHOWN)))
    return LineMatch(line, around[cut : cut + _SHOWN], ranges)


def _character_at(text: bytes, position: int) -> int:
    """Return where the character begins that has the byte at *position*."""
    least = max(0, position - _MOST_BYTES + 1)
    while least < position < len(text) and text[position] & 0xC0 == 0x80:
        position -= 1
    return position


def compiled(pattern: str, *, is_regex: bool = True, has_case: bool = True) -> Hits:
    """Return what finds a pattern of any length. Raises BadPattern."""
    try:
        import re2
    except ImportError:
        raise BadPattern("cannot be searched for: google-re2 is not installed") from None
    options = re2.Options()
    options.log_errors = False
    options.literal = not is_regex
    options.case_sensitive = has_case
    options.never_nl = True
    options.never_capture = True
    try:
        # By itself first: the flag in front would change what an error says.
        compiled = re2.compile(pattern.encode(), options)
        if is_regex:
            compiled = re2.compile(b"(?m)" + pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise BadPattern(_said(error, pattern)) from None
    return lambda text: (found.span() for found in compiled.finditer(text))


def _said(error: Exception, pattern: str) -> str:
    """Return what is wrong, and at which character, which the library does not tell."""
    if isinstance(error, UnicodeEncodeError):
        return f"has half a character at position {error.start}"
    reason = error.args[0].decode(errors="replace") if error.args else "invalid"
    _, _, part = reason.partition(": ")
    place = pattern.find(part) if part else -1
    return f"{reason} (at position {place})" if place >= 0 else reason
