"""``/auth/…``: logging in and out."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from chargehand.config.login import Login, LoginRefused, LoginUnavailable
from chargehand.config.model import MasterConfig
from chargehand.domain.audit import LOGIN, THIS_MACHINE
from chargehand.resources.policy import Visitor
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.cookies import Cookies
from chargehand.web.access.credentials import Sessions, Tokens
from chargehand.web.access.origins import Origins
from chargehand.web.access.proxies import Proxies
from chargehand.web.access.redirects import within_site
from chargehand.web.bodies import Bodies, BodyRefused
from chargehand.web.login.account import Account
from chargehand.web.login.passwords import Entered, PasswordChecks, Wrong, basic

if TYPE_CHECKING:
    from chargehand.web.pages.plain import Pages

_log = logging.getLogger("chargehand.login")

_BEGUN_SECONDS = 600.0
"""How long a login at another site may take."""
_TOLD_SECONDS = 60.0
_MOST_TOLD = 10_000
_FOREIGN = "this came from a page of another site"
Fields = Mapping[str, str]


class LoginDesk:
    """Serves ``/auth/…``."""

    def __init__(
        self,
        *,
        config: Callable[[], MasterConfig],
        sessions: Sessions,
        tokens: Tokens,
        audit: AuditTrail,
        bodies: Bodies,
        pages: Callable[[], Awaitable[Pages]],
        now: Callable[[], float],
        logged_out: Callable[[str], None],
    ) -> None:
        self._config = config
        self._sessions = sessions
        self._tokens = tokens
        self._audit = audit
        self._bodies = bodies
        self._pages = pages
        self._logged_out = logged_out
        self._passwords = PasswordChecks()
        self._told: OrderedDict[str, float] = OrderedDict()
        """When it was last noted that an address has to wait."""
        self._account = Account(
            sessions=sessions,
            tokens=tokens,
            audit=audit,
            pages=pages,
            now=now,
            logged_out=logged_out,
        )

    async def serve(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        """Answer a request below ``/auth``. Raises NotFound."""
        site = Site(self._config())
        path = request.raw_path.partition("?")[0].removeprefix("/auth/")
        try:
            fields = await self._fields(request)
        except BodyRefused as error:
            return web.Response(status=error.status, text=f"{error}\n")
        if request.method == "POST" and not site.is_own(request):
            return web.Response(status=403, text=f"refused: {_FOREIGN}\n")
        match path:
            case "login":
                return await self._login(request, site, fields, visitor)
            case "logout":
                return await self._logout(request, site, fields, visitor)
            case _:
                origin = site.origin(request, visitor)
                return await self._account.serve(request, path, fields, visitor, origin)

    async def _fields(self, request: web.BaseRequest) -> Fields:
        """Return the fields of a form, or of the query. Raises BodyRefused."""
        if request.method not in ("POST", "DELETE"):
            return dict(request.query)
        async with self._bodies.read(request, is_large=False) as body:
            if request.content_type == "application/json":
                return _from_json(body)
            return _form(body)

    async def _login(
        self, request: web.BaseRequest, site: Site, fields: Fields, visitor: Visitor
    ) -> web.StreamResponse:
        login = site.login
        if login is None:
            return await self._page(
                request, site, fields, 404, "Nobody can log in here: c['www']['auth'] is not set."
            )
        given = basic(request)
        if request.method == "POST" and given is None:
            given = (fields.get("username", ""), fields.get("password", ""))
        if given is not None and login.takes_passwords:
            return await self._by_password(request, site, fields, given)
        if login.provider is not None and ("code" in fields or "error" in fields):
            return await self._came_back(request, site, fields)
        wants_page = "text/html" in request.headers.get("Accept", "")
        if login.provider is not None and "form" not in fields:
            return await self._begin(request, site, fields, wants_page=wants_page)
        if wants_page:
            return await self._page(request, site, fields)
        if login.proxy is not None and not visitor.user.is_anonymous:
            return _text(200, "")
        headers = {"WWW-Authenticate": 'Basic realm="Chargehand", charset="UTF-8"'}
        return _text(401, "name and password, please\n", headers if login.takes_passwords else {})

    async def _by_password(
        self, request: web.BaseRequest, site: Site, fields: Fields, given: tuple[str, str]
    ) -> web.StreamResponse:
        name, password = given
        assert site.login is not None
        address = site.proxies.address(request)
        try:
            entered = await self._passwords.user(site.login, name, password, address)
        except Wrong as wrong:
            if not wrong.wait or self._is_news(address):
                self._refused(name, address, str(wrong))
            status = 429 if wrong.wait else 401
            answer = await self._sorry(request, site, fields, status, str(wrong))
            if wrong.wait:
                answer.headers["Retry-After"] = str(wrong.wait)
            return answer
        except LoginUnavailable as error:
            self._refused(name, address, str(error))
            return await self._sorry(request, site, fields, 503, str(error))
        return await self._entered(request, site, entered, fields.get("redirect", ""))

    async def _begin(
        self, request: web.BaseRequest, site: Site, fields: Fields, *, wants_page: bool
    ) -> web.StreamResponse:
        assert site.login is not None and site.login.provider is not None
        try:
            begun = await site.login.provider.begin(site.callback)
        except LoginUnavailable as error:
            return await self._sorry(request, site, fields, 503, str(error))
        answer = (
            web.Response(status=302, headers={"Location": begun.url, "Cache-Control": "no-store"})
            if wants_page
            else _text(200, begun.url)
        )
        kept = {**begun.kept, "redirect": within_site(fields.get("redirect", "/"), site.url)}
        site.cookies.set_begun(
            answer, _packed(kept), _BEGUN_SECONDS, is_encrypted=site.proxies.is_encrypted(request)
        )
        return answer

    async def _came_back(
        self, request: web.BaseRequest, site: Site, fields: Fields
    ) -> web.StreamResponse:
        """Somebody comes back from the site where they log in."""
        assert site.login is not None and site.login.provider is not None
        encrypted = site.proxies.is_encrypted(request)
        kept = _unpacked(site.cookies.begun(request, is_encrypted=encrypted))
        title = site.login.provider.title
        try:
            if not kept:
                raise LoginRefused(
                    "this browser did not begin to log in here, or more than ten minutes ago"
                )
            user = await site.login.provider.finish(site.callback, kept, fields)
            if site.login.reserves(user.name):
                raise LoginRefused(f'the name "{user.name}" is that of an emergency account')
        except LoginRefused as error:
            self._refused("", site.proxies.address(request), f"{title}: {error}")
            answer = await self._sorry(request, site, {}, 403, f"{title}: {error}")
        except LoginUnavailable as error:
            self._refused("", site.proxies.address(request), str(error))
            answer = await self._sorry(request, site, {}, 503, str(error))
        else:
            entered = Entered(user, site.login.name)
            answer = await self._entered(request, site, entered, kept.get("redirect", "/"))
        site.cookies.set_begun(answer, "", 0, is_encrypted=encrypted)
        return answer

    async def _entered(
        self, request: web.BaseRequest, site: Site, entered: Entered, redirect: str
    ) -> web.StreamResponse:
        """Begin a session, and end the one that the browser had."""
        assert site.login is not None
        encrypted = site.proxies.is_encrypted(request)
        former = site.cookies.session(request, is_encrypted=encrypted)
        if former:
            await self._sessions.end(former)
        user, address = entered.user, site.proxies.address(request)
        secret = await self._sessions.begin(
            user,
            method=entered.method,
            origin=address,
            agent=request.headers.get("User-Agent", ""),
        )
        self._tokens.describe(user)
        self._audit.happened(LOGIN, "log in", user, address, {"method": entered.method})
        _log.info("%s logged in from %s", user.words, address or "this machine")
        if request.method == "POST" or "text/html" in request.headers.get("Accept", ""):
            answer = _to(site.link(within_site(redirect, site.url)))
        else:
            answer = _text(200, "")
        # Sessions end before their cookies do, but for those that are used.
        seconds = max(site.login.idle_seconds, site.login.total_seconds)
        site.cookies.set_session(answer, secret, seconds, is_encrypted=encrypted)
        return answer

    async def _logout(
        self, request: web.BaseRequest, site: Site, fields: Fields, visitor: Visitor
    ) -> web.StreamResponse:
        encrypted = site.proxies.is_encrypted(request)
        secret = site.cookies.session(request, is_encrypted=encrypted)
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            return web.Response(status=403, text=f"refused: {_FOREIGN}\n")
        if secret:
            await self._sessions.end(secret)
            self._logged_out(visitor.user.name)
            address = site.proxies.address(request)
            self._audit.happened(LOGIN, "log out", visitor.user, address, {})
        answer = _to(site.link(within_site(fields.get("redirect", "/"), site.url)))
        site.cookies.forget_session(answer, is_encrypted=encrypted)
        return answer

    def _is_news(self, address: str) -> bool:
        """Return whether to note that an address has to wait; a flood is noted once a minute."""
        now = asyncio.get_running_loop().time()
        if now - self._told.get(address, -_TOLD_SECONDS) < _TOLD_SECONDS:
            return False
        self._told.pop(address, None)  # The newest is last.
        self._told[address] = now
        while len(self._told) > _MOST_TOLD:
            self._told.popitem(last=False)
        return True

    def _refused(self, name: str, address: str, why: str) -> None:
        self._audit.refused(LOGIN, "log in", name, address, why)
        _log.warning("a login from %s as %.100r was refused: %s", address, name, why)

    async def _sorry(
        self, request: web.BaseRequest, site: Site, fields: Fields, status: int, why: str
    ) -> web.StreamResponse:
        """Say why somebody could not log in, on a page to people and in a line to programs."""
        if "text/html" in request.headers.get("Accept", ""):
            return await self._page(request, site, fields, status, f"Not logged in: {why}.")
        return _text(status, f"not logged in: {why}\n")

    async def _page(
        self,
        request: web.BaseRequest,
        site: Site,
        fields: Fields,
        status: int = 200,
        message: str = "",
    ) -> web.StreamResponse:
        pages = await self._pages()
        return pages.made(
            request.raw_path,
            "login.html",
            status,
            login=site.login,
            message=message,
            name=fields.get("username", ""),
            redirect=within_site(fields.get("redirect", "/"), site.url),
        )


class Site:
    """What the configuration says of the site."""

    def __init__(self, config: MasterConfig) -> None:
        self.url = config.url
        self.login: Login | None = config.web.login
        self.proxies = Proxies(config.web.trusted_proxies)
        self.cookies = Cookies(config.url)
        self._origins = Origins(site_url=config.url, patterns=())

    @property
    def callback(self) -> str:
        """Where another site sends people back to."""
        return f"{self.url.rstrip('/')}/auth/login"

    def link(self, path: str) -> str:
        """Return where a path of the site is, seen from ``/auth/login``: a proxy may serve it below
        any path."""
        return f"..{path}"

    def is_own(self, request: web.BaseRequest) -> bool:
        """Return whether no page of another site sends this."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        return self._origins.is_own(origin, request.headers.get("Host", ""))

    def origin(self, request: web.BaseRequest, visitor: Visitor) -> str:
        """Return where a request comes from, as the audit log says it."""
        return THIS_MACHINE if visitor.user.is_operator else self.proxies.address(request)


def _to(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def _text(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=text, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def _from_json(body: bytes) -> Fields:
    try:
        found = msgspec.json.decode(body, type=dict[str, str | int | float | bool | list[str]])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BodyRefused(400, f"the body is not a JSON object of texts: {error}") from error
    return {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in found.items()
    }


def _form(body: bytes) -> Fields:
    """Return the fields of a form; those of one name (boxes that are checked) become a list."""
    fields: dict[str, str] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return fields


def _packed(kept: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode().rstrip("=")


def _unpacked(text: str) -> dict[str, str]:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(packed, type=dict[str, str])
    except (ValueError, msgspec.MsgspecError):
        return {}
