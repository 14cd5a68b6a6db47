"""Names under which the site can be reached."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from fnmatch import translate
from urllib.parse import urlsplit

_MOST_REMEMBERED = 1_000
_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^][:/@\s]+)(?::[0-9]*)?", re.ASCII | re.IGNORECASE)


class Hosts:
    """Accepted values of the ``Host`` header.

    Another site can make its own name resolve to our address, so that its scripts can read our
    answers (DNS rebinding); only the ``Host`` header shows it. Addresses, ``localhost`` and names
    of other owners cannot be rebound.
    """

    def __init__(self, *, site_url: str, patterns: Sequence[str]) -> None:
        own = (urlsplit(site_url).hostname or "", socket.gethostname().lower(), "localhost")
        self._own = frozenset(name.rstrip(".") for name in own if name)
        self._patterns = tuple(re.compile(translate(pattern.lower())) for pattern in patterns)
        self._allowed: set[str] = set()
        """Headers that were allowed before: nearly all requests have one of a few."""

    def allow(self, host: str) -> bool:
        """Return whether to answer a request with this header; browsers always send one."""
        if not host or host in self._allowed:
            return True
        if not self._is_allowed(host):
            return False
        if len(self._allowed) >= _MOST_REMEMBERED:
            self._allowed.clear()
        self._allowed.add(host)
        return True

    def _is_allowed(self, host: str) -> bool:
        matched = _HOST.fullmatch(host)
        if matched is None:
            return False
        name = matched[1].lower().rstrip(".")
        return (
            name in self._own
            or name.endswith(".localhost")
            or _is_address(name)
            or any(pattern.match(name) for pattern in self._patterns)
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
