"""Finding the line of a log that says what went wrong first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from chargehand.logs.error_rules import ErrorRule, Grade
from chargehand.logs.searching import Hits, compiled, excerpt

LAST_LINE = "last line"
"""The rule's name where no rule applies: the log's last line."""

_CONTROL = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?")
_OVERWRITTEN = re.compile(rb"[^\n]*\r(?!\n)")
_HEADERS = re.compile(rb"(?m)^h[^\n]*")
_OUTPUT = re.compile(rb"(?m)^[oe][^\n]*")
_LETTERS = re.compile(rb"(?m)^[oeh]")

_OF_THE_WORKER = (
    ErrorRule("timeout", r"^command timed out: "),
    ErrorRule("killed", r"^process killed by signal \d+|^command interrupted"),
)
"""What the worker writes between the lines of the output, when that is why the command ended."""


class FirstError(msgspec.Struct, frozen=True):
    """A line, and the name of the rule that found it."""

    line: int
    text: str
    """At most 400 characters, without control sequences."""
    rule: str


class FirstErrorSearch:
    """Takes a log piece by piece, from its beginning, and keeps the best line so far.

    ``has_letters`` says whether lines begin with the letters of their channels. What the worker
    wrote there (the command, its environment) is not searched for errors.
    """

    def __init__(self, rules: Sequence[ErrorRule], *, has_letters: bool) -> None:
        self._rules = rule_set(tuple(rules))
        self._worker_rules = rule_set(_OF_THE_WORKER)
        self._has_letters = has_letters
        self._best: tuple[Grade, FirstError] | None = None
        self._last: FirstError | None = None
        self._last_header: FirstError | None = None

    @property
    def found(self) -> FirstError | None:
        """The first error; the last line if there is none, and nothing of an empty log."""
        return self._best[1] if self._best else self._last or self._last_header

    @property
    def grade(self) -> Grade | None:
        """What the line that was found says; None if no rule found one."""
        return self._best[0] if self._best else None

    def take(self, first_line: int, text: bytes) -> bool:
        """Look at whole lines; returns whether a better one can follow."""
        headers = b""
        if self._has_letters:
            if b"\nh" in text or text.startswith(b"h"):
                headers = _LETTERS.sub(b"", _OUTPUT.sub(b"", text))
                text = _HEADERS.sub(b"", text)
            text = _LETTERS.sub(b"", text)
        text = _plain(text)
        self._look(first_line, text, self._rules)
        self._last = _last_line(first_line, text) or self._last
        if headers:
            if self._is_open:
                self._look(first_line, headers, self._worker_rules)
            self._last_header = _last_line(first_line, headers) or self._last_header
        return self._is_open

    @property
    def _is_open(self) -> bool:
        return self._best is None or self._best[0] > Grade.CAUSE

    def _look(self, first_line: int, text: bytes, rules: RuleSet) -> None:
        begin = 0
        for start, _ in rules.candidates(self._wanted(), text):
            if start < begin or start >= len(text):
                continue  # Another hit in the same line, or the nothing after the last line.
            line_begin = text.rfind(b"\n", 0, start) + 1
            begin = text.index(b"\n", start) + 1
            found = rules.of(self._wanted(), line := text[line_begin : begin - 1])
            if found is None:
                continue
            number = first_line + text.count(b"\n", 0, line_begin)
            shown = excerpt(number, line, rules.hits(found))
            self._best = (found.grade, FirstError(number, shown.text, found.name))
            if found.grade is Grade.CAUSE:
                return

    def _wanted(self) -> Grade:
        """Return the lowest grade that is still better than what was found."""
        return Grade.CONSEQUENCE if self._best is None else Grade(max(1, self._best[0] - 1))


class RuleSet:
    """Rules, compiled. Raises BadPattern."""

    def __init__(self, rules: Iterable[ErrorRule]) -> None:
        self._rules = sorted(rules, key=lambda rule: rule.grade)
        self._hits = {rule: compiled(rule.pattern) for rule in self._rules}
        self._but = {rule: compiled(rule.but) for rule in self._rules if rule.but}
        self._any = {
            grade: compiled("|".join(f"(?:{rule.pattern})" for rule in self._up_to(grade)))
            for grade in Grade
            if self._up_to(grade)
        }

    def candidates(self, lowest: Grade, text: bytes) -> Iterable[tuple[int, int]]:
        """Return where a rule of this grade or a higher one may apply."""
        return self._any[lowest](text) if lowest in self._any else ()

    def of(self, lowest: Grade, line: bytes) -> ErrorRule | None:
        """Return the rule that applies to a line, of the highest grade there is."""
        for rule in self._up_to(lowest):
            if _has(self._hits[rule], line) and not _has(self._but.get(rule), line):
                return rule
        return None

    def hits(self, rule: ErrorRule) -> Hits:
        """Return what finds a rule's pattern."""
        return self._hits[rule]

    def _up_to(self, lowest: Grade) -> list[ErrorRule]:
        return [rule for rule in self._rules if rule.grade <= lowest]


@lru_cache(maxsize=8)
def rule_set(rules: tuple[ErrorRule, ...]) -> RuleSet:
    """Return these rules, compiled once for all searches. Raises BadPattern."""
    return RuleSet(rules)


def _has(hits: Hits | None, line: bytes) -> bool:
    return hits is not None and next(iter(hits(line)), None) is not None


def _plain(text: bytes) -> bytes:
    """Return lines as a terminal shows them at last: without colours, and overwritten parts."""
    if b"\x1b" in text:
        text = _CONTROL.sub(b"", text)
    if b"\r" in text:
        text = _OVERWRITTEN.sub(b"", text).replace(b"\r\n", b"\n")
    return text


def _last_line(first_line: int, text: bytes) -> FirstError | None:
    """Return the last line with something in it."""
    rest = text.rstrip()
    if not rest:
        return None
    begin = rest.rfind(b"\n") + 1
    number = first_line + rest.count(b"\n", 0, begin)
    shown = excerpt(number, rest[begin:], lambda _: iter([(0, 0)]))
    return FirstError(number, shown.text, LAST_LINE)
