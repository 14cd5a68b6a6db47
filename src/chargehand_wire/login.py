"""How a worker says at a master's web server who it is, and which protocol it speaks."""

from __future__ import annotations

import base64
import re
from typing import Optional
from urllib.parse import quote, unquote

from chargehand_wire.http_login import SUBPROTOCOL, basic_pair
from chargehand_wire.messages import PROTOCOL_VERSION

_VERSION = re.compile(re.escape(SUBPROTOCOL) + r"(\d{1,9})")


def login_headers(name: str, password: str) -> dict[str, str]:
    """Return the headers of the request that opens a worker's websocket."""
    pair = f"{quote(name, safe='')}:{password}"
    return {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "Sec-WebSocket-Protocol": f"{SUBPROTOCOL}{PROTOCOL_VERSION}",
    }


def credentials(header: str) -> Optional[tuple[str, str]]:
    """Return the name and the password of our worker's ``Authorization`` header, None if it has
    none."""
    pair = basic_pair(header)
    return None if pair is None else (unquote(pair[0]), pair[1])


def offered_versions(header: str) -> list[int]:
    """Return the versions of the protocol that ``Sec-WebSocket-Protocol`` offers."""
    found = (_VERSION.fullmatch(part.strip()) for part in header.split(","))
    return [int(match.group(1)) for match in found if match is not None]


def subprotocol() -> str:
    """Return the name of the protocol with its version."""
    return f"{SUBPROTOCOL}{PROTOCOL_VERSION}"


def wrong_version(name: str, offered: list[int]) -> str:
    """Say what has to be upgraded."""
    if not offered:
        return (
            f"worker {name} does not say which version of the protocol it speaks; this master "
            f"speaks version {PROTOCOL_VERSION}"
        )
    theirs = max(offered)
    old = "the worker" if theirs < PROTOCOL_VERSION else "the master"
    return (
        f"worker {name} speaks version {theirs} of the protocol, this master version "
        f"{PROTOCOL_VERSION}: upgrade {old}"
    )
