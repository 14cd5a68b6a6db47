"""Logging in with a name and a password."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math

import msgspec
from aiohttp import web

from chargehand.config.login import EMERGENCY, Login
from chargehand.domain.user import User
from chargehand.web.access.attempts import Attempts

_LONGEST_NAME = 200
_LONGEST_PASSWORD = 1_000
_AT_ONCE = 4
"""Passwords checked at the same time: each may take a hash that is slow on purpose."""


class Wrong(Exception):
    """The name or the password is wrong, or too many have been; says what to tell the visitor."""

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = math.ceil(wait)
        """Seconds until the next attempt is heard."""


class Entered(msgspec.Struct, frozen=True):
    """Who has shown the right password, and the way in."""

    user: User
    method: str


class PasswordChecks:
    """Checks passwords, each attempt later than the last where many were wrong."""

    def __init__(self, attempts: Attempts | None = None) -> None:
        self._attempts = attempts or Attempts()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def user(self, login: Login, name: str, password: str, address: str) -> Entered:
        """Return who this is. Raises Wrong, LoginUnavailable."""
        now = asyncio.get_running_loop().time
        wait = self._attempts.seconds_to_wait(name[:_LONGEST_NAME], address, now())
        if wait > 0:
            seconds = math.ceil(wait)
            raise Wrong(
                "too many wrong passwords: wait "
                f"{seconds} second{'' if seconds == 1 else 's'}, then try again",
                wait=wait,
            )
        if not name or len(name) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD:
            raise Wrong("the name or the password is wrong")
        # Counted before it is checked, so that many at once do not all pass as the first.
        self._attempts.failed(name, address, now())
        async with self._turns:
            entered = await _user(login, name, password)
        if entered is None:
            raise Wrong("the name or the password is wrong")
        self._attempts.succeeded(name, address)
        return entered


async def _user(login: Login, name: str, password: str) -> Entered | None:
    emergency = login.emergency
    if emergency is not None and emergency.knows(name):
        user = await emergency.user(name, password)
        return None if user is None else Entered(user, EMERGENCY)
    user = None if login.password is None else await login.password.user(name, password)
    return None if user is None else Entered(user, login.name)


def basic(request: web.BaseRequest) -> tuple[str, str] | None:
    """Return name and password of HTTP's basic authentication, if a request has them."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
