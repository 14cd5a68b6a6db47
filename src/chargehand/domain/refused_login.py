"""Workers that were not let in."""

from __future__ import annotations

import msgspec


class RefusedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """The logins with one name from one host that were refused for one reason."""

    name: str
    """What was given as the worker's name, fit to be shown."""
    address: str
    """Where the last one came from."""
    reason: str
    refused_at: float
    """When the last one was, in seconds since 1970."""
    count: int
