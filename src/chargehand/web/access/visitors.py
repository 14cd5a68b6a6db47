"""Identifies the visitor of each request."""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections import OrderedDict

from aiohttp import web

from chargehand.config.login import Login, ProxyLogin
from chargehand.domain.credentials import ApiToken
from chargehand.domain.user import User
from chargehand.kit.accounts import account_name
from chargehand.kit.clock import Clock
from chargehand.resources.policy import AskingPolicy, Policy, Visitor, anonymous
from chargehand.resources.scopes import Scoped
from chargehand.web.access.cookies import Cookies
from chargehand.web.access.credentials import Sessions, Tokens
from chargehand.web.access.origins import Origins
from chargehand.web.access.proxies import Proxies

_log = logging.getLogger(__name__)

_BEARER = "bearer "
_MOST_KEPT = 10_000
_FORWARDED_SECONDS = 300.0
"""How long what a directory says of somebody whom a proxy names is believed."""
_LONGEST = 500


class Unauthorized(Exception):
    """What a request shows instead of a password is not valid; the message says why."""


class Visitors:
    """Creates the visitor of each request: by API token, session, or a proxy's header."""

    def __init__(
        self,
        *,
        policy: Policy,
        login: Login | None,
        sessions: Sessions,
        tokens: Tokens,
        proxies: Proxies,
        origins: Origins,
        cookies: Cookies,
        clock: Clock,
    ) -> None:
        self.policy = policy
        self.login = login
        self._sessions = sessions
        self._tokens = tokens
        self.proxies = proxies
        self._origins = origins
        self._cookies = cookies
        self._clock = clock
        self._asking = policy if isinstance(policy, AskingPolicy) else None
        self._anonymous = anonymous(policy)
        self._made: OrderedDict[User, Visitor] = OrderedDict()
        self._forwarded: OrderedDict[str, tuple[User | None, float]] = OrderedDict()
        self._has_warned = False

    def of(self, request: web.BaseRequest) -> Visitor | None:
        """Return the visitor of *request*; None if `found` must ask. Raises Unauthorized."""
        visitor = self._of(request)
        if self._asking is None or visitor is None or self._asking.knows(visitor.user):
            return visitor
        return None

    async def found(self, request: web.BaseRequest) -> Visitor:
        """Return the visitor of *request*, having asked the store, a directory, or users' code.

        Raises Unauthorized, LoginUnavailable.
        """
        visitor = await self._found(request)
        if self._asking is None or self._asking.knows(visitor.user):
            return visitor
        await self._asking.learn(visitor.user)
        made = Visitor(visitor.user, visitor.policy)
        if visitor is self._anonymous:
            self._anonymous = made
        elif visitor.policy is self.policy:
            self._made[visitor.user] = made
        return made

    def _of(self, request: web.BaseRequest) -> Visitor | None:
        headers = request.headers
        if "Authorization" in headers and (secret := bearer(request)):
            is_known, token = self._tokens.known(secret)
            return self._by_token(token, request) if is_known else None
        login = self.login
        if login is None:
            return self._anonymous
        if login.proxy is not None and login.proxy.header in headers:
            named = self._named_by_proxy(request, login.proxy)
            if named is None:
                return self._anonymous
            user, until = self._forwarded.get(named, (None, 0.0))
            return self._by_user(user) if self._clock.timestamp() < until else None
        secret = self._session_of(request)
        if not secret:
            return self._anonymous
        is_known, user = self._sessions.known(secret)
        return self._by_user(user) if is_known else None

    async def _found(self, request: web.BaseRequest) -> Visitor:
        if "Authorization" in request.headers and (secret := bearer(request)):
            return self._by_token(await self._tokens.find(secret), request)
        login = self.login
        if login is None:
            return self._anonymous
        if login.proxy is not None and login.proxy.header in request.headers:
            named = self._named_by_proxy(request, login.proxy)
            if named is None:
                return self._anonymous
            user = await login.proxy.user(named)
            if user is not None and login.reserves(user.name):
                _log.warning("ignoring a proxy's user %r: an emergency account's name", user.name)
                user = None
            self._forwarded[named] = (user, self._clock.timestamp() + _FORWARDED_SECONDS)
            while len(self._forwarded) > _MOST_KEPT:
                self._forwarded.popitem(last=False)
            return self._by_user(user)
        secret = self._session_of(request)
        return self._by_user(await self._sessions.user(secret) if secret else None)

    async def is_still(self, request: web.BaseRequest, user: User, since: float) -> bool:
        """Return whether what a request shows is still that of *user*, without counting as use.

        What was known before the moment *since* is not believed.
        """
        if "Authorization" in request.headers and (secret := bearer(request)):
            token = await self._tokens.find(secret, since=since)
            return token is not None and not self._tokens.is_over(token) and token.account == user
        login = self.login
        if login is None:
            return False
        if login.proxy is not None and login.proxy.header in request.headers:
            return True  # The proxy knows when it is over.
        secret = self._session_of(request)
        return bool(secret) and await self._sessions.account(secret, since=since) == user

    def local(self, request: web.BaseRequest) -> Visitor:
        """Return the visitor of *request*, which came through the socket in the master's directory.

        File permissions restrict that socket to the master's own account.
        """
        return Visitor(User(name=_account_of(request), is_operator=True), self.policy)

    def is_encrypted(self, request: web.BaseRequest) -> bool:
        """Return whether the visitor's browser uses HTTPS."""
        return self.proxies.is_encrypted(request)

    def may_repeat(self, request: web.BaseRequest) -> bool:
        """Return whether equal requests are equal visitors', from where they may come."""
        return (
            self._asking is None
            and (self.login is None or self.login.proxy is None)
            and "Authorization" not in request.headers
            and not self._session_of(request)
        )

    def _session_of(self, request: web.BaseRequest) -> str:
        """Return the session that a request shows, unless another site's page sends it."""
        encrypted = self.proxies.is_encrypted(request)
        secret = self._cookies.session(request, is_encrypted=encrypted)
        return secret if secret and self._is_from_us(request) else ""

    def _is_from_us(self, request: web.BaseRequest) -> bool:
        """Return whether no page of another site sends this: browsers add cookies by themselves."""
        headers = request.headers
        origin = headers.get("Origin")
        if origin is not None:
            return self._origins.is_own(origin, headers.get("Host", ""))
        return request.method in ("GET", "HEAD") or headers.get("Sec-Fetch-Site") != "cross-site"

    def _named_by_proxy(self, request: web.BaseRequest, login: ProxyLogin) -> str | None:
        """Return what the header of a proxy says; None if it is not a proxy of ours that says it,
        or a page of another site makes it say so."""
        if self.proxies.is_trusted(request):
            return request.headers[login.header][:_LONGEST] if self._is_from_us(request) else None
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "ignoring the header %s of %s, which is no trusted proxy. If it is yours, add "
                "it to c['www']['trusted_proxies']",
                login.header,
                request.remote,
            )
        return None

    def _by_token(self, token: ApiToken | None, request: web.BaseRequest) -> Visitor:
        if token is None:
            raise Unauthorized("there is no such API token; it may have been revoked")
        if self._tokens.is_over(token):
            raise Unauthorized(f'the API token "{token.label}" has expired; make a new one')
        self._tokens.used(token, self.proxies.address(request))
        return Visitor(token.account, Scoped(token, self.policy))

    def _by_user(self, user: User | None) -> Visitor:
        if user is None:
            return self._anonymous
        visitor = self._made.get(user)
        if visitor is None:
            visitor = self._made[user] = Visitor(user, self.policy)
            while len(self._made) > _MOST_KEPT:
                self._made.popitem(last=False)
        return visitor


def bearer(request: web.BaseRequest) -> str:
    """Return the token that a request shows; empty if it shows none."""
    given = request.headers.get("Authorization", "")
    return given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""


_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of the peer, from the kernel."""


def _account_of(request: web.BaseRequest) -> str:
    user = os.geteuid()
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "SO_PEERCRED"):
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        user = int(_CREDENTIALS.unpack(told)[1])
    return account_name(user)
