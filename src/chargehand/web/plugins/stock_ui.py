"""Buildbot's own user interface, from the package ``buildbot-www``, as a client of our API.

Its files are served below ``/stock/``, as they are. The interface asks for everything relative to
its page, so that the site's other paths are answered there as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from aiohttp import web
from yarl import URL

from chargehand.config.model import MasterConfig
from chargehand.resources.policy import Visitor
from chargehand.web import site
from chargehand.web.plugins.files import Files
from chargehand.web.rest.reading import NotFound

PREFIX = "/stock"
_SHARED = frozenset({"api", "avatar", "config", "plugins", "sse", "ws"})
"""The first segments of paths that are the site's own below `PREFIX`, too."""

_CONFIG = re.compile(r"<!--\s*BUILDBOT_CONFIG_PLACEHOLDER\s*-->")
_THEME = re.compile(
    r"<!--\s*BUILDBOT_THEME_CSS_PLACEHOLDER_BEGIN\s*-->(.*?)"
    r"<!--\s*BUILDBOT_THEME_CSS_PLACEHOLDER_END\s*-->",
    re.DOTALL,
)
_VARIABLE = re.compile(r"(--[\w-]+)\s*:\s*([^;{}]+);")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_VALUE = re.compile(r"[\w#%.,()\s/+-]+")
_POLICY = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' blob: data:; font-src 'self' data:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


def unmounted(request: web.BaseRequest) -> web.BaseRequest:
    """Return the request for the site's own path that one below `PREFIX` stands for, or itself."""
    target = request.raw_path
    if not target.startswith(f"{PREFIX}/"):
        return request
    inner = target[len(PREFIX) :]
    if inner.partition("?")[0].split("/", 2)[1] not in _SHARED:
        return request
    return request.clone(rel_url=URL(inner, encoded=True))


class StockUi:
    """The stock interface, if it is installed and not turned off."""

    def __init__(
        self, config: Callable[[], MasterConfig], find_files: Callable[[], Path | None]
    ) -> None:
        self._config = config
        self._find_files = find_files
        self._found: Files | None = None

    async def serve(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        """Answer a request for the page or one of its files. Raises NotFound."""
        files = self._files()
        path = request.raw_path.partition("?")[0].removeprefix(PREFIX)
        if not path:
            return web.Response(status=308, headers={"Location": "stock/"})
        if path.startswith("/auth/"):
            return _to_log_in(request)
        if path in {"/", "/index.html"}:
            return self._page(files, visitor)
        return files.serve(request, path.lstrip("/"))

    def _files(self) -> Files:
        if self._config().web.stock_ui is False:
            raise NotFound("This page does not exist.")
        if self._found is None:
            directory = self._find_files()
            if directory is None:
                raise NotFound(
                    "The stock user interface is not installed here: pip install buildbot-www."
                )
            self._found = Files(directory)
        return self._found

    def _page(self, files: Files, visitor: Visitor) -> web.StreamResponse:
        config = self._config()
        text = files.found("index.html").read_text(encoding="utf-8")
        theme = config.web.options.get("theme")
        if isinstance(theme, Mapping):
            text = _THEME.sub(partial(_themed, theme), text)
        settings = site.frontend_config(config, visitor.user)
        # It asks for the files of all plug-ins that it knows of.
        plugins = settings["plugins"]
        settings["plugins"] = {
            name: plugins[name] for name in plugins if name in config.web.plugin_files
        }
        settings["buildbotURL"] = f"{config.url.rstrip('/')}{PREFIX}/"
        script = f"window.buildbotFrontendConfig = {_in_script(settings)};"
        text = _CONFIG.sub(lambda _: f'<script id="bb-config">{script}</script>', text)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": _POLICY.format(hashes=_hash_of(script)),
        }
        return web.Response(body=text.encode(), headers=headers)


def _to_log_in(request: web.BaseRequest) -> web.StreamResponse:
    """Lead to the site's own pages for logging in and out, and from there back to where one was.

    The interface asks to be led back to its own paths, which are fragments for everybody else.
    """
    path, _, query = request.raw_path.removeprefix(f"{PREFIX}/").partition("?")
    fields = dict(parse_qsl(query))
    where = fields.get("redirect") or "/"
    fields["redirect"] = f"{PREFIX}/#/{where.lstrip('#/')}"
    up = "../" * path.count("/")
    headers = {"Location": f"../{up}{path}?{urlencode(fields)}", "Cache-Control": "no-store"}
    return web.Response(status=302, headers=headers)


def _themed(theme: Mapping[Any, Any], found: re.Match[str]) -> str:
    """Return the interface's variables with those that the configuration sets."""
    variables = dict(_VARIABLE.findall(found[1]))
    for name, value in theme.items():
        if _NAME.fullmatch(str(name)) and _VALUE.fullmatch(str(value)):
            variables[f"--{name}"] = str(value)
    lines = "".join(f"        {name}: {value};\n" for name, value in variables.items())
    return f"<style>\n      :root {{\n{lines}      }}\n    </style>"


def _in_script(value: object) -> str:
    """Return JSON that does not end a script, whatever its strings contain."""
    text = msgspec.json.encode(value).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash_of(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
