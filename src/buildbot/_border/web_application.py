"""What a web plug-in makes of itself; its pages are not shown yet."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource


class Application:
    """A page of the web interface, with a ``resource`` below which it may hang others.

    It is accepted, so that what else the plug-in offers works.
    """

    def __init__(
        self,
        modulename: str,
        description: str = "",
        ui: bool = True,
        static_dir: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.modulename = modulename
        self.description = description
        self.ui = ui
        self.static_dir = static_dir
        self.resource = Resource()

    def setMaster(self, master: Any) -> None:
        """Take the master that it belongs to."""
        self.master = master

    def setConfiguration(self, config: Any) -> None:
        """Take its part of ``c['www']['plugins']``."""
        self.config = config
