"""Rules of who may do what: the first that matches decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from chargehand.domain.user import User
from chargehand.resources.patterns import Matching, all_that_fit, fits
from chargehand.resources.policy import READ, Facts, Named
from chargehand.resources.visibility import ALL, EVERYTHING, Choice, Visibility, all_but, only

_MOST_KEPT = 10_000


class Concern(StrEnum):
    """What a rule is about."""

    EVERYTHING = "everything"
    ORDERS = "orders"
    FORCE = "force"
    STOP = "stop"
    REBUILD = "rebuild"
    ENABLE = "enable"
    BRANCH = "branch"
    VIEW = "view"


_ORDERS = {
    ("forceschedulers", "force"): Concern.FORCE,
    ("builds", "stop"): Concern.STOP,
    ("buildrequests", "cancel"): Concern.STOP,
    ("builds", "rebuild"): Concern.REBUILD,
}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do something. A pattern that is None matches everything."""

    words: str
    """How the configuration writes it."""
    concern: Concern
    role: str
    """A pattern of the roles that may."""
    denies: bool = True
    """Whether others may not; otherwise the rules that follow decide."""
    builder: str | None = None
    branch: str | None = None
    project: str | None = None
    tag: str | None = None
    worker: str | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it is about everything, or all orders."""
        return self.concern in (Concern.EVERYTHING, Concern.ORDERS)

    @property
    def is_of_builders(self) -> bool:
        """Whether it names builders."""
        return any(one is not None for one in (self.builder, self.branch, self.project, self.tag))

    def is_about(self, kind: str, action: str) -> bool:
        """Return whether it is about an order of this *action* on things of a *kind*."""
        match self.concern:
            case Concern.EVERYTHING | Concern.ORDERS:
                return True
            case Concern.VIEW:
                return False
            case Concern.BRANCH:
                return kind in ("builds", "buildrequests")
            case Concern.ENABLE:
                return action == "enable"
        return _ORDERS.get((kind, action)) is self.concern


class Verdict(StrEnum):
    """What a rule says of an order, or of reading."""

    OTHER = "is about something else"
    PASSES = "lets the next rule decide: the role is missing"
    ALLOWS = "allows it: the role is there"
    REFUSES = "refuses it: the role is missing"


class Step(NamedTuple):
    """A rule that was looked at."""

    rule: Rule
    verdict: Verdict


class Giving(StrEnum):
    """From what of a user a role follows."""

    GROUPS = "groups"
    EMAIL = "email"
    DOMAIN = "domain"
    NAME = "name"
    OWNER = "owner"


class RoleRule(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a role."""

    giving: Giving
    role: str = ""
    """The role; for groups, the prefix that is cut off their names."""
    among: frozenset[str] = frozenset()
    """Addresses, domains or names of those who have it."""

    def roles(self, user: User, owners: Sequence[str]) -> Iterable[str]:
        """Return the roles that follow for a user, and the *owners* of what it is about."""
        match self.giving:
            case Giving.GROUPS:
                prefix = self.role
                return [one[len(prefix) :] for one in user.groups if one.startswith(prefix)]
            case Giving.EMAIL:
                has = bool(user.email) and user.email in self.among
            case Giving.DOMAIN:
                domain = user.email.rpartition("@")[2].lower() if "@" in user.email else ""
                has = bool(domain) and domain in self.among
            case Giving.NAME:
                has = bool(user.name) and user.name in self.among
            case Giving.OWNER:
                has = bool(user.email) and user.email in owners
        return [self.role] if has else ()


class BuilderNames(msgspec.Struct, frozen=True):
    """What rules for reading go by, of one builder."""

    name: str
    project: str
    tags: tuple[str, ...]


class RuleBook(msgspec.Struct, frozen=True, kw_only=True):
    """Rules, and what they are about."""

    rules: tuple[Rule, ...]
    roles: tuple[RoleRule, ...]
    matching: Matching = Matching.FNMATCH
    builders: tuple[BuilderNames, ...] = ()
    """The builders of the configuration, if rules for reading need them."""
    workers: tuple[str, ...] = ()


