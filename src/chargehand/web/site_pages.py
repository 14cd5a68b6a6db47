"""What browsers get: the application, its files, and the plain pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.kit.clock import Clock
from chargehand.resources.policy import Visitor
from chargehand.web.access.stages import StageReader
from chargehand.web.interface import PAGE, Interface
from chargehand.web.ports import Resources
from chargehand.web.rest.reading import NotFound

_ROBOTS = (
    b"User-agent: *\nDisallow: /api/\nDisallow: /plain/\nDisallow: /stock/\n"
    b"Disallow: /sse\nDisallow: /ws\n"
)
"""What programs of search engines need not read: what the pages show, once more."""

if TYPE_CHECKING:
    from chargehand.web.pages.plain import Pages


class SitePages:
    """The application at its paths, the plain pages below `/plain/`; both are made when first used:
    scripts ask for none, and a start does not wait for them."""

    def __init__(
        self,
        *,
        config: Callable[[], MasterConfig],
        resources: Resources,
        stages: StageReader,
        clock: Clock,
    ) -> None:
        self._config = config
        self._resources = resources
        self._stages = stages
        self._clock = clock
        self._plain: Pages | None = None
        self._interface: Interface | None = None

    @property
    def routes(
        self,
    ) -> Mapping[str, Callable[[web.BaseRequest, Visitor], Awaitable[web.StreamResponse]]]:
        """Handlers by the first segment of their paths."""
        return {
            "static": self._serve_static,
            "assets": self._serve_asset,
            "plain": self._serve_plain,
        }

    async def plain(self) -> Pages:
        """Return what renders plain pages, and pages about errors."""
        if self._plain is None:
            self._plain = await asyncio.to_thread(self._make_plain)
        return self._plain

    def _make_plain(self) -> Pages:
        from chargehand.web.pages.plain import Pages

        return Pages(
            config=self._config,
            resources=self._resources,
            stages=self._stages,
            clock=self._clock,
        )

    async def _application(self) -> Interface:
        if self._interface is None:
            self._interface = await asyncio.to_thread(Interface)
        return self._interface

    async def is_application(self, request: web.BaseRequest, *, is_page: bool) -> bool:
        """Return whether this is one of the application's files, or a page that it draws.

        They contain nothing of the builds: the application asks the API, which says what a visitor
        may see.

        Args:
            request: what was asked for.
            is_page: whether nothing else of the site is at this path.
        """
        path = request.raw_path.partition("?")[0]
        if not path.startswith("/assets/") and not (is_page and PAGE.match(path)):
            return False
        return (await self._application()).is_built

    async def serve(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        """Serve the application; where it has not been built, lead to the plain pages."""
        path = request.raw_path.partition("?")[0]
        if (other := self._answered_already(request, visitor)) is not None:
            return other
        if path == "/robots.txt":
            return web.Response(body=_ROBOTS, content_type="text/plain")
        if PAGE.match(path) is None:
            raise NotFound("This page does not exist.")
        application = await self._application()
        if application.is_built:
            return application.page(request)
        where = "../" * (path.count("/") - 1) + "plain" + path
        return web.Response(status=302, headers={"Location": where, "Cache-Control": "no-cache"})

    async def _serve_plain(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if (other := self._answered_already(request, visitor)) is not None:
            return other
        if path == "/plain":
            return web.Response(status=302, headers={"Location": "plain/"})
        return await (await self.plain()).page(path, visitor)

    async def _serve_asset(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        return (await self._application()).file(request)

    async def _serve_static(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        return (await self.plain()).static(path.removeprefix("/static/"))

    def _answered_already(
        self, request: web.BaseRequest, visitor: Visitor
    ) -> web.StreamResponse | None:
        """Answer orders, which no page takes, and send somebody who has not logged in to where
        people log in, if that is automatic."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        login = self._config().web.login
        provider = None if login is None else login.provider
        if provider is None or not provider.is_automatic or not visitor.user.is_anonymous:
            return None
        if "text/html" not in request.headers.get("Accept", ""):
            return None
        target = request.raw_path
        up = "../" * (target.partition("?")[0].count("/") - 1)
        where = f"{up}auth/login?redirect={quote(target, safe='')}"
        return web.Response(status=302, headers={"Location": where, "Cache-Control": "no-store"})
