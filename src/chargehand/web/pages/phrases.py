"""How pages word points in time, and addresses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

# Browsers leave these out of addresses before they look for the scheme.
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]")

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def moment(timestamp: float) -> str:
    """Return a point in time in full."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"


def web_link(url: str) -> str:
    """Return *url* if it is one to follow, else nothing: never ``javascript:`` and the like."""
    try:
        scheme = urlsplit(_IGNORED_BY_BROWSERS.sub("", url)).scheme
    except ValueError:
        return ""
    return url if scheme in {"http", "https", "mailto", "ftp", ""} else ""


def first_line(text: str) -> str:
    """Return the first line of a commit's message."""
    return text.strip().partition("\n")[0]


def short(revision: str | None) -> str:
    """Return a revision as people say it: hashes in 10 characters, anything else whole."""
    revision = revision or ""
    return revision[:10] if _HASH.fullmatch(revision) else revision
