"""Passwords that are stored as hashes of many kinds, as ``htpasswd`` and others write them."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from chargehand.config.login import LoginUnavailable
from chargehand.kit.hashed_passwords import is_hashed, matches

_log = logging.getLogger("chargehand.login")

_SCHEMES = (
    "bcrypt",
    "argon2",
    "apr_md5_crypt",
    "ldap_sha1",
    "ldap_salted_sha1",
    "sha512_crypt",
    "sha256_crypt",
    "md5_crypt",
)
_HASH = re.compile(r"\$[A-Za-z0-9-]+\$|\{[A-Z0-9]+\}")
"""How hashes begin. What begins otherwise is the password itself."""
_LOOK_SECONDS = 10.0
_NEEDED = "pip install 'chargehand[login]'"


class Unreadable(Exception):
    """A hash of a kind that nothing here can check."""


class Stored(msgspec.Struct, frozen=True):
    """What is stored for a name, or for another one: checking it takes as long."""

    text: str
    is_real: bool


def stored_in(passwords: Mapping[str, str], name: str) -> Stored:
    """Return what to check a password of *name* against."""
    if name in passwords:
        return Stored(passwords[name], is_real=True)
    return Stored(next(iter(passwords.values()), ""), is_real=False)


async def is_password(stored: Stored, given: str) -> bool:
    """Return whether a password is the one that is stored.

    It takes as long where nothing is stored: nobody learns which names there are. Raises
    LoginUnavailable.
    """
    try:
        found = await asyncio.to_thread(_is_password, stored.text, given)
    except Unreadable as problem:
        if stored.is_real:
            _log.error("a password cannot be checked: %s", problem)
        return False
    return found and stored.is_real


def _is_password(stored: str, given: str) -> bool:
    if is_hashed(stored):
        return matches(stored, given)
    if _HASH.match(stored) is None:
        return hmac.compare_digest(stored.encode(), given.encode())
    context = _context()
    if context.identify(stored) is None:
        kind = stored[: stored.find("$", 1) + 1] if stored.startswith("$") else stored.split("}")[0]
        raise Unreadable(f"it is stored with a hash of an unknown kind ({kind}…)")
    try:
        return bool(context.verify(given, stored))
    except (ValueError, TypeError) as problem:
        raise Unreadable(f"its hash is damaged: {problem}") from problem


def _context() -> Any:
    try:
        from passlib.context import CryptContext
    except ImportError as problem:
        raise LoginUnavailable(
            f"passwords with hashes need a library that is not installed: {_NEEDED}"
        ) from problem
    return CryptContext(schemes=list(_SCHEMES))


class PasswordFile:
    """A file with a name and a stored password in each line, separated by a colon."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at: tuple[int, int] | None = None
        self._stored: dict[str, str] = {}
        self._looked_at = -_LOOK_SECONDS

    async def stored(self, name: str) -> Stored:
        """Return what to check a password of *name* against. Raises LoginUnavailable."""
        await asyncio.to_thread(self._read)
        return stored_in(self._stored, name)

    def may_have(self, name: str) -> bool:
        """Return whether it has the name; it may have changed seconds ago."""
        now = time.monotonic()
        if now >= self._looked_at + _LOOK_SECONDS:
            self._looked_at = now
            with contextlib.suppress(LoginUnavailable):
                self._read()
        return self._read_at is None or name in self._stored

    def _read(self) -> None:
        try:
            status = self.path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if version == self._read_at:
                return
            text = self.path.read_text("utf-8", errors="surrogateescape")
        except OSError as problem:
            _log.error("cannot read %s: %s", self.path, problem.strerror)
            raise LoginUnavailable("the master cannot read its file of passwords") from problem
        self._stored = _entries(text)
        self._read_at = version


def _entries(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split(":")[:2] for line in lines if ":" in line and not line.startswith("#"))
    return {name: stored for name, stored in pairs if stored}
