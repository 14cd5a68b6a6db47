"""``c['www']['authz']``: who may do what."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import answered
from buildbot._border.making import note_making
from buildbot._host.reading.section import Section
from buildbot._host.views.engine_access import EngineAccess
from buildbot.www.auth import UserInfoProviderBase, UserPasswordAuth
from buildbot.www.authz.authz import Authz, Forbidden
from buildbot.www.authz.endpointmatchers import (
    FACTS,
    EndpointMatcherBase,
    ViewBuildsEndpointMatcher,
    is_unchanged,
    matching_of,
)
from chargehand.config.login import Login
from chargehand.domain.user import User
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import Guard
from chargehand.resources.patterns import Matching, fits, linear
from chargehand.resources.permissions import (
    BuilderNames,
    Concern,
    Giving,
    RuleBook,
    Rules,
)
from chargehand.resources.policy import (
    READ,
    Everybody,
    Facts,
    KnownPeople,
    NoOrders,
    Policy,
)
from chargehand.resources.visibility import Visibility

_log = logging.getLogger("chargehand.permissions")

_SECONDS = 60.0
"""For how long roles that users' code gave decide what somebody sees."""
_MOST_KEPT = 10_000

_OPEN = (
    "c['www']['authz']: no rule is about {what}, so everybody may do that; add "
    "util.AnyControlEndpointMatcher(role='admins') as the last rule"
)
_ROLES_OF_RULES = "buildbot.www.authz.roles"


def read_policy(
    part: Section,
    login: Login | None,
    access: EngineAccess,
    builders: Sequence[Any],
    workers: Sequence[str],
) -> Policy:
    """Return the permissions of visitors."""
    authz = part.get("authz")
    if authz is None:
        return Everybody() if login is None else KnownPeople()
    if not isinstance(authz, Authz):
        part.wrong("authz", "an object such as util.Authz(allowRules=[…], roleMatchers=[…])")
        return NoOrders("c['www']['authz'] is wrong")
    if not authz.allowRules and type(authz) is Authz:
        return _without_rules(authz, login)
    book = _book(part, authz, builders, workers)
    _check(part, authz, book, login)
    if _is_plain(authz):
        return Rules(book)
    return HostedRules(authz, access, book)


def _without_rules(authz: Authz, login: Login | None) -> Policy:
    if authz.old_rights:
        return NoOrders(
            "c['www']['authz'] has only rights of Buildbot 0.8, which are not read: give it "
            "allowRules and roleMatchers"
        )
    return Everybody() if login is None else KnownPeople()


def _is_plain(authz: Authz) -> bool:
    """Return whether no code of a user's has to be asked."""
    return (
        type(authz) is Authz
        and matching_of(authz.match) is not None
        and all(map(is_unchanged, authz.allowRules))
        and all(map(_is_known, (*authz.roleMatchers, *authz.ownerRoleMatchers)))
    )


def _is_known(matcher: Any) -> bool:
    return type(matcher).__module__ == _ROLES_OF_RULES


def _book(part: Section, authz: Authz, builders: Sequence[Any], workers: Sequence[str]) -> RuleBook:
    """Return what the rules say that need no code of a user's."""
    rules = [rule.as_rule() for rule in authz.allowRules if is_unchanged(rule)]
    known = [rule for rule in rules if rule is not None]
    matchers = [one for one in (*authz.roleMatchers, *authz.ownerRoleMatchers) if _is_known(one)]
    views = any(rule.concern is Concern.VIEW for rule in known)
    return RuleBook(
        rules=tuple(known),
        roles=tuple(rule for matcher in matchers for rule in matcher.role_rules()),
        matching=matching_of(authz.match) or Matching.FNMATCH,
        builders=tuple(map(_names_of, builders)) if views else (),
        workers=tuple(workers) if views else (),
    )


def _names_of(builder: Any) -> BuilderNames:
    return BuilderNames(
        name=str(builder.name),
        project=str(getattr(builder, "project", None) or ""),
        tags=tuple(map(str, getattr(builder, "tags", None) or ())),
    )


