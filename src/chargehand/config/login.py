"""How people log in: what the web server needs of what the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from chargehand.domain.user import User

WEEK = 7 * 86_400.0
MONTH = 30 * 86_400.0
EMERGENCY = "emergency"
"""The way in of `Login.emergency`."""


class LoginRefused(Exception):
    """Somebody may not log in; the message is a clause for them that says why."""


class LoginUnavailable(Exception):
    """Nobody can be asked whether somebody may log in: a directory, or another site, is down.

    The message is a clause for people that says which and why.
    """


class PasswordLogin(Protocol):
    """Checks names and passwords."""

    async def user(self, name: str, password: str) -> User | None:
        """Return who has this name and password; None for a wrong one. Raises LoginUnavailable."""

    def knows(self, name: str) -> bool:
        """Return whether somebody of this name may still be logged in. True if it cannot tell."""


class ProxyLogin(Protocol):
    """Believes a proxy, which has asked already."""

    @property
    def header(self) -> str:
        """The header in which the proxy names the user."""

    async def user(self, value: str) -> User | None:
        """Return whom the header names; None if it names nobody. Raises LoginUnavailable."""


class Begun(msgspec.Struct, frozen=True):
    """A login at another site that has begun."""

    url: str
    """Where to send the browser."""
    kept: Mapping[str, str]
    """What the browser keeps until it comes back, to show that it is the one that began."""


class ProviderLogin(Protocol):
    """Sends people to another site, which says who they are."""

    @property
    def title(self) -> str:
        """The site's name, for a button."""

    @property
    def is_automatic(self) -> bool:
        """Whether visitors are sent there at once."""

    async def begin(self, callback: str) -> Begun:
        """Begin, to be sent back to the URL *callback*. Raises LoginUnavailable."""

    async def finish(
        self, callback: str, kept: Mapping[str, str], answer: Mapping[str, str]
    ) -> User:
        """Return who came back with this *answer* in the URL's query.

        Raises LoginRefused, LoginUnavailable.
        """


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How people log in, and for how long."""

    name: str
    """What clients of the API call the way: ``UserPasswordAuth``, ``GitHub`` …"""
    shown: Mapping[str, object] = msgspec.field(default_factory=dict)
    """What user interfaces are told of it."""
    password: PasswordLogin | None = None
    proxy: ProxyLogin | None = None
    provider: ProviderLogin | None = None
    emergency: PasswordLogin | None = None
    """Accounts for when nobody can log in otherwise."""
    idle_seconds: float = WEEK
    """After how long without a request a session ends."""
    total_seconds: float = MONTH
    """After how long it ends in any case."""

    def reserves(self, name: str) -> bool:
        """Return whether a name is an emergency account's: nobody has it who logs in otherwise."""
        return self.emergency is not None and self.emergency.knows(name)

    @property
    def takes_passwords(self) -> bool:
        """Whether there is a form for a name and a password."""
        return self.password is not None or self.emergency is not None