class Rules:
    """Permissions by rules (``www.authz``). Equal books decide alike."""

    needs_facts = True

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._views = [rule for rule in book.rules if rule.concern is Concern.VIEW]
        self.is_about_reading = any(map(_is_about_reading, book.rules))
        self._concerned: dict[int, tuple[frozenset[str], frozenset[str]]] = {
            number: (self._builders(rule), self._workers(rule))
            for number, rule in enumerate(self._views)
        }
        """The builders and workers that each rule for reading is about."""
        self._seen: dict[frozenset[str], Visibility] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.book == other.book

    def __hash__(self) -> int:
        return hash((self.book.rules, self.book.roles))

    def roles_of(self, user: User, owners: Sequence[str] = ()) -> frozenset[str]:
        """Return a user's roles, with regard to the owners of a thing."""
        return frozenset(role for rule in self.book.roles for role in rule.roles(user, owners))

    def visibility(self, user: User) -> Visibility:
        """Return what the user sees: what no rule for reading hides.

        Builders that the configuration does not have any more are hidden from those who do not see
        everything: no rule can tell what they were.
        """
        return self.seen_by(self.roles_of(user)) if self.is_about_reading else EVERYTHING

    def seen_by(self, roles: frozenset[str]) -> Visibility:
        """Return what those see who have these roles."""
        found = self._seen.get(roles)
        if found is None:
            if len(self._seen) >= _MOST_KEPT:
                self._seen.clear()
            names = frozenset(one.name for one in self.book.builders)
            builders = self._shown(roles, names, 0)
            workers = self._shown(roles, frozenset(self.book.workers), 1)
            is_nothing = builders == workers == only()
            closing = self._closing(roles) if is_nothing else None
            found = self._seen[roles] = Visibility(
                builders=builders,
                projects=self._projects(builders),
                workers=workers,
                closed=_closed(closing) if closing else "",
            )
        return found

    def refusal(self, user: User, action: str, path: str, facts: Facts | None = None) -> str | None:
        """Return why the user may not do it; without *facts*, why no rule would let them."""
        if action == READ:
            return self.why_not_read(user, self.roles_of(user))
        kind = path.partition("/")[0]
        if facts is None:
            return self._why_not(user, kind, action, None, ())
        for thing in facts.things or (Named(),):
            why = self._why_not(user, kind, action, thing, facts.owners)
            if why is not None:
                return why if len(facts.things) < 2 else f"{thing.builder}: {why}"
        return None

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Do the same."""
        return self.refusal(user, action, path, facts)

    def _why_not(
        self, user: User, kind: str, action: str, thing: Named | None, owners: Sequence[str]
    ) -> str | None:
        """Go through the rules. Of a *thing* that is not known, anything might match, and it might
        be the user's."""
        roles = self.roles_of(user, owners if thing is not None else (user.email,))
        for step in self.steps(kind, action, thing, roles):
            if step.verdict is Verdict.REFUSES:
                return _refused(user, step.rule)
        return None

    def steps(
        self, kind: str, action: str, thing: Named | None, roles: frozenset[str]
    ) -> Iterator[Step]:
        """Go through the rules for an order, until one decides."""
        for rule in self.book.rules:
            if not rule.is_about(kind, action) or (
                thing is not None and not self._matches(rule, thing)
            ):
                yield Step(rule, Verdict.OTHER)
                continue
            is_certain = thing is not None or (rule.builder is None and rule.branch is None)
            verdict = self._verdict(rule, roles, is_certain=is_certain)
            yield Step(rule, verdict)
            if verdict is not Verdict.PASSES:
                return

    def steps_of_seeing(
        self, builder: BuilderNames | None, worker: str, roles: frozenset[str]
    ) -> Iterator[Step]:
        """Go through the rules for seeing a builder, or a worker, until one decides."""
        for rule in self.book.rules:
            is_about = rule.concern is Concern.EVERYTHING or (
                rule.concern is Concern.VIEW
                and (
                    self._is_of(rule, builder)
                    if builder is not None
                    else not (rule.worker is None and rule.is_of_builders)
                    and self._fits(rule.worker, (worker,))
                )
            )
            verdict = self._verdict(rule, roles, is_certain=True) if is_about else Verdict.OTHER
            yield Step(rule, verdict)
            if verdict in (Verdict.ALLOWS, Verdict.REFUSES):
                return

    def _verdict(self, rule: Rule, roles: Iterable[str], *, is_certain: bool) -> Verdict:
        if self._fits(rule.role, roles):
            return Verdict.ALLOWS
        return Verdict.REFUSES if rule.denies and is_certain else Verdict.PASSES

    def is_about(self, kind: str, action: str, facts: Facts) -> bool:
        """Return whether one of the rules is about an order."""
        things = facts.things or (Named(),)
        return any(
            rule.is_about(kind, action) and any(self._matches(rule, thing) for thing in things)
            for rule in self.book.rules
        )

    def why_not_read(self, user: User, roles: Iterable[str]) -> str | None:
        """Return why a user with these *roles* may not read what is restricted: who may do
        everything may."""
        wanted = [rule for rule in self.book.rules if rule.is_for_all and rule.role != "*"]
        if any(self._fits(rule.role, roles) for rule in wanted):
            return None
        if wanted:
            return _refused(user, wanted[0])
        return "no rule of c['www']['authz'] lets a role do everything"

    def _matches(self, rule: Rule, thing: Named) -> bool:
        return (
            self._fits(rule.builder, (thing.builder,))
            and self._fits(rule.branch, thing.branches)
            and self._fits(rule.project, (thing.project,))
        )

    def _fits(self, pattern: str | None, names: Iterable[str]) -> bool:
        if pattern is None:
            return True
        return any(fits(self.book.matching, pattern, name) for name in names)

    def _builders(self, rule: Rule) -> frozenset[str]:
        if rule.builder is not None:  # Most rules: the other patterns are compared with few.
            names = (one.name for one in self.book.builders)
            named = all_that_fit(self.book.matching, rule.builder, names)
            if rule.project is None and rule.tag is None:
                return named
            left = (one for one in self.book.builders if one.name in named)
            return frozenset(one.name for one in left if self._is_of(rule, one))
        return frozenset(one.name for one in self.book.builders if self._is_of(rule, one))

    def _is_of(self, rule: Rule, builder: BuilderNames) -> bool:
        """Return whether a rule for reading is about a builder."""
        if rule.worker is not None and not rule.is_of_builders:
            return False
        return (
            self._fits(rule.builder, (builder.name,))
            and self._fits(rule.project, (builder.project,))
            and self._fits(rule.tag, builder.tags)
        )

    def _workers(self, rule: Rule) -> frozenset[str]:
        if rule.worker is None and rule.is_of_builders:
            return frozenset()
        return frozenset(name for name in self.book.workers if self._fits(rule.worker, (name,)))

    def _projects(self, builders: Choice) -> Choice:
        """Return the projects that are seen: all but those that have hidden builders only."""
        seen: dict[str, bool] = {}
        for one in self.book.builders:
            if one.project:
                is_seen = builders.has(one.name)
                seen[one.project] = seen.get(one.project, False) or is_seen
        return all_but(*(name for name, is_seen in seen.items() if not is_seen))

    def _closing(self, roles: frozenset[str]) -> Rule | None:
        """Return the rule about everything that stops those who have these roles."""
        for rule in self.book.rules:
            if rule.concern is Concern.EVERYTHING:
                if self._fits(rule.role, roles):
                    return None
                if rule.denies:
                    return rule
        return None

    def _shown(self, roles: frozenset[str], names: frozenset[str], which: int) -> Choice:
        """Return what of the builders (0) or workers (1) those see who have these roles."""
        undecided, hidden = set(names), set[str]()
        is_everything = True
        views = iter(self._concerned)
        for rule in self.book.rules:
            if rule.concern is Concern.EVERYTHING and self._fits(rule.role, roles):
                break
            if rule.concern is Concern.EVERYTHING and rule.denies:
                hidden |= undecided
                is_everything = False
                break
            if rule.concern is not Concern.VIEW:
                continue
            concerned = self._concerned[next(views)][which]
            is_about = rule.worker is None if which == 0 else not rule.is_of_builders
            if self._fits(rule.role, roles):
                undecided -= concerned
                continue
            is_everything &= not (is_about or concerned)
            if rule.denies:
                hidden |= undecided & concerned
                undecided -= concerned
        return ALL if is_everything else Choice(names - hidden, is_exclusion=False)


def _is_about_reading(rule: Rule) -> bool:
    return rule.concern is Concern.VIEW or (rule.concern is Concern.EVERYTHING and rule.denies)


def _closed(rule: Rule) -> str:
    """Say why those may read nothing who do not have the role of a rule about everything."""
    return (
        f"only those with the role \"{rule.role}\" may ({rule.words} in c['www']['authz']); log "
        "in with an account that has it"
    )


def _refused(user: User, rule: Rule) -> str:
    """Say which rule refuses, and what to do."""
    you = "log in with an account that has" if user.is_anonymous else "you need"
    return f"{you} the role \"{rule.role}\" ({rule.words} in c['www']['authz'])"
