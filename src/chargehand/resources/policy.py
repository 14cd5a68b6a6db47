"""Permissions: the policy, checked in one place for each kind of access."""

from __future__ import annotations

from typing import Protocol

import msgspec

from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.visibility import EVERYTHING, Visibility

READ = "read"
"""The action of reading what is restricted (`resources.audit.RESTRICTED`)."""
_ONLY_OPERATORS = (
    "only commands on the master's machine read it, run by the master's own account: chargehand "
    "audit"
)


class Policy(Protocol):
    """Decides about reading and control methods; equal policies decide alike."""

    def visibility(self, user: User) -> Visibility:
        """Return what *user* may see."""

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Return why *user* may not call *action* on the resource at *path* (``builds/3``).

        None allows it. The reason is a clause for people that says what they can do.
        """


class Everybody(msgspec.Struct, frozen=True):
    """The default policy: full access for everybody."""

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Allow all but reading what is restricted: nobody is known."""
        return _ONLY_OPERATORS if action == READ else None


class NoOrders(msgspec.Struct, frozen=True):
    """Read-only access for everybody, for a *reason*."""

    reason: str

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Refuse it."""
        return _ONLY_OPERATORS if action == READ else self.reason


class KnownPeople(msgspec.Struct, frozen=True):
    """Full access for everybody who has logged in; others read."""

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Refuse orders of anonymous visitors."""
        if action == READ:
            return _ONLY_OPERATORS
        return "log in first" if user.is_anonymous else None


class Visitor:
    """A visitor with the active policy: created once per request."""

    __slots__ = ("policy", "sees", "user")

    def __init__(self, user: User, policy: Policy) -> None:
        self.user = user
        self.policy = policy
        self.sees = EVERYTHING if user.may_everything else policy.visibility(user)

    def refusal(self, action: str, path: str) -> str | None:
        """Return why the visitor may not call *action* at *path*; None allows it."""
        return None if self.user.may_everything else self.policy.refusal(self.user, action, path)


def anonymous(policy: Policy) -> Visitor:
    """Return an anonymous visitor."""
    return Visitor(ANONYMOUS, policy)
