"""The single-page application: its page, and its files, named by the hashes of their content."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from chargehand.web.rest.reading import NotFound

PLACE = Path(__file__).parent / "ui"
"""Where the packaging hook and `scripts/build-ui` put what Vite makes of `web/`."""

PAGE = re.compile(r"/[a-z]*(?:/|$)")
"""How paths of the application's pages begin: which there are is said in `web/src/app/routes.tsx`.

Others (`/favicon.ico`, `/wp-login.php`) do not exist.
"""

_BASE = b'<base href="/" />'
_YEAR = 31_536_000
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""No script but the files. Styles may stand in the page: the component library puts them there."""


class _File(msgspec.Struct, frozen=True):
    kind: str
    plain: bytes
    encoded: Mapping[str, bytes]


class Interface:
    """The built application, read once. ``is_built`` is false in a checkout without it."""

    def __init__(self, place: Path = PLACE) -> None:
        page = place / "index.html"
        self.is_built = page.is_file()
        self._page = page.read_bytes() if self.is_built else b""
        self._tag = hashlib.sha256(self._page).hexdigest()[:16]
        self._files = {
            file.name: _read(file)
            for file in sorted((place / "assets").glob("*"))
            if file.suffix not in _ENCODINGS.values()
        }

    def page(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the application's page: for each of its paths the same, but for the base.

        The base is relative, so a proxy may serve the site at any path.
        """
        root = "../" * (request.raw_path.partition("?")[0].count("/") - 1) or "./"
        tag = f'"{self._tag}-{len(root)}"'
        headers = {"Cache-Control": "no-cache", "ETag": tag, "Content-Security-Policy": _POLICY}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = "text/html; charset=utf-8"
        body = self._page.replace(_BASE, f'<base href="{root}" />'.encode(), 1)
        return web.Response(body=body, headers=headers)

    def file(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return one of its files, compressed as the client likes it. Raises NotFound."""
        found = self._files.get(request.raw_path.partition("?")[0].removeprefix("/assets/"))
        if found is None:
            raise NotFound("This file does not exist.")
        headers = {
            "Content-Type": found.kind,
            "Cache-Control": f"public, max-age={_YEAR}, immutable",
            "Vary": "Accept-Encoding",
        }
        for name in _accepted(request.headers.get("Accept-Encoding", "")):
            if (body := found.encoded.get(name)) is not None:
                return web.Response(body=body, headers=headers | {"Content-Encoding": name})
        return web.Response(body=found.plain, headers=headers)


def _accepted(header: str) -> list[str]:
    """Return the encodings that a client takes, the best first."""
    offered = {
        name.strip().lower()
        for name, _, weight in (one.partition(";") for one in header.split(","))
        if weight.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    }
    return [name for name in _ENCODINGS if name in offered or "*" in offered]


def _read(file: Path) -> _File:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    encoded = {
        name: beside.read_bytes()
        for name, suffix in _ENCODINGS.items()
        if (beside := file.with_name(file.name + suffix)).is_file()
    }
    return _File(kind, file.read_bytes(), encoded)