def _check(part: Section, authz: Authz, book: RuleBook, login: Login | None) -> None:
    """Say what the rules do that nobody wants."""
    for rule in authz.allowRules:
        if not isinstance(rule, EndpointMatcherBase):
            continue
        if isinstance(rule, ViewBuildsEndpointMatcher) and rule.branch is not None:
            part.warn(
                "c['www']['authz']: ViewBuildsEndpointMatcher does not look at branches: it hides "
                "builders, projects, tags and workers",
                "authz",
            )
        if book.matching is Matching.REGEX:
            for name in ("role", "builder", "branch", "project", "tag", "worker"):
                _check_pattern(part, type(rule).__name__, name, getattr(rule, name, None))
    if type(authz) is not Authz:
        return
    if not any(_decides_all(rule) for rule in authz.allowRules):
        part.warn(_OPEN.format(what="some orders (such as pausing workers)"), "authz")
    roles = [rule.role for rule in book.roles]
    if _is_plain(authz) and not roles and not any(_is_open(rule) for rule in book.rules):
        part.warn(
            "c['www']['authz'] has no roleMatchers: nobody has a role, so that nobody may do what "
            "a rule is about",
            "authz",
        )
    elif login is None and book.rules:
        part.warn(
            "c['www']['authz'] is set without c['www']['auth']: nobody can log in, so that nobody "
            "may do what a rule is about",
            "authz",
        )
    elif _is_plain(authz):
        _check_roles(part, book)
        _check_users(part, book)


def _check_roles(part: Section, book: RuleBook) -> None:
    """Say which rules ask for a role that nobody can have.

    The last rule may: a rule about everything for a role that does not exist refuses the rest.
    """
    if any(one.giving is Giving.GROUPS for one in book.roles):
        return  # Groups can be called anything.
    given = sorted({one.role for one in book.roles})
    try:
        missing = [
            rule
            for rule in book.rules
            if not any(fits(book.matching, rule.role, role) for role in given)
        ]
    except ValueError:
        return  # The pattern is an error already.
    listed = ", ".join(given)
    for rule in missing:
        if rule is not book.rules[-1] or not rule.is_for_all or len(missing) == len(book.rules):
            part.warn(
                f"c['www']['authz']: nobody can have the role \"{rule.role}\" of {rule.words}: the "
                f"roleMatchers give {listed} only",
                "authz",
            )


def _check_users(part: Section, book: RuleBook) -> None:
    """Say which rules ask for a role that none of the users has, where all of them are known."""
    auth = part.get("auth")
    if (
        type(auth) is not UserPasswordAuth
        or type(auth.userInfoProvider) is not UserInfoProviderBase
    ):
        return
    names = [*auth.names, *(part.get("emergency_accounts") or ())]
    users = [User(name=name, email=name) for name in names]
    given = {rule.role for rule in book.roles if rule.giving is not Giving.GROUPS}
    held = {role for user in users for one in book.roles for role in one.roles(user, (user.email,))}
    for rule in book.rules:
        try:
            is_given = any(fits(book.matching, rule.role, role) for role in given)
            is_held = any(fits(book.matching, rule.role, role) for role in held)
        except ValueError:
            return  # The pattern is an error already.
        has_groups = any(one.giving is Giving.GROUPS for one in book.roles)
        if not is_held and (is_given or has_groups):
            part.warn(
                f"c['www']['authz']: none of the users in c['www']['auth'] has the role "
                f'"{rule.role}" of {rule.words}'
                + ("; UserPasswordAuth knows no groups without a userInfoProvider" * has_groups),
                "authz",
            )


def _check_pattern(part: Section, kind: str, name: str, pattern: Any) -> None:
    if isinstance(pattern, str):
        try:
            linear(pattern)
        except ValueError as problem:
            part.error(
                f"c['www']['authz']: {kind}({name}={pattern!r}): this regular expression cannot be "
                f"used: {problem}",
                "authz",
            )


def _decides_all(rule: Any) -> bool:
    if not is_unchanged(rule):
        return False
    known = rule.as_rule()
    return known is not None and known.is_for_all and known.denies


