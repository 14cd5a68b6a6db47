"""Sessions of browsers and API tokens: begun, recognised, and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chargehand.config.login import EMERGENCY, Login
from chargehand.domain.credentials import (
    TOKEN_PREFIX,
    ApiToken,
    WebSession,
    digest_of,
    new_secret,
)
from chargehand.domain.user import User
from chargehand.kit.clock import Clock
from chargehand.kit.values import replace
from chargehand.web.access.kept import Kept
from chargehand.web.ports import SessionStore, TokenStore

_NOTED_AFTER = 300.0
"""Seconds between two notes in the store that a session or token is in use, at most."""


class Sessions:
    """The sessions of browsers."""

    def __init__(
        self, *, store: SessionStore, clock: Clock, login: Callable[[], Login | None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._login = login
        self._kept = Kept(store.find, clock)
        self._seen: dict[int, float] = {}

    def known(self, secret: str) -> tuple[bool, User | None]:
        """Return whether it is known whose session this is, and whose (None: nobody's)."""
        held = self._kept.fresh(digest_of(secret))
        return (False, None) if held is None else (True, self._user_of(held.value))

    async def user(self, secret: str) -> User | None:
        """Return whose session this is, having asked the store."""
        return self._user_of(await self._kept.get(digest_of(secret)))

    async def account(self, secret: str, *, since: float) -> User | None:
        """Return the same as the store knew it *since* that moment, without counting it as use."""
        session = await self._kept.get(digest_of(secret), since=since)
        login = self._login()
        if session is None or login is None or self._is_over(session, login):
            return None
        return session.account

    async def begin(self, user: User, *, method: str, origin: str, agent: str) -> str:
        """Begin a session; return what the browser shows from now on."""
        login = self._login() or Login(name=method)
        now = self._clock.timestamp()
        secret = new_secret()
        session = WebSession(
            digest=digest_of(secret),
            account=user,
            user_name=user.name,
            method=method,
            origin=origin,
            agent=agent,
            created_at=now,
            seen_at=now,
            ends_at=now + max(login.idle_seconds, login.total_seconds),
        )
        self._kept.put(session.digest, await self._store.add(session))
        return secret

    async def end(self, secret: str) -> None:
        """End a session, if it is one."""
        session = await self._store.find(digest_of(secret))
        if session is not None:
            await self._store.delete([session.id])
        self._kept.put(digest_of(secret), None)

    async def end_these(self, ids: Sequence[int]) -> None:
        """End sessions by their numbers."""
        await self._store.delete(ids)
        self._kept.forget()

    async def of_user(self, name: str) -> Sequence[WebSession]:
        """Return a person's sessions that are not over, the newest first."""
        return [one for one in await self._store.of_user(name) if self._user_of(one) is not None]

    def _user_of(self, session: WebSession | None) -> User | None:
        """Return whose session it is; None if it is over."""
        login = self._login()
        if session is None or login is None:
            return None
        if self._is_over(session, login):
            return None
        now, seen = self._clock.timestamp(), self._last_seen(session)
        if now - seen >= min(_NOTED_AFTER, login.idle_seconds / 4):
            if len(self._seen) > 100_000:
                self._seen.clear()
            self._seen[session.id] = now
            self._store.saw(session.id, now)
        return session.account

    def _is_over(self, session: WebSession, login: Login) -> bool:
        now = self._clock.timestamp()
        is_idle = now - self._last_seen(session) >= login.idle_seconds
        return now >= session.ends_at or is_idle or not _is_known(login, session)

    def _last_seen(self, session: WebSession) -> float:
        return max(session.seen_at, self._seen.get(session.id, 0.0))


def _is_known(login: Login, session: WebSession) -> bool:
    """Return whether the configuration still has the way in, and the account, of a session."""
    if session.method == EMERGENCY:
        return login.emergency is not None and login.emergency.knows(session.user_name)
    if session.method != login.name or login.reserves(session.user_name):
        return False
    return login.password is None or login.password.knows(session.user_name)


class Tokens:
    """API tokens."""

    def __init__(self, *, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept = Kept(store.find, clock)
        self._used: dict[int, float] = {}

    def known(self, secret: str) -> tuple[bool, ApiToken | None]:
        """Return whether it is known what this is, and the token (None: there is none)."""
        held = self._kept.fresh(digest_of(secret))
        return (False, None) if held is None else (True, held.value)

    async def find(self, secret: str, *, since: float = 0.0) -> ApiToken | None:
        """Return the token, which may have expired, as the store knew it *since* that moment."""
        return await self._kept.get(digest_of(secret), since=since)

    def is_over(self, token: ApiToken) -> bool:
        """Return whether it has expired."""
        return self._clock.timestamp() >= token.ends_at

    def used(self, token: ApiToken, origin: str) -> None:
        """Note that it was used."""
        now = self._clock.timestamp()
        if now - max(token.used_at, self._used.get(token.id, 0.0)) >= _NOTED_AFTER:
            if len(self._used) > 100_000:
                self._used.clear()
            self._used[token.id] = now
            self._store.used(token.id, now, origin)

    async def make(self, token: ApiToken) -> tuple[str, ApiToken]:
        """Store a new token; return what its owner shows from now on: nobody can read it again."""
        secret = new_secret(TOKEN_PREFIX)
        digest = digest_of(secret)
        made = await self._store.add(replace(token, digest=digest))
        self._kept.put(digest, made)
        return secret, made

    async def of_user(self, name: str | None) -> Sequence[ApiToken]:
        """Return a person's tokens, or everybody's."""
        return await self._store.of_user(name)

    async def revoke(self, token_id: int) -> None:
        """End a token."""
        await self._store.delete(token_id)
        self._kept.forget()

    def describe(self, user: User) -> None:
        """Let a person's tokens act as the person whom the login has just described."""
        self._store.describe(user)
        self._kept.forget()

    def end_of_build(self, build_id: int) -> None:
        """End what was made for a build."""
        self._store.delete_of_build(build_id)
        self._kept.forget()
