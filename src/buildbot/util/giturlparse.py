"""Taking a git URL apart."""

from __future__ import annotations

import re
from typing import NamedTuple

_GIT_URL = re.compile(
    r"(?:(?P<proto>https?|ssh|git)://)?"
    r"(?:(?P<user>[^\s@:/]+)(?::(?P<password>[^\s@/]*))?@)?"
    r"(?P<domain>[^\s/:]+)"
    r"(?::(?P<port>\d+)(?=/))?"
    r"[/:]"
    r"(?:(?P<owner>\S+)/)?"
    r"(?P<repo>[^\s/]+?)(?:\.git)?/?$"
)


class GitUrl(NamedTuple):
    """The parts of a git URL; ``owner`` may contain slashes."""

    proto: str
    user: str | None
    password: str | None
    domain: str
    port: int | None
    owner: str | None
    repo: str


def giturlparse(url: str) -> GitUrl | None:
    """Return the parts of a URL or of ``user@host:owner/repo``; None if it is neither."""
    match = _GIT_URL.match(url)
    if match is None:
        return None
    return GitUrl(
        proto=match["proto"] or "ssh",
        user=match["user"],
        password=match["password"],
        domain=match["domain"],
        port=int(match["port"]) if match["port"] else None,
        owner=match["owner"],
        repo=match["repo"],
    )
