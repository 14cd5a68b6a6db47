"""Cross-origin access."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from fnmatch import translate
from urllib.parse import urlsplit

from aiohttp import web


class Origins:
    """Origins (scheme, host and port of a page) that browsers may send requests from.

    The site's own origin is always allowed, and so is the one under which the browser reached us,
    if it is an address or ``localhost`` (other names could be rebound to our address).
    """

    def __init__(self, *, site_url: str, patterns: Sequence[str]) -> None:
        parts = urlsplit(site_url)
        self._own = f"{parts.scheme}://{parts.netloc}".lower()
        self._patterns = tuple(re.compile(translate(pattern.lower())) for pattern in patterns)

    def allow(self, origin: str, host: str) -> bool:
        """Return whether to serve a request with these headers."""
        return any(pattern.match(origin.lower()) for pattern in self._patterns) or self.is_own(
            origin, host
        )

    def is_own(self, origin: str, host: str) -> bool:
        """Return whether a page of the site itself sent a request with these headers."""
        origin = origin.lower()
        if origin == self._own:
            return True
        parts = urlsplit(origin)
        return bool(host) and parts.netloc == host.lower() and _is_certain(parts.hostname or "")

    def serve(self, request: web.BaseRequest) -> bool:
        """Return whether to serve a request: one of no page, or of an allowed one."""
        origin = request.headers.get("Origin")
        return origin is None or self.allow(origin, request.headers.get("Host", ""))

    def are_own(self, request: web.BaseRequest) -> bool:
        """Return whether a page of the site itself sent a request, or no page did."""
        origin = request.headers.get("Origin")
        return origin is None or self.is_own(origin, request.headers.get("Host", ""))


def _is_certain(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
