"""What somebody who is logged in has: sessions in browsers, and API tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from chargehand.domain.audit import LOGIN, TOKEN
from chargehand.domain.credentials import ApiToken, WebSession
from chargehand.domain.user import User
from chargehand.resources.field import Resource
from chargehand.resources.policy import READ, Visitor
from chargehand.resources.scopes import SCOPES, Scoped
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.credentials import Sessions, Tokens
from chargehand.web.rest.reading import NotFound
from chargehand.web.site import user_description

if TYPE_CHECKING:
    from chargehand.web.pages.plain import Pages

DAY = 86_400.0
DEFAULT_DAYS = 90
_MOST_DAYS = 366
_MOST_DAYS_OF_SERVICES = 3_660
_LONGEST_LABEL = 100
_MOST_TOKENS = 200
Fields = Mapping[str, str]


class Refused(Exception):
    """An order was refused; has the HTTP status and says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Account:
    """Serves ``/auth/account``, ``/auth/sessions…`` and ``/auth/tokens…``."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        tokens: Tokens,
        audit: AuditTrail,
        pages: Callable[[], Awaitable[Pages]],
        now: Callable[[], float],
        logged_out: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._audit = audit
        self._pages = pages
        self._now = now
        self._logged_out = logged_out

    async def serve(
        self, request: web.BaseRequest, path: str, fields: Fields, visitor: Visitor, origin: str
    ) -> web.StreamResponse:
        """Answer a request. Raises NotFound."""
        wants_page = "text/html" in request.headers.get("Accept", "")
        try:
            return await self._serve(request, path, fields, visitor, origin, wants_page=wants_page)
        except Refused as error:
            if not wants_page:
                return _json({"error": str(error)}, error.status)
            if error.status == 401:
                return _to(request, "auth/login?redirect=/auth/account")
            return (await self._pages()).error(request.raw_path, error.status, f"{error}.")

    async def _serve(
        self,
        request: web.BaseRequest,
        path: str,
        fields: Fields,
        visitor: Visitor,
        origin: str,
        *,
        wants_page: bool,
    ) -> web.StreamResponse:
        user = _identified(visitor)
        parts = path.split("/")
        match request.method, parts:
            case "GET" | "HEAD", ["account"]:
                return await self._shown(request, user, wants_page=wants_page)
            case "GET" | "HEAD", ["tokens"]:
                everybody = user.is_operator and "user" not in fields
                name = None if everybody else fields.get("user", user.name)
                tokens = await self._tokens.of_user(name if user.is_operator else user.name)
                return _json({"tokens": [shown_token(one) for one in tokens]})
            case "GET" | "HEAD", ["sessions"]:
                sessions = await self._sessions.of_user(user.name)
                return _json({"sessions": [shown_session(one) for one in sessions]})
            case "POST", ["tokens"]:
                secret, token = await self._make(fields, visitor, origin)
                if wants_page:
                    return await self._shown(request, user, wants_page=True, secret=secret)
                return _json({"token": secret} | shown_token(token), 201)
            case ("POST", ["tokens", number, "revoke"]) | ("DELETE", ["tokens", number]):
                await self._revoke(number, user, origin)
                return self._done(request, wants_page=wants_page)
            case ("POST", ["sessions", number, "end"]) | ("DELETE", ["sessions", number]):
                await self._end(number, user, origin)
                return self._done(request, wants_page=wants_page)
        raise NotFound("This page does not exist.")

    def _done(self, request: web.BaseRequest, *, wants_page: bool) -> web.StreamResponse:
        return _to(request, "auth/account") if wants_page else web.Response(status=204)

    async def _shown(
        self, request: web.BaseRequest, user: User, *, wants_page: bool, secret: str = ""
    ) -> web.StreamResponse:
        """Return all that somebody has; a *secret* that was just made is shown this once."""
        sessions = await self._sessions.of_user(user.name)
        tokens = await self._tokens.of_user(user.name)
        if not wants_page:
            return _json(
                {
                    "user": user_description(user),
                    "sessions": [shown_session(one) for one in sessions],
                    "tokens": [shown_token(one) for one in tokens],
                }
            )
        answer = (await self._pages()).made(
            request.raw_path,
            "account.html",
            person=user,
            user=user,
            sessions=sessions,
            tokens=tokens,
            scopes=SCOPES,
            days=DEFAULT_DAYS,
            secret=secret,
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _make(self, fields: Fields, visitor: Visitor, origin: str) -> tuple[str, ApiToken]:
        """Make a token. Raises Refused."""
        user = visitor.user
        if isinstance(visitor.policy, Scoped):
            raise Refused(403, "a token cannot make tokens: log in")
        label = fields.get("label", "").strip()
        if not label or len(label) > _LONGEST_LABEL:
            raise Refused(400, f"label: say what it is for, in 1 to {_LONGEST_LABEL} characters")
        actions = _names(fields.get("actions", ""))
        unknown = sorted(set(actions) - SCOPES.keys())
        if unknown:
            raise Refused(400, f"actions: {', '.join(unknown)}: there are {', '.join(SCOPES)}")
        account = User(
            name=user.name,
            full_name=user.full_name,
            email=user.email,
            groups=user.groups,
            details=user.details,
        )
        if "user" in fields and fields["user"] != user.name:
            if not user.is_operator:
                raise Refused(403, "user: only commands on the master's machine make tokens for "
                "others: chargehand token")  # fmt: skip
            account = User(
                name=fields["user"],
                email=fields.get("email", ""),
                groups=_names(fields.get("groups", "")),
            )
        if not user.is_operator and len(await self._tokens.of_user(user.name)) >= _MOST_TOKENS:
            raise Refused(400, f"you have {_MOST_TOKENS} tokens: revoke some first")
        now = self._now()
        token = ApiToken(
            digest="",
            label=label,
            account=account,
            user_name=account.name,
            actions=tuple(dict.fromkeys((READ, *actions))),
            builders=_names(fields.get("builders", "")),
            created_at=now,
            ends_at=now
            + _days(fields, _MOST_DAYS_OF_SERVICES if user.is_operator else _MOST_DAYS) * DAY,
        )
        secret, made = await self._tokens.make(token)
        details = {"label": label, "for": account.name, "actions": ", ".join(made.actions)}
        self._audit.happened(TOKEN, "make", user, origin, details, f"tokens/{made.id}")
        return secret, made

    async def _revoke(self, number: str, user: User, origin: str) -> None:
        """Revoke a token of the user's, or anybody's at the master's machine. Raises NotFound."""
        tokens = await self._tokens.of_user(None if user.is_operator else user.name)
        for token in tokens:
            if str(token.id) == number:
                await self._tokens.revoke(token.id)
                self._logged_out(token.user_name)
                details = {"label": token.label, "for": token.user_name}
                self._audit.happened(TOKEN, "revoke", user, origin, details, f"tokens/{token.id}")
                return
        raise NotFound(f"You have no token {number}.")

    async def _end(self, number: str, user: User, origin: str) -> None:
        """End one session of the user's, or with ``all`` every one. Raises NotFound."""
        sessions = await self._sessions.of_user(user.name)
        ids = [one.id for one in sessions if number in (str(one.id), "all")]
        if not ids and number != "all":
            raise NotFound(f"You have no session {number}.")
        await self._sessions.end_these(ids)
        self._logged_out(user.name)
        self._audit.happened(LOGIN, "end sessions", user, origin, {"count": len(ids)})


