"""The rules together: who has which role, and which role may do what."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outgoing
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import Making, Placed
from buildbot._border.old_arguments import without_removed
from buildbot.util import bytes2unicode
from buildbot.www.authz.endpointmatchers import EndpointMatcherBase
from buildbot.www.authz.roles import RolesFromBase, RolesFromOwner


class Forbidden(Exception):
    """Somebody may not do something; the message says why."""

    def __init__(self, msg: Any = "") -> None:
        super().__init__(bytes2unicode(msg))


def fnmatchStrMatcher(value: str, match: str) -> bool:
    """Return whether a text matches a pattern with ``*``, ``?`` and ``[…]``."""
    return fnmatch(value, match)


def reStrMatcher(value: str, match: str) -> bool:
    """Return whether a text matches a regular expression, from its beginning."""
    return re.match(match, value) is not None


class Authz(ComparableMixin, Placed):
    """Who may do what: the first rule that is about an order decides. Orders that no rule is about
    are everybody's.

    Args:
        allowRules (list[EndpointMatcherBase]): The rules, in the order in which they are looked at.
        roleMatchers (list[RolesFromBase]): Who has which role.
        stringsMatcher (Callable[[str, str], bool]): How roles and names are compared with the
            patterns of rules: ``util.fnmatchStrMatcher`` or ``util.reStrMatcher``.
    """

    compare_attrs: ClassVar[Any] = (
        "allowRules",
        "roleMatchers",
        "ownerRoleMatchers",
        "match",
        "old_rights",
    )
    master: Any = None

    def __init__(
        self,
        allowRules: Sequence[Any] | None = None,
        roleMatchers: Sequence[Any] | None = None,
        stringsMatcher: Any = fnmatchStrMatcher,
        **old: Any,
    ) -> None:
        self.old_rights = tuple(sorted(old))
        for name in without_removed("Authz", old):
            error(f"Authz has no argument {name!r}")
        self.match = stringsMatcher
        self.allowRules = list(allowRules or ())
        given = list(roleMatchers or ())
        for rule in self.allowRules:
            if not isinstance(rule, EndpointMatcherBase) and not hasattr(rule, "match"):
                error(f"Authz: allowRules has {rule!r}, which is no endpoint matcher")
        for matcher in given:
            if not hasattr(matcher, "getRolesFromUser"):
                error(f"Authz: roleMatchers has {matcher!r}, which is no role matcher")
        if not callable(stringsMatcher):
            error("Authz: stringsMatcher must be util.fnmatchStrMatcher or util.reStrMatcher")
        self.roleMatchers = [one for one in given if not _needs_owner(one)]
        self.ownerRoleMatchers = [one for one in given if _needs_owner(one)]

    def setMaster(self, master: Any) -> None:
        """Take the master, before the rules are used."""
        self.master = master
        for one in (*self.roleMatchers, *self.ownerRoleMatchers, *self.allowRules):
            if hasattr(one, "setAuthz"):
                one.setAuthz(self)

    def getRolesFromUser(self, userDetails: Mapping[str, Any]) -> set[str]:
        """Return the roles of a user, as long as they follow from nothing but the user, and as
        matchers that do not wait give them."""
        return {
            role for matcher in self.roleMatchers for role in matcher.getRolesFromUser(userDetails)
        }

    async def roles(self, userDetails: Mapping[str, Any]) -> set[str]:
        """Return the same, having awaited matchers; a subclass's ``getRolesFromUser`` counts."""
        if type(self).getRolesFromUser is not Authz.getRolesFromUser:
            return _names(await inward(self.getRolesFromUser, userDetails))
        found: set[str] = set()
        for matcher in self.roleMatchers:
            with Making(matcher):
                found |= _names(await inward(matcher.getRolesFromUser, userDetails))
        return found

    @outgoing
    async def assertUserAllowed(
        self, ep: Any, action: str, options: Mapping[str, Any], userDetails: Mapping[str, Any]
    ) -> None:
        """Return, or a Deferred of it, if the user may do the *action* with what is at the path
        *ep* (a tuple). Raises Forbidden."""
        roles = await self.roles(userDetails)
        for rule in self.allowRules:
            with Making(rule):
                found = await inward(rule.match, ep, action, options)
            if found is None:
                continue
            having = roles | await self._roles_of_owner(found, userDetails)
            if any(self.match(role, rule.role) for role in having):
                return
            if rule.defaultDeny:
                raise Forbidden(f"you need the role {rule.role!r} ({type(rule).__name__})")

    async def _roles_of_owner(self, found: Any, userDetails: Mapping[str, Any]) -> set[str]:
        if not self.ownerRoleMatchers:
            return set()
        owner = await inward(found.getOwner)
        roles: set[str] = set()
        for matcher in self.ownerRoleMatchers:
            if not owner and isinstance(matcher, RolesFromOwner):
                continue
            with Making(matcher):
                roles |= _names(await inward(matcher.getRolesFromUser, userDetails, owner))
        return roles


def _needs_owner(matcher: Any) -> bool:
    """Return whether a role matcher gives roles for a thing's owner: ours, or one that asks."""
    if type(matcher).__module__ == RolesFromOwner.__module__:
        return isinstance(matcher, RolesFromOwner)
    try:
        parameters = inspect.signature(matcher.getRolesFromUser).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return False
    required = [
        one
        for one in parameters
        if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty
    ]
    return len(required) > 1 or isinstance(matcher, RolesFromOwner)


def _names(found: Any) -> set[str]:
    """Return roles as a set; one name alone is one role."""
    return {found} if isinstance(found, str) else {str(role) for role in found or ()}


__all__ = ["Authz", "Forbidden", "RolesFromBase", "fnmatchStrMatcher", "reStrMatcher"]
