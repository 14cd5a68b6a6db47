"""Formatting of times, links, messages and revisions on pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

# Browsers strip these characters from URLs before they parse the scheme.
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]")

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def moment(timestamp: float) -> str:
    """Return the date and time in full."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"


def web_link(url: str) -> str:
    """Return *url* if it is safe to link to, else an empty string: no ``javascript:`` and so on."""
    try:
        scheme = urlsplit(_IGNORED_BY_BROWSERS.sub("", url)).scheme
    except ValueError:
        return ""
    return url if scheme in {"http", "https", "mailto", "ftp", ""} else ""


def first_line(text: str) -> str:
    """Return the first line of a commit's message."""
    return text.strip().partition("\n")[0]


def short(revision: str | None) -> str:
    """Return a short revision: hashes cut to 10 characters, anything else unchanged."""
    revision = revision or ""
    return revision[:10] if _HASH.fullmatch(revision) else revision
