"""Files of installed packages, served as they are."""

from __future__ import annotations

import mimetypes
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from chargehand.web.rest.reading import NotFound

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class Files:
    """The files below one directory of an installed package; nothing outside of it is served."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def found(self, path: str) -> Path:
        """Return the file at a path as it is in a URL. Raises NotFound."""
        try:
            file = (self._directory / unquote(path, errors="strict")).resolve(strict=True)
        except (OSError, ValueError):
            raise NotFound("This file does not exist.") from None
        if not file.is_relative_to(self._directory) or not file.is_file():
            raise NotFound("This file does not exist.")
        return file

    def serve(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer with the file at a path. Raises NotFound."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        file = self.found(path)
        written = formatdate(file.stat().st_mtime, usegmt=True)
        headers = {
            "Content-Type": _type_of(file),
            "Cache-Control": "no-cache",
            "Last-Modified": written,
        }
        if _is_known(request.headers.get("If-Modified-Since"), written):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.read_bytes(), headers=headers)


def _type_of(file: Path) -> str:
    known = _TYPES.get(file.suffix)
    return known or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _is_known(since: str | None, written: str) -> bool:
    if since is None:
        return False
    try:
        return parsedate_to_datetime(since) >= parsedate_to_datetime(written)
    except (TypeError, ValueError):
        return False
