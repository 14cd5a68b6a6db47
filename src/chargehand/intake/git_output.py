"""Reading what git prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_TAG_TARGET = "^{}"

REF_FORMAT = "%(refname)%09%(objectname)%09%(*objectname)"

_FIELDS = ("%H", "%ct", "%aN <%aE>", "%cN <%cE>", "%s%n%b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit with what it did to its first parent."""

    revision: str
    committed_at: int
    author: str
    committer: str
    message: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHeads:
    """What a repository offers: commits by full name, and the branch that HEAD stands for."""

    commits: Mapping[str, str]
    default: str | None = None


def remote_heads(listing: bytes) -> RemoteHeads:
    """Read ``git ls-remote --symref``. Annotated tags are given by the commits that they name."""
    commits: dict[str, str] = {}
    default = None
    for line in listing.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            default = value.removeprefix("ref: ") if name == "HEAD" else default
        elif name:
            commits[name.removesuffix(_TAG_TARGET)] = value
    return RemoteHeads(commits=commits, default=default)


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
    revision, time, author, committer, message, *names = fields
    return Commit(
        revision=revision.decode(),
        committed_at=int(time),
        author=author.decode(encoding, "replace"),
        committer=committer.decode(encoding, "replace"),
        message=message.decode(encoding, "replace").strip(),
        files=tuple(_files(names)),
    )


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
