"""Reading what git prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_TAG_TARGET = "^{}"

REF_FORMAT = "%(refname)%09%(objectname)%09%(*objectname)"

_FIELDS = ("%H", "%ct", "%aN", "%aE", "%cN", "%cE", "%B")
_LATEST = 253_402_300_799
"""The last second of the year 9999: no later date can be shown."""
_LONGEST_MESSAGE = 100_000
"""Characters of a commit message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit with what it did to its first parent."""

    revision: str
    committed_at: int | None
    """None where the commit has no date that a calendar knows."""
    author: str
    committer: str | None
    message: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHeads:
    """What a repository offers: commits by full name, and the branch that HEAD stands for."""

    commits: Mapping[str, str]
    default: str | None = None
    unreadable: tuple[str, ...] = ()
    """Names that are not UTF-8, with escapes for what cannot be read."""


def remote_heads(listing: bytes) -> RemoteHeads:
    """Read ``git ls-remote --symref``. Annotated tags are given by the commits that they name."""
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
    """Return the format for ``git log -z --name-only`` that `commits` can read.

    ``marker`` begins each commit; nobody can have foreseen it, so that no message or file name can
    be mistaken for it.
    """
    return "%x00".join((marker, *_FIELDS)) + "%x00"


def commits(output: bytes, marker: str, encoding: str) -> list[Commit]:
    """Read a log that was written with `log_format`, in the log's order."""
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
    """Return who that is. Git prints its own placeholders for a line that it cannot read."""
    name, address = ("" if part.startswith("%") else part for part in (name, address))
    if not name and not address:
        return None
    return f"{name} <{address}>" if name else f"<{address}>"


def shortened(message: str) -> str:
    """Return a message, cut where nobody reads on."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    left_out = len(message) - _LONGEST_MESSAGE
    return f"{message[:_LONGEST_MESSAGE]}\n… ({left_out} more characters)"


def _date(text: bytes) -> int | None:
    """Read seconds since 1970: nothing where git cannot read them either."""
    try:
        seconds = int(text)
    except ValueError:
        return None
    return seconds if seconds <= _LATEST else None


def _files(names: list[bytes]) -> list[str]:
    """Read the names: the first has a newline before it, and empty fields separate nothing."""
    present = [name for name in names if name]
    if present:
        present[0] = present[0].removeprefix(b"\n")
    return [name.decode("utf-8", "replace") for name in present]


def local_refs(listing: bytes) -> dict[str, str]:
    """Read ``git for-each-ref`` in the format `REF_FORMAT`: commits by name."""
    refs = {}
    for line in listing.decode("utf-8", "replace").splitlines():
        name, value, target = line.split("\t")
        refs[name] = target or value
    return refs
