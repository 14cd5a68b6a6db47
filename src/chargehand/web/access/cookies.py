"""Cookies of the site."""

from __future__ import annotations

import hashlib

from aiohttp import web

_SESSION = "chargehand_session"
_LOGIN = "chargehand_login"


class Cookies:
    """The cookies of one site: browsers send those of all ports of a machine to each of them."""

    def __init__(self, site_url: str) -> None:
        own = hashlib.sha256(site_url.encode()).hexdigest()[:8]
        self._session = f"{_SESSION}_{own}"
        self._login = f"{_LOGIN}_{own}"

    def session(self, request: web.BaseRequest, *, is_encrypted: bool) -> str:
        """Return what a request shows as its session; empty if nothing."""
        return _read(request, self._session, is_encrypted=is_encrypted)

    def set_session(
        self, response: web.StreamResponse, secret: str, seconds: float, *, is_encrypted: bool
    ) -> None:
        """Give a browser its session."""
        _write(response, self._session, secret, seconds, is_encrypted=is_encrypted)

    def forget_session(self, response: web.StreamResponse, *, is_encrypted: bool) -> None:
        """Let a browser forget its session."""
        _write(response, self._session, "", 0, is_encrypted=is_encrypted)

    def begun(self, request: web.BaseRequest, *, is_encrypted: bool) -> str:
        """Return what a browser has kept since it began to log in at another site."""
        return _read(request, self._login, is_encrypted=is_encrypted)

    def set_begun(
        self, response: web.StreamResponse, kept: str, seconds: float, *, is_encrypted: bool
    ) -> None:
        """Let a browser keep something while it logs in at another site; nothing: forget it."""
        _write(response, self._login, kept, seconds, is_encrypted=is_encrypted)


def _named(name: str, *, is_encrypted: bool) -> str:
    """Return a name that no other machine of the domain can set, where browsers ensure that."""
    return f"__Host-{name}" if is_encrypted else name


def _read(request: web.BaseRequest, name: str, *, is_encrypted: bool) -> str:
    if "Cookie" not in request.headers:
        return ""
    return request.cookies.get(_named(name, is_encrypted=is_encrypted), "")


def _write(
    response: web.StreamResponse, name: str, value: str, seconds: float, *, is_encrypted: bool
) -> None:
    response.set_cookie(
        _named(name, is_encrypted=is_encrypted),
        value,
        max_age=int(seconds),
        path="/",
        httponly=True,
        secure=is_encrypted,
        samesite="Lax",
    )
