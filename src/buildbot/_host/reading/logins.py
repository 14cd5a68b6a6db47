"""``c['www']['auth']`` and what belongs to it: how people log in."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from buildbot._border.bridge import inward
from buildbot._border.numbers import SECONDS
from buildbot._host.reading.section import Section
from buildbot._host.views.engine_access import EngineAccess
from buildbot.www.auth import AuthBase, NoAuth, PasswordAuth, RemoteUserAuth, UserPasswordAuth
from buildbot.www.oauth2 import OAuth2Auth
from buildbot.www.password_hashes import is_password, stored_in
from chargehand.config.login import (
    MONTH,
    WEEK,
    Begun,
    Login,
    LoginRefused,
    LoginUnavailable,
)
from chargehand.domain.user import User
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import Guard
from chargehand.kit.hashed_passwords import is_hashed

_log = logging.getLogger("chargehand.login")
T = TypeVar("T")

_SAME_MACHINE = ("127.0.0.0/8", "::1")
_OWN_WAY = (
    "define check_credentials(user, password) in a subclass of util.CustomAuth, or derive from "
    "util.OpenIDConnectAuth for another site"
)
_NOT_CALLED = {
    "getLoginResource": (
        f"it returns a resource of Twisted's web server, which is not used here; {_OWN_WAY}"
    ),
    "getLogoutResource": "/auth/logout ends every kind of session",
    "maybeAutoLogin": (
        "it would believe a header that anybody can send; use util.RemoteUserAuth(header=..., "
        "headerRegex=...), which believes the proxies in c['www']['trusted_proxies'], with a "
        "userInfoProvider for more than the name"
    ),
    "createSessionFromToken": (
        "nobody logs in with what a caller shows; scripts use API tokens (chargehand token)"
    ),
}
_OWN_FIELDS = ("username", "full_name", "email", "groups")


def read_login(part: Section, access: EngineAccess) -> Login | None:
    """Return how people log in; None if nobody does."""
    auth = part.get("auth")
    emergency = _emergency(part)
    if auth is None or isinstance(auth, NoAuth):
        if emergency is not None:
            part.error(
                "c['www']['emergency_accounts'] needs c['www']['auth']: they are for when nobody "
                "can log in by that",
                "emergency_accounts",
            )
        return None
    if not isinstance(auth, AuthBase):
        part.wrong("auth", "an object such as util.UserPasswordAuth({'name': 'password'})")
        return None
    for method, why in _NOT_CALLED.items():
        if hasattr(type(auth), method):
            part.warn(f"{type(auth).__name__}.{method} is not called: {why}", "auth")
    for name in emergency.hashes if emergency is not None else ():
        if isinstance(auth, UserPasswordAuth) and auth.knows(name):
            part.error(
                f"c['www']['emergency_accounts']: {name!r} is a user of c['www']['auth'] as well; "
                "give the emergency account a name that nobody else has",
                "emergency_accounts",
            )
    idle = _seconds(part, "cookie_expiration_time", WEEK)
    hosted = _Hosted(auth, access)
    shown = auth.getConfigDict()
    return Login(
        name=str(shown.get("name", type(auth).__name__)),
        shown=shown,
        password=HostedPasswords(hosted) if isinstance(auth, PasswordAuth) else None,
        proxy=HostedProxy(hosted) if isinstance(auth, RemoteUserAuth) else None,
        provider=HostedProvider(hosted) if isinstance(auth, OAuth2Auth) else None,
        emergency=emergency,
        idle_seconds=idle,
        total_seconds=_seconds(part, "session_lifetime", max(MONTH, idle)),
    )


def read_trusted_proxies(part: Section) -> tuple[str, ...]:
    """Return the networks whose word for where a request comes from is taken."""
    given = part.get("trusted_proxies")
    if given is None:
        return _SAME_MACHINE if isinstance(part.get("auth"), RemoteUserAuth) else ()
    found: list[str] = []
    for one in [given] if isinstance(given, str) else given:
        try:
            found.append(str(ipaddress.ip_network(one, strict=False)))
        except (TypeError, ValueError):
            part.error(
                f"c['www']['trusted_proxies']: {one!r} is no address and no network; write "
                "'192.0.2.10' or '10.0.0.0/8'",
                "trusted_proxies",
            )
    return tuple(found)


def _seconds(part: Section, key: str, otherwise: float) -> float:
    given = part.get(key)
    if given is None:
        return otherwise
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if not SECONDS.has(seconds) or seconds <= 0:
        part.wrong(key, "a datetime.timedelta, or a number of seconds above 0")
        return otherwise
    return float(seconds)


class _Hosted(msgspec.Struct, frozen=True):
    """A user's way of logging in; equal if the objects are."""

    auth: Any
    access: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hosted) and bool(self.auth == other.auth)

    def __hash__(self) -> int:
        return hash(type(self.auth))

    def ready(self) -> Any:
        """Return the object, which knows the master."""
        master = self.access.master
        if self.auth.master is not master:
            self.auth.reconfigAuth(master, None)
            self.auth.userInfoProvider.master = master
        return self.auth

    async def asked(self, question: Awaitable[T]) -> T:
        """Await the user's code. Raises LoginRefused, LoginUnavailable."""
        failures: list[Exception] = []
        with Guard(failures.append):
            return await question
        failure = failures[0]
        if isinstance(failure, LoginRefused | LoginUnavailable):
            raise failure
        _log.error(
            "logging in failed in %s: %s",
            type(self.auth).__name__,
            headline_of(failure),
            exc_info=failure,
        )
        raise LoginUnavailable("the master cannot check who you are; its log says why")


