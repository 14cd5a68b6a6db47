"""Names under which the site can be reached."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from fnmatch import translate
from urllib.parse import urlsplit

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

    def allow(self, host: str) -> bool:
        """Return whether to answer a request with this header; browsers always send one."""
        if not host:
            return True
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
