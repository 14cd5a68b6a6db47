"""Permissions: the policy, checked in one place for each kind of access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

import msgspec

from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.visibility import EVERYTHING, Visibility

READ = "read"
"""The action of reading what is restricted (`resources.audit.RESTRICTED`)."""
_ONLY_OPERATORS = (
    "only commands on the master's machine read it, run by the master's own account: chargehand "
    "audit"
)


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is about, as rules know it."""

    builder: str = ""
    branches: tuple[str, ...] = ()
    project: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an order and its subject when the policy decides."""

    things: tuple[Named, ...] = ()
    """What it is about: one for each builder that is forced; all must be allowed."""
    owners: tuple[str, ...] = ()
    """Who asked for the build."""
    parameters: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Of the order, as given."""


class Policy(Protocol):
    """Decides about reading and control methods; equal policies decide alike."""

    @property
    def needs_facts(self) -> bool:
        """Whether `decision` looks at the facts."""

    def visibility(self, user: User) -> Visibility:
        """Return what *user* may see."""

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Return why *user* may never call *action* on the resource at *path* (``builds/3``).

        None: perhaps they may; `decision` knows. The reason is a clause for people that says what
        they can do.
        """

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Return why *user* may not do it; None allows it."""


@runtime_checkable
class AskingPolicy(Policy, Protocol):
    """A policy that asks somebody who may have to wait what *user* is, before `visibility`."""

    def knows(self, user: User) -> bool:
        """Return whether `visibility` can answer without `learn`."""

    async def learn(self, user: User) -> None:
        """Find out what `visibility` needs."""


class Everybody(msgspec.Struct, frozen=True):
    """The default policy: full access for everybody."""

    needs_facts: ClassVar[bool] = False

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Allow all but reading what is restricted: nobody is known."""
        return _ONLY_OPERATORS if action == READ else None

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Decide as `refusal` does."""
        return self.refusal(user, action, path)


class NoOrders(msgspec.Struct, frozen=True):
    """Read-only access for everybody, for a *reason*."""

    reason: str

    needs_facts: ClassVar[bool] = False

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Refuse it."""
        return _ONLY_OPERATORS if action == READ else self.reason

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Decide as `refusal` does."""
        return self.refusal(user, action, path)


class KnownPeople(msgspec.Struct, frozen=True):
    """Full access for everybody who has logged in; others read."""

    needs_facts: ClassVar[bool] = False

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Refuse orders of anonymous visitors."""
        if action == READ:
            return _ONLY_OPERATORS
        return "log in first" if user.is_anonymous else None

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Decide as `refusal` does."""
        return self.refusal(user, action, path)


class Visitor:
    """A visitor with the active policy: created once per request."""

    __slots__ = ("policy", "sees", "user")

    def __init__(self, user: User, policy: Policy) -> None:
        self.user = user
        self.policy = policy
        self.sees = EVERYTHING if user.may_everything else policy.visibility(user)

    def refusal(self, action: str, path: str) -> str | None:
        """Return why the visitor may never call *action* at *path*; None: perhaps they may."""
        return None if self.user.may_everything else self.policy.refusal(self.user, action, path)

    @property
    def needs_facts(self) -> bool:
        """Whether `why_refused` looks at the facts."""
        return self.policy.needs_facts and not self.user.may_everything

    async def why_refused(self, action: str, path: str, facts: Facts) -> str | None:
        """Return why the visitor may not do it; None allows it."""
        if self.user.may_everything:
            return None
        return await self.policy.decision(self.user, action, path, facts)


def anonymous(policy: Policy) -> Visitor:
    """Return an anonymous visitor."""
    return Visitor(ANONYMOUS, policy)
