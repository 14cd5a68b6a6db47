"""Parses git's output."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_TAG_TARGET = "^{}"

REF_FORMAT = "%(refname)%09%(objectname)%09%(*objectname)"

_FIELDS = ("%H", "%ct", "%aN", "%aE", "%cN", "%cE", "%B")
_LATEST = 253_402_300_799
"""The last second of the year 9999, the latest date that can be formatted."""
_LONGEST_MESSAGE = 100_000
"""Maximum number of characters of a commit message."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, with the files changed relative to its first parent."""

    revision: str
    committed_at: int | None
    """None if the commit has no valid date."""
    author: str
    committer: str | None
    message: str
    files: tuple[str, ...]


class RemoteHeads(msgspec.Struct, frozen=True, kw_only=True):
    """Refs of a remote repository: commits by full name, and the branch of HEAD."""

    commits: Mapping[str, str]
    default: str | None = None
    unreadable: tuple[str, ...] = ()
    """Names that are not valid UTF-8, with escapes for invalid bytes."""


def remote_heads(listing: bytes) -> RemoteHeads:
    """Parse ``git ls-remote --symref``. Annotated tags are resolved to their commits."""
    commits: dict[str, str] = {}
    default = None
    unreadable = []
    for raw in listing.split(b"\n"):
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            unreadable.append(raw.partition(b"\t")[2].decode("utf-8", "backslashreplace"))
            continue
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            default = value.removeprefix("ref: ") if name == "HEAD" else default
        elif name:
            commits[name.removesuffix(_TAG_TARGET)] = value
    return RemoteHeads(commits=commits, default=default, unreadable=tuple(unreadable))


def log_format(marker: str) -> str:
    """Return the format for ``git log -z --name-only`` that `commits` parses.

    Each commit begins with ``marker``, a random string, so that no message or file name can be
    mistaken for it.
    """
    return "%x00".join((marker, *_FIELDS)) + "%x00"


def commits(output: bytes, marker: str, encoding: str) -> list[Commit]:
    """Parse a log in the format of `log_format`, in the log's order."""
    return [
        _commit(record.split(b"\0"), encoding)
        for record in output.split(marker.encode() + b"\0")[1:]
    ]


def _commit(fields: list[bytes], encoding: str) -> Commit:
    revision, time, *people = fields[:6]
    message, *names = fields[6:]
    author, author_address, committer, committer_address = (
        part.decode(encoding, "replace") for part in people
    )
    return Commit(
        revision=revision.decode(),
        committed_at=_date(time),
        author=person(author, author_address) or "(no author)",
        committer=person(committer, committer_address),
        message=shortened(message.decode(encoding, "replace").strip("\n")),
        files=tuple(_files(names)),
    )


def person(name: str, address: str) -> str | None:
    """Return name and address. Git leaves its placeholders in place of what it cannot parse."""
    name, address = ("" if part.startswith("%") else part for part in (name, address))
    if not name and not address:
        return None
    return f"{name} <{address}>" if name else f"<{address}>"


def shortened(message: str) -> str:
    """Return a message, truncated to a readable length."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    left_out = len(message) - _LONGEST_MESSAGE
    return f"{message[:_LONGEST_MESSAGE]}\n… ({left_out} more characters)"


def _date(text: bytes) -> int | None:
    """Parse seconds since 1970; None if git could not parse the date."""
    try:
        seconds = int(text)
    except ValueError:
        return None
    return seconds if seconds <= _LATEST else None


def _files(names: list[bytes]) -> list[str]:
    """Parse file names: the first one follows a newline; skip empty fields."""
    present = [name for name in names if name]
    if present:
        present[0] = present[0].removeprefix(b"\n")
    return [name.decode("utf-8", "replace") for name in present]


def local_refs(listing: bytes) -> dict[str, str]:
    """Parse ``git for-each-ref`` in the format `REF_FORMAT`: commits by name."""
    refs = {}
    for line in listing.decode("utf-8", "replace").splitlines():
        name, value, target = line.split("\t")
        refs[name] = target or value
    return refs
