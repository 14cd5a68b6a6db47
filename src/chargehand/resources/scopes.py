"""What an API token may do: not more than its owner, and not more than it was made for."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from chargehand.domain.credentials import ApiToken
from chargehand.domain.user import User
from chargehand.kit.values import replace
from chargehand.resources.policy import READ, Facts, Policy
from chargehand.resources.visibility import Visibility

SCOPES = {
    READ: "read what its owner may read",
    "force": "force and rebuild builds",
    "stop": "stop builds, and cancel requests",
    "admin": "everything that its owner may do",
}
"""What tokens can be limited to, with what that means; each may read."""

_NEEDED = {"force": "force", "rebuild": "force", "stop": "stop", "cancel": "stop"}


class Scoped(msgspec.Struct, frozen=True):
    """The policy for those who show a token: that of its owner, and the token's limits."""

    token: ApiToken
    policy: Policy

    def visibility(self, user: User) -> Visibility:
        """Return what the owner sees of the token's builders."""
        seen = self.policy.visibility(user)
        if not self.token.builders:
            return seen
        return replace(seen, builders=seen.builders.within(frozenset(self.token.builders)), key="")

    @property
    def needs_facts(self) -> bool:
        """Whether the owner's policy looks at the facts."""
        return self.policy.needs_facts and not self.token.build_id

    def refusal(self, user: User, action: str, path: str) -> str | None:
        """Return why the token, or its owner, may not do it."""
        return why_out_of_scope(self.token.actions, action, path) or (
            None if self.token.build_id else self.policy.refusal(user, action, path)
        )

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        """Return why the token, or its owner, may not do it."""
        why = why_out_of_scope(self.token.actions, action, path)
        if why is not None or self.token.build_id:
            return why
        return await self.policy.decision(user, action, path, facts)


def why_out_of_scope(scopes: Collection[str], action: str, path: str) -> str | None:
    """Return why a token with these scopes may not call *action* on the resource at *path*."""
    needed = "admin" if path.startswith("workers") else _NEEDED.get(action, "admin")
    if needed in scopes or "admin" in scopes:
        return None
    return f"this token may not: it has no scope {needed!r}"
