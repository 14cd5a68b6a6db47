"""Who may see and do what: the one policy, asked in one place for each kind of access."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from chargehand.domain.user import ANONYMOUS, User
from chargehand.resources.visibility import EVERYTHING, Visibility


class Policy(Protocol):
    """Decides about reading and about orders; a policy is a value: equal ones decide alike."""

    def visibility(self, user: User) -> Visibility:
        """Return what *user* may see, of everything that there is."""

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Return why *user* may not order *action* on the resource at *path* (``builds/3``).

        None allows it. The reason is a clause for people: it says what they can do about it.
        """


@dataclass(frozen=True, slots=True)
class Everybody:
    """The policy where nobody configured any: everybody may see and do everything."""

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Allow it."""
        return None


@dataclass(frozen=True, slots=True)
class NoOrders:
    """Everybody may see everything, and nobody may order anything, for a *reason*."""

    reason: str

    def visibility(self, user: User) -> Visibility:
        """Everything."""
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Refuse it."""
        return self.reason


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who asks, and the policy that holds: made once for each request."""

    user: User
    policy: Policy
    sees: Visibility = field(init=False)

    def __post_init__(self) -> None:
        sees = EVERYTHING if self.user.may_everything else self.policy.visibility(self.user)
        object.__setattr__(self, "sees", sees)

    def refusal(self, action: str, path: str) -> str | None:
        """Return why the visitor may not order *action* at *path*; None: it is allowed."""
        return None if self.user.may_everything else self.policy.refusal(self.user, action, path)


def anonymous(policy: Policy) -> Visitor:
    """Return a visitor who did not say who he is."""
    return Visitor(ANONYMOUS, policy)
