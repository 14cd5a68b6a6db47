"""How lines of logs are recognised that say what went wrong first."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Grade(IntEnum):
    """What a line says; a line of a lower grade counts if there is none of a higher one."""

    CAUSE = 1
    """What went wrong: a compiler's error, a test that failed."""
    LIKELY = 2
    """Probably that, but also seen in logs of steps that end well."""
    CONSEQUENCE = 3
    """What follows from it: make gives up."""


class ErrorRule(msgspec.Struct, frozen=True):
    """A kind of line, recognised by a regular expression (RE2), anywhere in the line."""

    name: str
    pattern: str
    but: str = ""
    """Lines that match this, too, are not meant."""
    grade: Grade = Grade.CAUSE


def _any(*patterns: str) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


_COMPILERS = r"cc1\w*|gcc|g\+\+|cc|c\+\+|clang[\w+.-]*|rustc|swiftc|nvcc\w*|ld[\w.]*|lld[\w.-]*"
_EXCEPTION = r"(?:[\w$]+[.:]{1,2})*[A-Z]\w*(?:Error|Exception)"

_CAUSES = (
    ErrorRule(
        "compiler",
        _any(
            r":\d[\d.,:-]*:? (?:- )?(?:fatal error|internal compiler error|error)\b",
            rf"^(?:\S*/)?(?:{_COMPILERS}): (?:fatal |internal compiler )?error: ",
            r"\(\d+(?:,\d+){0,3}\) ?: (?:fatal )?error\b",
            r"\b(?:fatal )?error [A-Z]{1,6}\d{3,5} ?:",
            r"^e: (?:file:|\S+\.kts?:)",
        ),
        but=r"linker command failed",
    ),
    ErrorRule(
        "linker",
        _any(
            r"undefined reference to ",
            r"undefined symbol(?::| )",
            r"cannot find -l",
            r"Undefined symbols for architecture",
            r"symbol\(s\) not found",
            r"multiple definition of ",
            r"duplicate symbol",
            r"unresolved external symbol",
        ),
    ),
    ErrorRule("rust", _any(r"^error\[E\d+\]", r"^thread '.*' .*panicked at ")),
    ErrorRule(
        "go",
        _any(r"^(?:\.{1,2}/)?[\w./-]+\.go:\d+(?::\d+)?: ", r"^panic: ", r"^fatal error: "),
    ),
    ErrorRule("cmake", r"^CMake Error\b"),
    ErrorRule("configure", _any(r"^configure: error: ", r"meson\.build:\d+:\d+: ERROR: ")),
    ErrorRule(
        "make",
        _any(
            r"^(?:\S*/)?g?make(?:\[\d+\])?: \*\*\* No rule to make target",
            r"\b[Mm]akefile\S*:\d+: \*\*\* ",
        ),
        but=r"Error \d+",
    ),
    ErrorRule(
        "missing program",
        _any(
            r"command not found",
            r"^\S*sh: \d+: .*: not found$",
            r"^(?:make|env|\S*sh)\b[^:]*:(?: line \d+:)? .*: No such file or directory$",
            r"is not recognized as an internal or external command",
        ),
    ),
    # The exception below it says more: this counts where that has an unusual name.
    ErrorRule("python", r"Traceback \(most recent call last\)", grade=Grade.LIKELY),
    ErrorRule(
        "exception",
        _any(
            rf"^\s{{0,8}}(?:Uncaught )?{_EXCEPTION}(?: \[\w+\])?(?::\s|$)",
            r"^Exception in thread ",
            r"^Unhandled [Ee]xception",
            r"^terminate called after throwing",
            r"^(?:PHP )?(?:Fatal|Parse) error: ",
            r":\d+:in .*\([\w:]+(?:Error|Exception)\)$",
        ),
    ),
    ErrorRule(
        "crash",
        _any(
            r"Segmentation fault",
            r"\bSIG(?:SEGV|ABRT|BUS|ILL|FPE)\b",
            r"\bcore dumped\b",
            r"^(?:Bus error|Illegal instruction|Floating point exception|Aborted)\b",
            r"Assertion .*failed",
            r"stack smashing detected|double free or corruption",
        ),
    ),
    ErrorRule(
        "sanitizer",
        _any(
            r"(?:Address|Thread|Memory|Leak|UndefinedBehavior)Sanitizer:",
            r": runtime error: ",
            r"^==\d+== (?:Invalid |Conditional jump|Use of uninit|Process terminating)",
            r"^==\d+== ERROR SUMMARY: [1-9]",
        ),
    ),
    ErrorRule(
        "no space left",
        _any(r"No space left on device", r"Disk quota exceeded", r"not enough space on the disk"),
    ),
    ErrorRule(
        "out of memory",
        _any(
            r"[Oo]ut of memory",
            r"Cannot allocate memory",
            r"std::bad_alloc",
            r"OutOfMemoryError",
            r"\boom-kill",
            r"^(?:\S*sh: .* )?Killed\b",
        ),
    ),
    ErrorRule(
        "pytest",
        _any(
            r"^E   +\S",
            r"^\S+\.py::\S.* (?:FAILED|ERROR)\b",
            r"^(?:\[gw\d+\] \[ *\d+%\] )?(?:FAILED|ERROR) \S+\.py\b",
        ),
    ),
    ErrorRule(
        "test",
        _any(
            r"^(?:FAIL|ERROR): \w+ \(",
            r"^(?:FAIL|XPASS|UNRESOLVED): \S",
            r"^FAIL \S+\.\w+",
            r"\.\.\. (?:FAIL|ERROR|FAILED)\b",
            r"\S\s+\[(?:FAIL|ERROR)\]$",
            r"^\[(?:FAIL|ERROR)\]$",
            r"^\s*--- FAIL: ",
            r"^\[  FAILED  \] ",
            r":\d+: (?:Failure|FAILED:)$",
            r"^\S.* > .+ FAILED$",
            r"<<< (?:FAILURE|ERROR)!",
            r"Tests run: \d+, +Failures: (?:[1-9]|\d+, +Errors: [1-9])",
            r"^\s*[✕✗✖\x{D7}] ",
            r"^\s*● .* \x{203A} ",
            r"^\s+Failure/Error: ",
            r"^There (?:was|were) \d+ (?:failure|error)s?:",
        ),
        but=r"^> Task ",
    ),
    ErrorRule("tap", r"^\s*not ok\b", but=r"(?i)#\s*(?:todo|skip)"),
    ErrorRule("perl test", r"^\s*#\s+Failed test"),
    ErrorRule("ctest", r"\*\*\*(?:Failed|Exception|Timeout|Not Run)"),
    ErrorRule("maven", r"^\[(?:ERROR|error)\] \S"),
    ErrorRule(
        "lint",
        _any(r"^\S+\.\w+:\d+(?::\d+)?: \[?[A-Z]{1,4}\d{3,5}\b", r"^\s+\d+:\d+\s+error\s"),
    ),
    ErrorRule(
        "documentation",
        _any(r":\d+: (?:ERROR|SEVERE|CRITICAL): ", r"Warning, treated as error", r"^! [A-Z]"),
    ),
    ErrorRule("git", _any(r"^fatal: ", r"^CONFLICT \(")),
    ErrorRule("packages", _any(r"^E: ", r"\bdpkg: error ")),
    ErrorRule("error", r"^error: ", but=r"^error: *(?:0|no|none|null)$"),
)

