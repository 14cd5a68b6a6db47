"""Logging in at the web server: with a password, or by a proxy's word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from twisted.cred.credentials import IUsernamePassword, UsernamePassword

from buildbot._border.bridge import answered, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import Placed
from buildbot.util import bytes2unicode as bytes2unicode
from buildbot.www.password_hashes import PasswordFile, is_password, stored_in


class UserInfoProviderBase(ComparableMixin, Placed):
    """Says more of somebody who has logged in: subclasses ask a directory of users.

    Args:
        name (str): What it is called; not needed.
    """

    name = "noinfo"
    compare_attrs: ClassVar[Any] = ("name",)
    master: Any = None

    def getUserInfo(self, username: str) -> Any:
        """Return a dictionary (or a Deferred, or a coroutine, of one) with what is known:
        ``email``, ``full_name``, ``groups`` (a list of names), and more."""
        return settled({"email": username})


class AuthBase(ComparableMixin, Placed):
    """A way of logging in.

    Subclasses override ``check_credentials`` (see `CustomAuth`).

    Args:
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name; without one the
            name is also the address.
    """

    compare_attrs: ClassVar[Any] = ("userInfoProvider",)
    master: Any = None

    def __init__(self, userInfoProvider: Any = None) -> None:
        self.userInfoProvider = (
            UserInfoProviderBase() if userInfoProvider is None else userInfoProvider
        )

    def reconfigAuth(self, master: Any, new_config: Any) -> None:
        """Take the master, and its configuration, before it is used."""
        self.master = master

    def getConfigDict(self) -> dict[str, Any]:
        """Return what clients are told of it."""
        return {"name": type(self).__name__}

    async def described(self, username: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return all that is known of a user: of the login, and of ``userInfoProvider``."""
        told = await answered(
            f"getUserInfo of {type(self.userInfoProvider).__name__}",
            self.userInfoProvider.getUserInfo,
            username,
        )
        if type(self.userInfoProvider) is UserInfoProviderBase:  # It knows nothing.
            return {"username": username, **told, **known}
        return {"username": username, **known, **(told or {})}


class AuthRealm(ComparableMixin):
    """With what Buildbot makes pages for logging in: here the master has its own pages.

    Args:
        master (BuildMaster): The master.
        auth (AuthBase): The way of logging in.
    """

    def __init__(self, master: Any, auth: Any) -> None:
        self.master = master
        self.auth = auth


class NoAuth(AuthBase):
    """Nobody logs in."""


class PasswordAuth(AuthBase):
    """Checks names and passwords; the basis of what does so."""

    async def accepts(self, username: str, password: str) -> bool:
        """Return whether the password is that of the user."""
        return bool(
            await answered(
                f"check_credentials of {type(self).__name__}",
                self.check_credentials,
                username,
                password,
            )
        )

    def knows(self, username: str) -> bool:
        """Return whether there may be a user of this name: sessions of others end."""
        return True

    def check_credentials(self, username: str, password: str) -> Any:
        """Return whether (or a Deferred, or a coroutine, of whether) the password is right."""
        raise NotImplementedError(f"{type(self).__name__} must define check_credentials")


class CustomAuth(PasswordAuth):
    """Logging in as your own code decides: subclasses define ``check_credentials(user, password)``,
    which returns whether the password is right. It may be a coroutine.

    Args:
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """


class UserPasswordAuth(PasswordAuth):
    """Logging in with names and passwords that are written in the configuration.

    Args:
        users (dict | list): Passwords by name. What ``chargehand hash-password`` prints
            may stand for a password.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """

    compare_attrs: ClassVar[Any] = ("users",)

    def __init__(self, users: Any, userInfoProvider: Any = None, **kwargs: Any) -> None:
        super().__init__(userInfoProvider=userInfoProvider, **kwargs)
        self.users = users
        self._passwords = _passwords(users)

    async def accepts(self, username: str, password: str) -> bool:
        """Return whether the password is that of the user."""
        return await is_password(stored_in(self._passwords, username), password)

    @property
    def names(self) -> Sequence[str]:
        """The names of all users."""
        return list(self._passwords)

    def knows(self, username: str) -> bool:
        """Return whether the configuration has this name."""
        return username in self._passwords

    def weaknesses(self) -> list[tuple[str, str, str]]:
        """Return what can be misused: passwords that are guessed."""
        return [
            (
                "weak",
                f"the password of the user \"{name}\" in c['www']['auth'] is short",
                "choose one of at least 12 characters, or write what chargehand hash-password "
                "prints",
            )
            for name, password in self._passwords.items()
            if len(password) < _SHORTEST
        ]


_SHORTEST = 12