class HostedPasswords(msgspec.Struct, frozen=True):
    """Names and passwords, checked by an object of the configuration."""

    hosted: _Hosted

    async def user(self, name: str, password: str) -> User | None:
        """Return who this is; None for a wrong password. Raises LoginUnavailable."""
        auth = self.hosted.ready()

        async def question() -> User | None:
            if not await auth.accepts(name, password):
                return None
            return user_of(await auth.described(name, {}))

        try:
            return await self.hosted.asked(question())
        except LoginRefused as refused:
            _log.warning("%.100r may not log in: %s", name, refused)
            return None

    def knows(self, name: str) -> bool:
        """Return whether there may be a user of this name."""
        return bool(self.hosted.ready().knows(name))

    def weaknesses(self) -> list[tuple[str, str, str]]:
        """Return what the object says can be misused."""
        tell = getattr(self.hosted.auth, "weaknesses", None)
        return list(tell()) if tell is not None else []


class HostedProxy(msgspec.Struct, frozen=True):
    """A proxy's word, read by an object of the configuration."""

    hosted: _Hosted

    @property
    def header(self) -> str:
        """The header in which the proxy names the user."""
        return str(self.hosted.auth.header)

    async def user(self, value: str) -> User | None:
        """Return whom the header names. Raises LoginUnavailable."""
        try:
            found = await self.hosted.asked(self.hosted.ready().named(value))
        except LoginRefused as refused:
            _log.warning("whom the proxy calls %.100r may not log in: %s", value, refused)
            return None
        return None if found is None else user_of(found)


class HostedProvider(msgspec.Struct, frozen=True):
    """Another site, asked by an object of the configuration."""

    hosted: _Hosted

    @property
    def title(self) -> str:
        """The site's name."""
        return str(self.hosted.auth.name)

    @property
    def is_automatic(self) -> bool:
        """Whether visitors are sent there at once."""
        return bool(self.hosted.auth.autologin)

    async def begin(self, callback: str) -> Begun:
        """Begin a login. Raises LoginUnavailable."""
        try:
            begun: Begun = await self.hosted.asked(self.hosted.ready().begin(callback))
        except LoginRefused as refused:
            raise LoginUnavailable(str(refused)) from refused
        return begun

    async def finish(
        self, callback: str, kept: Mapping[str, str], answer: Mapping[str, str]
    ) -> User:
        """Return who came back. Raises LoginRefused, LoginUnavailable."""
        auth = self.hosted.ready()
        return user_of(await self.hosted.asked(auth.finish(callback, kept, answer)))


class EmergencyAccounts(msgspec.Struct, frozen=True):
    """Accounts for when nobody can log in otherwise: hashes by name."""

    hashes: dict[str, str]

    async def user(self, name: str, password: str) -> User | None:
        """Return who this is; None for a wrong password."""
        found = await inward(is_password, stored_in(self.hashes, name), password)
        return User(name=name, email=name) if found else None

    def knows(self, name: str) -> bool:
        """Return whether it is one of them."""
        return name in self.hashes


def _emergency(part: Section) -> EmergencyAccounts | None:
    given = part.get("emergency_accounts")
    if given is None:
        return None
    if not isinstance(given, dict) or not all(
        isinstance(name, str) and isinstance(stored, str) and is_hashed(stored)
        for name, stored in given.items()
    ):
        part.error(
            "c['www']['emergency_accounts'] must be a dictionary of names, with what chargehand "
            "hash-password prints for each",
            "emergency_accounts",
        )
        return None
    return EmergencyAccounts(given) if given else None


def user_of(info: Mapping[str, Any]) -> User:
    """Return the user that a dictionary describes, as Buildbot's classes for logging in make it."""
    groups = info.get("groups") or ()
    return User(
        name=_text(info.get("username")),
        full_name=_text(info.get("full_name")),
        email=_text(info.get("email")),
        groups=tuple(dict.fromkeys(map(_text, [groups] if isinstance(groups, str) else groups))),
        details=tuple(
            sorted(
                (str(name), _text(value))
                for name, value in info.items()
                if name not in _OWN_FIELDS and value is not None
            )
        ),
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
