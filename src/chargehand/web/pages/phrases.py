"""How pages word points in time, and addresses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

# Browsers leave these out of addresses before they look for the scheme.
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]")


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