_NONE_OF_IT = _any(
    r"(?i)\b(?:0|no|zero|without) (?:\w+ )?(?:errors?|fail\w*)\b",
    r"(?i)\b(?:errors?|fail\w*)\s*[:=]\s*(?:0|no|none|null|nil|false|\[\]|\"\"|'')(?:\W|$)",
    r"(?i)\bwarning\b",
    r"(?i)\bignor",
    r"\b(?:PASS|PASSED|OK|passed|ok)\b",
)

_OTHERS = (
    ErrorRule(
        "error",
        _any(
            r"^\W*(?:ERROR|Error|FATAL|Fatal|CRITICAL)\b[:\s]",
            r"(?:^|[^\w.-])(?:error|Error|ERROR|fatal|Fatal|FATAL|CRITICAL)\b ?: *\S",
            r"(?:^|\s)(?:ERROR|FATAL|CRITICAL)\s",
            r"\[(?:error|ERROR|fatal|FATAL|critical|CRITICAL)\]",
        ),
        but=_NONE_OF_IT,
        grade=Grade.LIKELY,
    ),
    ErrorRule("lint", r"^[A-Z]{1,4}\d{3,4} (?:\[\*\] )?[A-Z`]", grade=Grade.LIKELY),
    ErrorRule(
        "access",
        _any(
            r"(?i)\bpermission denied\b",
            r"(?i)\bcould not resolve (?:host|proxy)",
            r"(?i)\bconnection (?:refused|timed out|reset by peer)\b",
            r"(?i)\bauthentication failed\b",
            r"No such file or directory",
        ),
        but=_NONE_OF_IT,
        grade=Grade.LIKELY,
    ),
    ErrorRule(
        "make",
        r"^(?:\S*/)?g?make(?:\[\d+\])?: \*\*\* ",
        but=r"\(ignored\)|Waiting for unfinished",
        grade=Grade.CONSEQUENCE,
    ),
    ErrorRule("ninja", _any(r"^FAILED: ", r"^ninja: error: "), grade=Grade.CONSEQUENCE),
    ErrorRule("npm", r"^npm (?:ERR!|error) ", grade=Grade.CONSEQUENCE),
    ErrorRule(
        "linker",
        _any(r"ld returned \d+ exit status", r"linker command failed"),
        grade=Grade.CONSEQUENCE,
    ),
    ErrorRule(
        "failure",
        _any(
            r"\bFAILED\b|\bFAILURE\b|\bFAIL\b",
            r"\b[Ff]ailed (?:to|with)\b",
            r"\b[Ff]ailed: [1-9]",
            r"(?i)\bexit(?:ed)?(?: with)? (?:code|status):? [1-9]",
        ),
        but=_NONE_OF_IT,
        grade=Grade.CONSEQUENCE,
    ),
)

DEFAULT_ERROR_RULES: tuple[ErrorRule, ...] = (*_CAUSES, *_OTHERS)
"""Rules for the tools that builds commonly run."""