def _is_open(rule: Any) -> bool:
    return not rule.denies


class HostedRules:
    """Permissions that code of a user decides about."""

    needs_facts = True

    def __init__(self, authz: Authz, access: EngineAccess, book: RuleBook) -> None:
        self._authz = authz
        self._access = access
        self._is_ready = False
        self._known = Rules(book)
        self._asks = type(authz).getRolesFromUser is not Authz.getRolesFromUser or not all(
            map(_is_known, authz.roleMatchers)
        )
        """Whether code of a user's gives roles."""
        self._learned: OrderedDict[User, tuple[frozenset[str], float]] = OrderedDict()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, HostedRules)
            and self._known == other._known
            and bool(self._authz == other._authz)
        )

    def __hash__(self) -> int:
        return hash(self._known)

    def visibility(self, user: User) -> Visibility:
        """Return what the user sees: what no rule for reading hides."""
        if not self._known.is_about_reading:
            return Visibility()
        return self._known.seen_by(self._roles(user))

    def knows(self, user: User) -> bool:
        """Return whether it was asked lately which roles the user has, if that matters."""
        if not self._asks:
            return True
        known = self._learned.get(user)
        return known is not None and time.monotonic() < known[1]

    async def learn(self, user: User) -> None:
        """Ask which roles the user has."""
        authz = self._ready()
        found: set[str] = set()
        with Guard(self._told):
            found = await answered(
                f"the roles of {type(authz).__name__}", authz.roles, details_of(user)
            )
        self._learned[user] = (frozenset(found), time.monotonic() + _SECONDS)
        while len(self._learned) > _MOST_KEPT:
            self._learned.popitem(last=False)

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Return why the user may not read what is restricted; nothing for orders."""
        if action != READ:
            return None
        return self._known.why_not_read(user, self._roles(user))

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Ask the user's code, once for each thing."""
        for one in facts.things or (None,):
            things = () if one is None else (one,)
            parameters = dict(facts.parameters)
            if one is not None and path.startswith("forceschedulers"):
                parameters["builderNames"] = [one.builder]
            token = FACTS.set(Facts(things=things, owners=facts.owners, parameters=parameters))
            try:
                why = await self._asked(user, action, path, parameters)
            finally:
                FACTS.reset(token)
            if why is not None:
                return why
        return None

    async def _asked(
        self, user: User, action: str, path: str, parameters: Mapping[str, Any]
    ) -> str | None:
        authz = self._ready()
        failures: list[Exception] = []
        with Guard(failures.append):
            await answered(
                f"assertUserAllowed of {type(authz).__name__}",
                authz.assertUserAllowed,
                tuple(path.split("/")),
                action,
                parameters,
                details_of(user),
            )
            return None
        failure = failures[0]
        if isinstance(failure, Forbidden):
            return str(failure).strip() or "c['www']['authz'] does not allow it"
        self._told(failure, f"{action} of {path}")
        return "c['www']['authz'] failed; the master's log says why"

    def _told(self, failure: Exception, refused: str = "what needs a role") -> None:
        """Log what a user's code raised, with where the rules are made."""
        note_making(failure, self._authz)
        _log.error(
            "c['www']['authz'] failed: %s (%s is refused)",
            headline_of(failure),
            refused,
            exc_info=failure,
        )

    def _roles(self, user: User) -> frozenset[str]:
        known = self._learned.get(user)
        return self._known.roles_of(user) if known is None else known[0]

    def _ready(self) -> Authz:
        if not self._is_ready or self._authz.master is not self._access.master:
            self._authz.setMaster(self._access.master)
            self._is_ready = True
        return self._authz


def details_of(user: User) -> dict[str, Any]:
    """Return a user as matchers of roles know one; ``anonymous`` if nobody is known."""
    if user.is_anonymous:
        return {"anonymous": True}
    return {
        "username": user.name,
        "email": user.email,
        "full_name": user.full_name,
        "groups": list(user.groups),
        **dict(user.details),
    }
