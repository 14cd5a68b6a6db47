"""Who has which role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import Placed
from chargehand.resources.permissions import Giving, RoleRule


class RolesFromBase(ComparableMixin, Placed):
    """Says which roles a user has. Subclasses define ``getRolesFromUser(self, userDetails)``, which
    returns a list of names."""

    authz: Any = None
    master: Any = None

    def getRolesFromUser(self, userDetails: Mapping[str, Any], owner: Any = None) -> list[str]:
        """Return the roles of a user. The details are what the login knows: ``username``,
        ``email``, ``full_name``, ``groups`` …; those of an anonymous visitor are empty."""
        return []

    def setAuthz(self, authz: Any) -> None:
        """Take the rules that it belongs to."""
        self.authz = authz
        self.master = authz.master

    def role_rules(self) -> list[RoleRule]:
        """Return the same as rules."""
        return []


class RolesFromGroups(RolesFromBase):
    """A user has the groups that the login tells as roles.

    Args:
        groupPrefix (str): Only groups that begin so; the role is what follows.
    """

    compare_attrs: ClassVar[Any] = ("groupPrefix",)

    def __init__(self, groupPrefix: str = "") -> None:
        self.groupPrefix = groupPrefix

    def getRolesFromUser(self, userDetails: Mapping[str, Any], owner: Any = None) -> list[str]:
        """Return what follows the prefix in the names of groups."""
        prefix = self.groupPrefix
        groups = userDetails.get("groups") or ()
        return [group[len(prefix) :] for group in groups if group.startswith(prefix)]

    def role_rules(self) -> list[RoleRule]:
        """Return the same as a rule."""
        return [RoleRule(giving=Giving.GROUPS, role=self.groupPrefix)]


class _RolesFromLists(RolesFromBase):
    """Who is in a list has a role."""

    compare_attrs: ClassVar[Any] = ("roles",)
    _giving = Giving.EMAIL

    def __init__(self, **roles: Sequence[str]) -> None:
        self.roles: dict[str, tuple[str, ...]] = {}
        for role, among in roles.items():
            given = [among] if isinstance(among, str) else among
            if not isinstance(given, list | tuple | set | frozenset) or not all(
                isinstance(one, str) for one in given
            ):
                error(f"{type(self).__name__}: {role} must be a list of strings")
                continue
            self.roles[role] = tuple(given)

    def getRolesFromUser(self, userDetails: Mapping[str, Any], owner: Any = None) -> list[str]:
        """Return the roles in whose lists the user is."""
        value = self._value(userDetails)
        return [role for role, among in self.roles.items() if value and value in among]

    def role_rules(self) -> list[RoleRule]:
        """Return the same as rules."""
        return [
            RoleRule(giving=self._giving, role=role, among=frozenset(among))
            for role, among in self.roles.items()
        ]

    def _value(self, userDetails: Mapping[str, Any]) -> str:
        return str(userDetails.get("email") or "")


class RolesFromEmails(_RolesFromLists):
    """Users have roles by their address: ``RolesFromEmails(admins=['ann@example.org'])``.

    Args:
        roles (list[str]): Under the name of each role, the addresses of those who have it.
    """


class RolesFromDomain(_RolesFromLists):
    """Users have roles by the domain of their address: ``RolesFromDomain(staff=['example.org'])``.

    Args:
        roles (list[str]): Under the name of each role, the domains of those who have it.
    """

    _giving = Giving.DOMAIN

    def __init__(self, **roles: Sequence[str]) -> None:
        super().__init__(**roles)
        self.roles = {role: tuple(map(str.lower, among)) for role, among in self.roles.items()}

    def _value(self, userDetails: Mapping[str, Any]) -> str:
        email = str(userDetails.get("email") or "")
        return email.rpartition("@")[2].lower() if "@" in email else ""


class RolesFromUsername(RolesFromBase):
    """Users have roles by their name.

    Args:
        roles (list[str]): The roles.
        usernames (list[str]): The names of those who have them.
    """

    compare_attrs: ClassVar[Any] = ("roles", "usernames")

    def __init__(self, roles: Sequence[str], usernames: Sequence[str]) -> None:
        self.roles = list(roles)
        if None in usernames:
            error("RolesFromUsername: usernames has None")
        self.usernames = [name for name in usernames if name is not None]

    def getRolesFromUser(self, userDetails: Mapping[str, Any], owner: Any = None) -> list[str]:
        """Return the roles, if the user's name is in the list."""
        return list(self.roles) if userDetails.get("username") in self.usernames else []

    def role_rules(self) -> list[RoleRule]:
        """Return the same as rules."""
        among = frozenset(self.usernames)
        return [RoleRule(giving=Giving.NAME, role=role, among=among) for role in self.roles]


class RolesFromOwner(RolesFromBase):
    """Who asked for a build has a role for it: whose address is the build's ``owner``.

    Args:
        role (str): The role.
    """

    compare_attrs: ClassVar[Any] = ("role",)

    def __init__(self, role: str) -> None:
        self.role = role

    def getRolesFromUser(self, userDetails: Mapping[str, Any], owner: Any = None) -> list[str]:
        """Return the role, if the user is the *owner*."""
        email = userDetails.get("email")
        return [self.role] if email and email == owner else []

    def role_rules(self) -> list[RoleRule]:
        """Return the same as a rule."""
        return [RoleRule(giving=Giving.OWNER, role=self.role)]
