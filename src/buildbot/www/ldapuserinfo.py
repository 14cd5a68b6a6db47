"""What an LDAP directory knows of users."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import outward
from buildbot._border.errors import error
from buildbot._border.rendering import render_value
from buildbot.process.properties import Properties
from buildbot.www.auth import UserInfoProviderBase
from chargehand.config.login import LoginRefused, LoginUnavailable

_log = logging.getLogger("chargehand.login")

_SECONDS = 10
_NEEDED = "LDAP needs a library that is not installed: pip install 'chargehand[login]'"


class LdapUserInfo(UserInfoProviderBase):
    """Asks an LDAP directory for the name, address and groups of users.

    Args:
        uri (str): Where the directory is: ``ldap://host`` or ``ldaps://host``.
        bindUser (str): The distinguished name to log in with there.
        bindPw (str): Its password (renderable).
        accountBase (str): Below what users are.
        accountPattern (str): The filter that finds one, with ``%(username)s``.
        accountFullName (str): The attribute that is the full name.
        accountEmail (str): The attribute that is the address.
        groupBase (str): Below what groups are.
        groupMemberPattern (str): The filter that finds those of a user, with ``%(dn)s`` or any
            attribute of the account.
        groupName (str): The attribute that is the name of a group.
        avatarPattern (str): The filter that finds a user by ``%(email)s``.
        avatarData (str): The attribute that is the user's picture.
        accountExtraFields (list): Further attributes of the account.
        tls (ldap3.Tls): How to encrypt the connection.
    """

    name = "LDAP"
    compare_attrs: ClassVar[Any] = (
        "uri",
        "bindUser",
        "bindPw",
        "accountBase",
        "accountPattern",
        "accountFullName",
        "accountEmail",
        "groupBase",
        "groupMemberPattern",
        "groupName",
        "avatarPattern",
        "avatarData",
        "accountExtraFields",
    )

    def __init__(
        self,
        uri: str,
        bindUser: Any,
        bindPw: Any,
        accountBase: str,
        accountPattern: str,
        accountFullName: str,
        accountEmail: str,
        groupBase: str | None = None,
        groupMemberPattern: str | None = None,
        groupName: str | None = None,
        avatarPattern: str | None = None,
        avatarData: str | None = None,
        accountExtraFields: Sequence[str] | None = None,
        tls: Any = None,
    ) -> None:
        self.uri = uri
        self.bindUser = bindUser
        self.bindPw = bindPw
        self.accountBase = accountBase
        self.accountPattern = accountPattern
        self.accountFullName = accountFullName
        self.accountEmail = accountEmail
        self.groupBase = groupBase
        self.groupMemberPattern = groupMemberPattern
        self.groupName = groupName
        self.avatarPattern = avatarPattern
        self.avatarData = avatarData
        self.accountExtraFields = list(accountExtraFields or ())
        self.tls = tls
        given = [one is not None for one in (groupBase, groupMemberPattern, groupName)]
        if any(given) and not all(given):
            error("LdapUserInfo: groupBase, groupMemberPattern and groupName belong together")
        if (avatarPattern is None) != (avatarData is None):
            error("LdapUserInfo: avatarPattern and avatarData belong together")

    def getUserInfo(self, username: str) -> Any:
        """Return a Deferred of what the directory knows of a user."""
        return outward(self._user_info(username))

    async def _user_info(self, username: str) -> dict[str, Any]:
        properties = Properties()
        properties.master = self.master
        user = str(await render_value(self.bindUser, properties))
        password = str(await render_value(self.bindPw, properties))
        return await asyncio.to_thread(self._asked, user, password, username)

    def _asked(self, bind_user: str, bind_password: str, username: str) -> dict[str, Any]:
        """Ask the directory, in a thread. Raises LoginRefused, LoginUnavailable."""
        try:
            import ldap3
            from ldap3.core.exceptions import LDAPException
        except ImportError as problem:
            _log.error(_NEEDED)
            raise LoginUnavailable(_NEEDED) from problem
        try:
            server = ldap3.Server(
                self.uri, connect_timeout=_SECONDS, tls=self.tls, get_info=ldap3.NONE
            )
            with ldap3.Connection(
                server,
                bind_user,
                bind_password,
                auto_bind=True,
                receive_timeout=_SECONDS,
                read_only=True,
            ) as connection:
                return self._found(connection, username)
        except LDAPException as problem:
            _log.error("the LDAP directory %s cannot be asked: %s", self.uri, problem)
            raise LoginUnavailable("the directory of users cannot be reached") from problem

    def _found(self, connection: Any, username: str) -> dict[str, Any]:
        wanted = [self.accountEmail, self.accountFullName, *self.accountExtraFields]
        pattern = _filled(self.accountPattern, {"username": username})
        entries = _search(connection, self.accountBase, pattern, wanted)
        if len(entries) != 1:
            count = len(entries)
            raise LoginRefused(f"the directory of users has {count} accounts called {username!r}")
        account = entries[0]
        attributes = account["attributes"]
        found: dict[str, Any] = {
            "full_name": _first(attributes.get(self.accountFullName)),
            "email": _first(attributes.get(self.accountEmail)),
            "groups": [],
        }
        for name in self.accountExtraFields:
            if _first(attributes.get(name)):
                found[name] = _first(attributes.get(name))
        if self.groupBase is not None:
            values = {"dn": account["dn"], "username": username}
            values.update({name: _first(value) for name, value in attributes.items()})
            pattern = _filled(str(self.groupMemberPattern), values)
            groups = _search(connection, self.groupBase, pattern, [str(self.groupName)])
            names = (one["attributes"].get(self.groupName) for one in groups)
            found["groups"] = [_first(name) for name in names if _first(name)]
        return found


def _search(connection: Any, base: str, pattern: str, attributes: list[str]) -> list[Any]:
    connection.search(base, pattern, attributes=attributes, time_limit=_SECONDS)
    return [one for one in connection.response or () if one.get("type") == "searchResEntry"]


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    """Return a filter with values in it, which cannot change what it asks."""
    from ldap3.utils.conv import escape_filter_chars

    return pattern % {name: escape_filter_chars(str(value)) for name, value in values.items()}


def _first(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
