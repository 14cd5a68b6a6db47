"""The paths at which plug-ins answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.resources.policy import Visitor
from chargehand.web.plugins.files import Files
from chargehand.web.plugins.stock_ui import StockUi
from chargehand.web.rest.reading import NotFound

Handler = Callable[[web.BaseRequest, Visitor], Awaitable[web.StreamResponse]]


class PluginRoutes:
    """Everything that plug-ins serve, by the first segments of their paths."""

    def __init__(
        self, config: Callable[[], MasterConfig], find_stock_ui: Callable[[], Path | None]
    ) -> None:
        self._config = config
        self._stock_ui = StockUi(config, find_stock_ui)

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by the first segments of the paths that they answer."""
        return {"stock": self._stock_ui.serve, "plugins": self._serve_plugin}

    async def _serve_plugin(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        _, _, name, *rest = request.raw_path.partition("?")[0].split("/", 3)
        directory = self._config().web.plugin_files.get(name)
        if directory is None or not rest:
            raise NotFound("This file does not exist.")
        try:
            return Files(Path(directory)).serve(request, rest[0])
        except NotFound:
            if rest[0] != "styles.css":
                raise
        # The stock interface asks for one of each plug-in, and some have none.
        return web.Response(body=b"", headers={"Content-Type": "text/css; charset=utf-8"})