def shown_session(session: WebSession) -> Resource:
    """Return a session as clients are told."""
    return {
        "sessionid": session.id,
        "method": session.method,
        "origin": session.origin,
        "agent": session.agent,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "ends_at": session.ends_at,
    }


def shown_token(token: ApiToken) -> Resource:
    """Return a token as clients are told: not what it is."""
    return {
        "tokenid": token.id,
        "label": token.label,
        "user": token.user_name,
        "actions": list(token.actions),
        "builders": list(token.builders),
        "created_at": token.created_at,
        "ends_at": token.ends_at,
        "used_at": token.used_at or None,
        "used_from": token.used_from,
    }


def _identified(visitor: Visitor) -> User:
    """Return the user. Raises Refused for an anonymous one."""
    if not visitor.user.name:
        raise Refused(401, "log in first")
    return visitor.user


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


def _days(fields: Fields, most: int) -> int:
    """Return for how many days a token is to hold. Raises Refused."""
    given = fields.get("days", "").strip() or str(DEFAULT_DAYS)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most:
        raise Refused(400, f"days: a whole number of 1 to {most}")
    return int(given)


def _to(request: web.BaseRequest, path: str) -> web.Response:
    up = "../" * (request.raw_path.partition("?")[0].count("/") - 1)
    return web.Response(
        status=303, headers={"Location": f"{up}{path}", "Cache-Control": "no-store"}
    )


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