def _passwords(users: Any) -> dict[str, str]:
    pairs = users.items() if isinstance(users, Mapping) else users
    try:
        found: dict[Any, Any] = {
            bytes2unicode(name): bytes2unicode(password) for name, password in pairs
        }
    except (TypeError, ValueError):
        error(
            "UserPasswordAuth: users must be a dictionary {'name': 'password'} or a list of pairs "
            "[('name', 'password')]"
        )
        return {}
    for name, password in found.items():
        if not isinstance(name, str) or not isinstance(password, str):
            error(f"UserPasswordAuth: the name and the password of {name!r} must be strings")
            return {}
        if not password:
            error(f"UserPasswordAuth: the password of {name!r} is empty")
    return found


class HTPasswdAuth(PasswordAuth):
    """Logging in with the names and passwords of a file such as ``htpasswd`` makes.

    The file is read again when it changes.

    Args:
        passwdFile (str): The file; a relative path is below the master's directory.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """

    compare_attrs: ClassVar[Any] = ("passwdFile",)

    def __init__(self, passwdFile: str, userInfoProvider: Any = None, **kwargs: Any) -> None:
        super().__init__(userInfoProvider=userInfoProvider, **kwargs)
        self.passwdFile = passwdFile
        self._file = PasswordFile(Path(passwdFile))

    def reconfigAuth(self, master: Any, new_config: Any) -> None:
        """Take the master, in whose directory the file is."""
        super().reconfigAuth(master, new_config)
        self._file.path = Path(master.basedir) / self.passwdFile

    async def accepts(self, username: str, password: str) -> bool:
        """Return whether the password is that of the user."""
        return await is_password(await self._file.stored(username), password)

    def knows(self, username: str) -> bool:
        """Return whether the file had this name when it was last read."""
        return self._file.may_have(username)


class HTPasswdAprAuth(HTPasswdAuth):
    """The same: `HTPasswdAuth` knows Apache's own hashes as well.

    Args:
        passwdFile (str): The file; a relative path is below the master's directory.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """


class TwistedICredAuthBase(PasswordAuth):
    """Logging in as Twisted's checkers of credentials decide.

    Args:
        credentialFactories (list): Not used: browsers send name and password.
        checkers (list): Objects with ``ICredentialsChecker`` that accept ``IUsernamePassword``.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """

    compare_attrs: ClassVar[Any] = ("credentialFactories", "checkers")

    def __init__(
        self,
        credentialFactories: Sequence[Any],
        checkers: Sequence[Any],
        userInfoProvider: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(userInfoProvider=userInfoProvider, **kwargs)
        self.credentialFactories = credentialFactories
        self.checkers = checkers

    async def accepts(self, username: str, password: str) -> bool:
        """Return whether one of the checkers accepts them."""
        from twisted.cred.error import LoginFailed

        shown = UsernamePassword(username.encode(), password.encode())
        for checker in self.checkers:
            if IUsernamePassword not in checker.credentialInterfaces:
                continue
            name = f"requestAvatarId of {type(checker).__name__}"
            try:
                if await answered(name, checker.requestAvatarId, shown):
                    return True
            except LoginFailed:
                continue
        return False


class RemoteUserAuth(AuthBase):
    """Logging in at a proxy in front of the master, which names the user in a header.

    Only proxies in ``c['www']['trusted_proxies']`` are believed (without that key: those on the
    same machine).

    Args:
        header (str): The header.
        headerRegex (str | Pattern): What it contains, with groups named ``username`` and, for
            example, ``realm``.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the name.
    """

    compare_attrs: ClassVar[Any] = ("header", "headerRegex")
    header: Any = "REMOTE_USER"
    headerRegex: Any = re.compile(r"(?P<username>[^ @]+)@(?P<realm>[^ @]+)")

    def __init__(
        self,
        header: Any = None,
        headerRegex: Any = None,
        userInfoProvider: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(userInfoProvider=userInfoProvider, **kwargs)
        if header is not None:
            self.header = header
        self.header = bytes2unicode(self.header)
        if headerRegex is not None:
            self.headerRegex = headerRegex
        try:
            self.headerRegex = _pattern(self.headerRegex)
        except (re.error, TypeError) as problem:
            error(f"RemoteUserAuth: headerRegex is no regular expression: {problem}")
            return
        if "username" not in self.headerRegex.groupindex:
            error("RemoteUserAuth: headerRegex has no group (?P<username>…)")

    async def named(self, value: str) -> dict[str, Any] | None:
        """Return all that is known of whom the header names; None if it does not match."""
        found = self.headerRegex.match(value)
        if found is None:
            return None
        known = found.groupdict()
        return await self.described(known["username"], known)


def _pattern(given: Any) -> re.Pattern[str]:
    text: Any = given.pattern if isinstance(given, re.Pattern) else given
    flags = given.flags & ~re.UNICODE if isinstance(given, re.Pattern) else 0
    return re.compile(text.decode() if isinstance(text, bytes) else text, flags)
