"""Who did what: one entry for each order, refusal and reading of the configuration."""

from __future__ import annotations

import msgspec

ORDER = "order"
"""Somebody ordered something: a control method of the API."""
LOGIN = "login"
"""Somebody logged in or out, or tried to."""
TOKEN = "token"
"""An API token was made or revoked."""
CONFIGURATION = "configuration"
"""The configuration was read."""
SECRET = "secret"
"""A build, or the configuration, got a secret."""
LIMIT = "limit"
"""A client asked for more than one may; noted once in ten minutes for each."""

THIS_MACHINE = "this machine"
"""The origin of what processes of the master's account do."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, or was not allowed to do."""

    id: int = 0
    happened_at: float
    """Seconds since 1970."""
    kind: str
    """`ORDER` …"""
    action: str
    """What was to be done: ``force``, ``stop`` …"""
    path: str
    """What with: the path of a resource, such as ``builds/3``."""
    user_name: str
    """Who; empty for somebody who has not logged in."""
    origin: str
    """The address that it came from, or `THIS_MACHINE`."""
    is_allowed: bool
    details: dict[str, object]
    """Parameters of an order that say more about what it does: the builder of ``force`` …"""
    reason: str
    """Why it was refused, or the reason that was given for it."""
