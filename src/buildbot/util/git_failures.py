"""What git says when it fails: what that means, and whether something can be done about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from buildbot.process.errors import BuildStepFailed


class CloneDamaged(BuildStepFailed):
    """The clone on the worker is damaged; a new one will work."""


_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
_LOCK = re.compile(r"'([^'\n]+\.lock)': File exists|could not lock config file (\S+): File exists")
_BRANCH_IN_THE_WAY = re.compile(r"'refs/heads/([^'\n]+)' exists; cannot create")
_ABSENT = re.compile(
    r"couldn't find remote ref|Remote branch \S+ not found|no such remote ref|not our ref", re.I
)
_DAMAGE = re.compile(
    r"fatal: not a git repository|is corrupt|object file \S+ is empty|bad object|bad tree|"
    "bad signature|missing (?:blob|tree|commit)|invalid sha1 pointer|"
    "unable to (?:read|parse|find|unpack) (?:tree|sha1|object|commit|[0-9a-f]{40})|"
    "index file (?:corrupt|smaller|uses)|bad index|(?i:could not read) [0-9a-f]{40}|"
    "object [0-9a-f]{40} not found|could not parse HEAD|inflate:|bad config|garbage at end|"
    "did not send all necessary objects"
)
_CAUSES = (
    (r"Could not resolve host(?:name)?:? ([^\s:;]+)", "unknown host {}"),
    (r"No space left on device", "no space left on the worker's disk"),
    (
        r"Authentication failed|could not read (?:Username|Password)|Permission denied|"
        r"terminal prompts disabled|Host key verification failed|error: 40[13]",
        "access denied",
    ),
    (r"Remote branch (\S+) not found", 'it has no branch or tag "{}"'),
    (r"couldn't find remote ref (?:refs/(?:heads|tags)/)?(\S+)", 'it has no branch or tag "{}"'),
    (
        r"does not appear to be a git repository|repository '.*' (?:does not exist|not found)|"
        r"Repository not found",
        "repository does not exist",
    ),
    (r"Connection refused|Failed to connect", "connection refused"),
    (r"(?:Connection|Operation) timed out", "connection timed out"),
    (r"ambiguous argument 'HEAD'|Needed a single revision", "the repository has no commits"),
)


def _own_lines(errors: str) -> str:
    """Leave out what the other side says: its damage is not ours."""
    return "\n".join(line for line in errors.splitlines() if not line.startswith("remote:"))


def is_damaged(errors: str) -> bool:
    """Return whether git says that the clone itself is broken."""
    return bool(_DAMAGE.search(_own_lines(errors)))


def lock_file(errors: str) -> str | None:
    """Return the lock that a git left behind which was killed, if that is what it is about."""
    found = _LOCK.search(errors)
    if found is None:
        return None
    return found[1] or f"{found[2]}.lock"


def is_absent(errors: str) -> bool:
    """Return whether the repository answered, and has not what was asked for."""
    return bool(_ABSENT.search(errors))


def branch_in_the_way(errors: str) -> str | None:
    """Return the local branch ``a`` that keeps ``a/b`` from being made, or the other way round."""
    found = _BRANCH_IN_THE_WAY.search(errors)
    return None if found is None else found[1]


def without_password(text: str) -> str:
    """Return *text* without what addresses have before their host."""
    return _PASSWORD.sub("", text)


def sentence(command: Sequence[str], repository: str, errors: str, code: int | None) -> str:
    """Say what could not be done, and why."""
    return without_password(f"{_undone(command, repository)}: {_cause(errors, code)}")


def _undone(command: Sequence[str], repository: str) -> str:
    match command[0]:
        case "clone":
            return f"cannot clone {repository}"
        case "fetch" | "ls-remote":
            return f"cannot fetch from {repository}"
        case "push":
            return f"cannot push to {repository}"
        case "checkout":
            return f"cannot check out {command[-1]}"
        case "submodule":
            return "cannot update the submodules"
        case verb:
            return f"git {verb} failed"


def _cause(errors: str, code: int | None) -> str:
    for pattern, words in _CAUSES:
        found = re.search(pattern, errors)
        if found:
            return words.format(*found.groups())
    lines = [line.strip() for line in errors.splitlines()]
    telling = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    if telling:
        return telling[0].partition(": ")[2]
    return "git is not installed on the worker" if code in (127, -2) else f"exit status {code}"
