"""The lines that the agent itself writes into a command's log, in Buildbot's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Union

from chargehand_worker.system_text import bytes_of, text_of

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")

_NOT_SHOWN = "(not shown: its name looks secret)"
_SECRET_ENDS = ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "SSHPASS")
_SECRET_WORDS = ("SECRETS", "TOKENS", "CREDENTIAL", "CREDENTIALS")
_SECRET_LAST = ("PASS", "PWD", "PW", "KEY", "KEYS", "AUTH", "COOKIE")

Argument = Union[str, tuple[str, str]]
"""A string, or what is really passed and what is shown instead."""


def argument(value: Any) -> Argument:
    """Read an element of a command; ("obfuscated", real, shown) hides a secret."""
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and value[0] == "obfuscated":
            return text_of(value[1]), text_of(value[2])
        raise ValueError("an element of a command must be a string")
    return text_of(value)


def real(value: Argument) -> str:
    """Return what the process gets."""
    return value if isinstance(value, str) else value[0]


def shown(value: Argument) -> str:
    """Return what people see."""
    return value if isinstance(value, str) else value[1]


def _shown_value(name: str, value: str) -> str:
    return _NOT_SHOWN if value and looks_secret(name) else value


def looks_secret(name: str) -> bool:
    """Return whether a variable of this name may have a value that nobody is to see."""
    words = name.upper().replace("-", "_").split("_")
    if any(word.endswith(_SECRET_ENDS) or word in _SECRET_WORDS for word in words):
        return True
    return len(words) > 1 and words[-1] in _SECRET_LAST


def quoted(arguments: list[str]) -> str:
    """Return the command as a shell would read it."""
    return " ".join(map(_quoted, arguments))


def _quoted(text: str) -> str:
    if not text:
        return '""'
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def argv(command: str | list[str]) -> str:
    """Return the command as it is shown after ``argv:`` and in reasons for a kill."""
    if isinstance(command, str):
        return repr(bytes_of(command))
    return repr([bytes_of(text) for text in command])


def beginning(
    *,
    command: str | list[str],
    directory: str,
    timeout: float | None,
    max_time: float | None,
    logfiles: Mapping[str, Any],
    environment: Mapping[str, str] | None,
    stdin_size: int | None,
    use_pty: bool,
    pty_refused: bool,
) -> str:
    """Return all that stands before a command's own output; *command* as it may be shown."""
    lines = ["WARNING: disabling usePTY for this command"] if pty_refused else []
    lines.append(command if isinstance(command, str) else quoted(command))
    limits = [f"timeout {_with_unit(timeout)}"] if timeout else []
    limits += [f"maxTime {_with_unit(max_time)}"] if max_time else []
    lines.append(" ".join([f" in dir {directory}", *(f"({limit})" for limit in limits)]))
    lines.append(f" watching logfiles {dict(logfiles)!r}")
    lines.append(f" argv: {argv(command)}")
    if environment is not None:
        lines.append(" environment:")
        lines += [
            f"  {name}={_shown_value(name, environment[name])}" for name in sorted(environment)
        ]
    if stdin_size is not None:
        lines.append(f" writing {stdin_size} bytes to stdin")
    lines.append(f" using PTY: {use_pty}")
    return "\n".join(lines)


def silent_too_long(seconds: float, command: str | list[str]) -> str:
    """Return the reason of a command killed for being silent too long."""
    return _killing(f"command timed out: {_seconds(seconds)} seconds without output", command)


def ran_too_long(seconds: float, command: str | list[str]) -> str:
    """Return the reason of a command killed for running too long."""
    return _killing(f"command timed out: {_seconds(seconds)} seconds elapsed", command)


def wrote_too_much(written: int, allowed: int, command: str | list[str]) -> str:
    """Return the reason of a command killed for writing too many lines."""
    return _killing(f"command exceeds max lines: {written}/{allowed} written/allowed", command)


def _killing(why: str, command: str | list[str]) -> str:
    return f"\n{why} running {argv(command)}, attempting to kill"


def end(*, exit_code: int, signal: int | None, elapsed: float) -> str:
    """Return the last lines of the log."""
    lines = [f"process killed by signal {signal}"] if signal else []
    lines += [f"program finished with exit code {exit_code}", f"elapsedTime={elapsed:.6f}"]
    return "\n".join(lines)


def _with_unit(seconds: float) -> str:
    return f"{_seconds(seconds)} {'sec' if seconds == 1 else 'secs'}"


def _seconds(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
