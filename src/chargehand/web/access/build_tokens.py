"""API tokens of builds: a step that asks for one can talk to the API until its build ends."""

from __future__ import annotations

from collections.abc import Sequence

from chargehand.domain.audit import THIS_MACHINE, TOKEN
from chargehand.domain.credentials import ApiToken
from chargehand.domain.identifiers import BuildId
from chargehand.domain.user import User
from chargehand.events.bus import Bus, Subscription
from chargehand.events.messages import BuildFinished
from chargehand.kit.clock import Clock
from chargehand.resources.policy import READ
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.credentials import Tokens

_SECONDS = 7 * 86_400.0
"""How long they hold at most; builds do not run for so long."""


class BuildTokens:
    """Makes them, and ends them with their builds."""

    def __init__(self, *, tokens: Tokens, audit: AuditTrail, bus: Bus, clock: Clock) -> None:
        self._tokens = tokens
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._builds: set[int] = set()
        self._subscription: Subscription | None = None

    async def make(
        self, build_id: int, name: str, actions: Sequence[str], builders: Sequence[str]
    ) -> str:
        """Return a new token for a build called *name*. It may do these actions with these builders
        (empty: with all), whatever people may: the configuration has given it that."""
        now = self._clock.timestamp()
        user = User(name=name)
        secret, token = await self._tokens.make(
            ApiToken(
                digest="",
                label=name,
                account=user,
                user_name=name,
                actions=tuple(dict.fromkeys((READ, *actions))),
                builders=tuple(builders),
                build_id=build_id,
                created_at=now,
                ends_at=now + _SECONDS,
            )
        )
        details = {"for": name, "actions": ", ".join(token.actions)}
        self._audit.happened(TOKEN, "make", user, THIS_MACHINE, details, f"builds/{build_id}")
        self._builds.add(build_id)
        if self._subscription is None:
            self._subscription = self._bus.subscribe(self._ended, BuildFinished)
        return secret

    def _ended(self, event: BuildFinished) -> None:
        build_id: BuildId = event.build.id
        if build_id in self._builds:
            self._builds.discard(build_id)
            self._tokens.end_of_build(build_id)
            if not self._builds and self._subscription is not None:
                self._subscription.cancel()
                self._subscription = None
