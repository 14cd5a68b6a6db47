"""Sessions and API tokens in memory, with the store's guarantees."""

from __future__ import annotations

from collections.abc import Sequence

from chargehand.domain.credentials import ApiToken, WebSession
from chargehand.domain.user import User
from chargehand.kit.values import replace
from chargehand.store.web_sessions import MOST_OF_ONE


class MemorySessions:
    """Sessions (``web.SessionStore``)."""

    def __init__(self) -> None:
        self.sessions: dict[int, WebSession] = {}
        self.asked = 0
        """How often `find` was called."""
        self._last = 0

    async def find(self, digest: str) -> WebSession | None:
        """Return the session with this digest."""
        self.asked += 1
        return next((one for one in self.sessions.values() if one.digest == digest), None)

    async def of_user(self, user_name: str) -> Sequence[WebSession]:
        """Return a person's sessions, the newest first."""
        found = [one for one in self.sessions.values() if one.user_name == user_name]
        return found[::-1]

    async def add(self, session: WebSession) -> WebSession:
        """Store a new session, and delete those that are over and the person's oldest."""
        for one in [*self.sessions.values()]:
            if one.ends_at <= session.created_at:
                del self.sessions[one.id]
        for one in (await self.of_user(session.user_name))[MOST_OF_ONE - 1 :]:
            del self.sessions[one.id]
        self._last += 1
        self.sessions[self._last] = stored = replace(session, id=self._last)
        return stored

    def saw(self, session_id: int, moment: float) -> None:
        """Note that a session was used."""
        if session_id in self.sessions:
            self.sessions[session_id] = replace(self.sessions[session_id], seen_at=moment)

    async def delete(self, ids: Sequence[int]) -> None:
        """End sessions."""
        for one in ids:
            self.sessions.pop(one, None)


class MemoryTokens:
    """API tokens (``web.TokenStore``)."""

    def __init__(self) -> None:
        self.tokens: dict[int, ApiToken] = {}
        self._last = 0

    async def find(self, digest: str) -> ApiToken | None:
        """Return the token with this digest."""
        return next((one for one in self.tokens.values() if one.digest == digest), None)

    async def of_user(self, user_name: str | None) -> Sequence[ApiToken]:
        """Return a person's tokens, or everybody's; the oldest first, without those of builds."""
        return [
            one
            for one in self.tokens.values()
            if user_name in (None, one.user_name) and not one.build_id
        ]

    async def add(self, token: ApiToken) -> ApiToken:
        """Store a new token."""
        self._last += 1
        self.tokens[self._last] = stored = replace(token, id=self._last)
        return stored

    def used(self, token_id: int, moment: float, origin: str) -> None:
        """Note that a token was used."""
        if token_id in self.tokens:
            token = self.tokens[token_id]
            self.tokens[token_id] = replace(token, used_at=moment, used_from=origin)

    def describe(self, account: User) -> None:
        """Note what a login says of the owner of tokens."""
        for one in self.tokens.values():
            if one.user_name == account.name and not one.build_id:
                self.tokens[one.id] = replace(one, account=account)

    async def delete(self, token_id: int) -> None:
        """Revoke a token."""
        self.tokens.pop(token_id, None)

    def delete_of_build(self, build_id: int) -> None:
        """Revoke what was made for a build."""
        for one in [*self.tokens.values()]:
            if one.build_id == build_id:
                del self.tokens[one.id]
