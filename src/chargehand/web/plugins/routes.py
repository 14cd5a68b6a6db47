"""The paths at which plug-ins answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.kit.clock import Clock
from chargehand.kit.tasks import Tasks
from chargehand.resources.policy import Visitor
from chargehand.web.plugins.files import Files
from chargehand.web.plugins.stock_ui import StockUi
from chargehand.web.ports import Resources
from chargehand.web.rest.reading import NotFound

if TYPE_CHECKING:
    from chargehand.web.plugins.avatars import Avatars
    from chargehand.web.plugins.badges import Badges
    from chargehand.web.plugins.dashboards import Dashboards

Handler = Callable[[web.BaseRequest, Visitor], Awaitable[web.StreamResponse]]


class PluginRoutes:
    """Everything that plug-ins serve, by the first segments of their paths.

    ``protected`` completes the headers of an answer that is sent piece by piece; ``is_own`` tells
    whether a request comes from a page of the site, or from no page.
    """

    def __init__(
        self,
        *,
        config: Callable[[], MasterConfig],
        resources: Resources,
        find_stock_ui: Callable[[], Path | None],
        protected: Callable[[web.BaseRequest, web.StreamResponse], object],
        is_own: Callable[[web.BaseRequest], bool],
        clock: Clock,
    ) -> None:
        self._config = config
        self._resources = resources
        self._stock_ui = StockUi(config, find_stock_ui)
        self._protected = protected
        self._is_own = is_own
        self._clock = clock
        self._tasks = Tasks("plug-ins")

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by the first segments of the paths that they answer."""
        return {
            "avatar": self._serve_avatar,
            "badges": self._serve_badge,
            "plugins": self._serve_plugin,
            "stock": self._stock_ui.serve,
        }

    async def close(self) -> None:
        """Give up what is asked for."""
        await self._tasks.close(patience=5.0)

    @cached_property
    def _avatars(self) -> Avatars:
        # What asks other sites, or draws, is imported for those who want a picture.
        from chargehand.web.plugins.avatars import Avatars

        return Avatars(self._config, self._clock, self._tasks)

    @cached_property
    def _badges(self) -> Badges:
        from chargehand.web.plugins.badges import Badges

        return Badges(self._config, self._resources)

    @cached_property
    def _dashboards(self) -> Dashboards:
        from chargehand.web.plugins.dashboards import Dashboards

        return Dashboards(self._config, self._protected, self._is_own, self._tasks)

    async def _serve_avatar(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        if request.raw_path.partition("?")[0] != "/avatar":
            raise NotFound("There is no such picture.")
        return await self._avatars.serve(request, visitor)

    async def _serve_badge(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0].removeprefix("/badges/")
        return await self._badges.serve(request, visitor, path)

    async def _serve_plugin(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0].removeprefix("/plugins/")
        name, _, rest = path.partition("/")
        if name == "badges" and rest.endswith(".svg"):
            return await self._badges.serve(request, visitor, rest)
        if name == "wsgi_dashboards" and rest not in _FILES:
            return await self._dashboards.serve(request, visitor, rest)
        return self._serve_file(request, name, rest)

    def _serve_file(self, request: web.BaseRequest, name: str, path: str) -> web.StreamResponse:
        directory = self._config().web.plugin_files.get(name)
        if directory is None:
            raise NotFound("This file does not exist.")
        try:
            return Files(Path(directory)).serve(request, path)
        except NotFound:
            if path != "styles.css":
                raise
        # The stock interface asks for one of each plug-in, and some have none.
        return web.Response(body=b"", headers={"Content-Type": "text/css; charset=utf-8"})


_FILES = ("scripts.js", "scripts.js.map", "styles.css")
"""Files that the stock interface asks for."""
