"""Reads what ``svn info --xml`` and ``svn log --xml --verbose`` write."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree import ElementTree

import msgspec


class UnreadableOutput(ValueError):
    """It is not what svn writes; the message says why."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What an address leads to, now."""

    prefix: str
    """The path within the repository, without a slash at its end: empty, or like ``/trunk``."""
    newest: int
    """The newest revision of the whole repository."""
    changed: int
    """The newest revision in which something below this address changed."""


class ChangedPath(msgspec.Struct, frozen=True, kw_only=True):
    """One path that a revision changed, from the repository's root: ``/trunk/a.c``.

    A directory's ends with a slash.
    """

    path: str
    action: str
    """A (added), D (deleted), M (modified), R (replaced)."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A revision, as the log shows it."""

    number: int
    author: str
    message: str
    paths: tuple[ChangedPath, ...]


def place_of(output: bytes) -> Place:
    """Read what ``svn info --xml URL`` wrote. Raises UnreadableOutput."""
    entry = _tree(output).find("entry")
    if entry is None:
        raise UnreadableOutput("svn info named no entry")
    url, root = entry.findtext("url", ""), entry.findtext("repository/root", "")
    if not root or not url.startswith(root):
        raise UnreadableOutput(f"svn info did not say where the repository of {url!r} begins")
    commit = entry.find("commit")
    return Place(
        prefix=unquote(url.removeprefix(root)).rstrip("/"),
        newest=_number(entry.get("revision")),
        changed=_number(entry.get("revision") if commit is None else commit.get("revision")),
    )


def revisions_of(output: bytes) -> list[Revision]:
    """Read what ``svn log --xml --verbose`` wrote, in its order. Raises UnreadableOutput."""
    return [
        Revision(
            number=_number(entry.get("revision")),
            author=entry.findtext("author", "") or "",
            message=entry.findtext("msg", "") or "",
            paths=tuple(_path(path) for path in entry.iterfind("paths/path")),
        )
        for entry in _tree(output).iterfind("logentry")
    ]


def _path(element: ElementTree.Element) -> ChangedPath:
    path = element.text or ""
    if element.get("kind") == "dir" and not path.endswith("/"):
        path += "/"
    return ChangedPath(path=path, action=element.get("action", "M"))


def _tree(output: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(output)
    except ElementTree.ParseError as error:
        raise UnreadableOutput(f"svn wrote XML that cannot be read: {error}") from None


def _number(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit():
        raise UnreadableOutput(f"svn reported no revision: {text!r}")
    return int(text)
