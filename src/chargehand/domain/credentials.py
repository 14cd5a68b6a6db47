"""What people and programs show instead of a password: sessions of browsers, and API tokens."""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from chargehand.domain.user import User

TOKEN_PREFIX = "chp_"
"""How API tokens begin, so that people and scanners of repositories know them."""


class WebSession(msgspec.Struct, frozen=True, kw_only=True):
    """A browser in which somebody has logged in."""

    id: int = 0
    digest: str
    """The `digest_of` what is in the browser's cookie."""
    account: User
    """Who has logged in, as the login described them."""
    user_name: str
    method: str
    """How: ``UserPasswordAuth`` …"""
    origin: str
    """The address from which."""
    agent: str
    """What the browser calls itself."""
    created_at: float
    seen_at: float
    """When it was last used, to within some minutes."""
    ends_at: float
    """When it ends, even if it is in use."""


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """Something that programs log in with."""

    id: int = 0
    digest: str
    """The `digest_of` the token."""
    label: str
    """What its owner calls it."""
    account: User
    """As whom it acts."""
    user_name: str
    """Whose it is."""
    actions: tuple[str, ...] = ()
    """Which of `ACTIONS` it may do, at most."""
    builders: tuple[str, ...] = ()
    """The builders that it may do them with; empty: all."""
    build_id: int = 0
    """The build that it ends with, if it was made for one."""
    created_at: float
    ends_at: float
    used_at: float = 0.0
    """When it was last used, to within some minutes; 0: never."""
    used_from: str = ""
    """The address from which."""


def new_secret(prefix: str = "") -> str:
    """Return a new text that nobody can guess."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret that nobody can guess: no salt, no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
