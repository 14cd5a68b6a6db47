"""One request to a WSGI application, which runs in a thread of its own."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import Any

from aiohttp import web

from chargehand.config.dashboards import Application, Environ
from chargehand.kit.guard import Guard
from chargehand.web.access.proxies import address_of

_WRITE_SECONDS = 30.0
"""Seconds that a client may take for one piece of an answer."""
_HOP_BY_HOP_WORDS = """
connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade
"""
_HOP_BY_HOP = frozenset(_HOP_BY_HOP_WORDS.split())

_STATUS = re.compile(r"[1-5]\d\d( [\x20-\x7e]*)?")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_GIVEN_UP = "nobody waits for the answer"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


class WrongAnswer(Exception):
    """An application does not do what WSGI asks for; the message says what."""


class Exchange:
    """The answer to one request, which its thread makes and the loop sends."""

    def __init__(
        self, request: web.BaseRequest, protected: Callable[[web.StreamResponse], object]
    ) -> None:
        self._request = request
        self._protected = protected
        self._loop = asyncio.get_running_loop()
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._is_given_up = False
        self.response: web.StreamResponse | None = None
        """What has begun to be sent."""

    async def run(self, application: Application, environ: Environ, name: str) -> Exception | None:
        """Let the application answer; return what it raised."""
        done: asyncio.Future[Exception | None] = self._loop.create_future()

        def ended(failure: Exception | None) -> None:
            if not done.done():
                done.set_result(failure)

        def work() -> None:
            failures: list[Exception] = []
            with Guard(failures.append):
                self._answer(application, environ)
            with suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(ended, next(iter(failures), None))

        threading.Thread(target=work, name=name, daemon=True).start()
        return await done

    def give_up(self) -> None:
        """Send nothing more: what the thread still makes is thrown away."""
        self._is_given_up = True

    def _answer(self, application: Application, environ: Environ) -> None:
        result = application(environ, self._start)
        try:
            for piece in result:
                if piece:
                    self._send(piece)
            self._wait_for(self._begin())
            self._wait_for(self._end())
        finally:
            if (close := getattr(result, "close", None)) is not None:
                close()

    def _start(
        self, status: str, headers: Sequence[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None and self.response is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self._head is not None:
            raise WrongAnswer("start_response was called twice")
        if not _STATUS.fullmatch(status) or any(map(_CONTROL.search, chain(*headers))):
            raise WrongAnswer("the status or a header is none of HTTP")
        self._head = (status, list(headers))
        return self._send

    def _send(self, piece: bytes) -> None:
        if not isinstance(piece, bytes):
            raise WrongAnswer(f"the answer must be made of bytes, not {type(piece).__name__}")
        self._wait_for(self._begin())
        if self._request.method != "HEAD":
            self._wait_for(self._written(piece))

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        if self._is_given_up:
            work.close()
            raise ConnectionResetError(_GIVEN_UP)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_WRITE_SECONDS)

    async def _begin(self) -> None:
        if self.response is not None:
            return
        if self._is_given_up:
            raise ConnectionResetError(_GIVEN_UP)
        if self._head is None:
            raise WrongAnswer("start_response was not called")
        status, headers = self._head
        code, _, reason = status.partition(" ")
        response = web.StreamResponse(status=int(code), reason=reason or None)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                response.headers.add(name, value)
        self._protected(response)
        await response.prepare(self._request)
        self.response = response

    async def _written(self, piece: bytes) -> None:
        assert self.response is not None
        await self.response.write(piece)

    async def _end(self) -> None:
        assert self.response is not None
        await self.response.write_eof()


def environ_of(
    request: web.BaseRequest,
    *,
    script: str,
    path: str,
    host: tuple[str, int],
    scheme: str,
    body: bytes,
    user: str,
) -> Environ:
    """Return the request as PEP 3333 has it, without what logs the visitor in here."""
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script,
        "PATH_INFO": path,
        "QUERY_STRING": request.raw_path.partition("?")[2],
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "SERVER_NAME": host[0],
        "SERVER_PORT": str(host[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": address_of(request),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if user:
        environ["REMOTE_USER"] = user
    for name in dict.fromkeys(key.lower() for key in request.headers):
        if name not in _KEPT_BACK and "_" not in name:
            values = ", ".join(request.headers.getall(name))
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = values
    if cookies := _foreign_cookies(request.headers.getall("Cookie", [])):
        environ["HTTP_COOKIE"] = cookies
    return environ


_KEPT_BACK = _HOP_BY_HOP | {"authorization", "content-length", "content-type", "cookie", "proxy"}


def _foreign_cookies(headers: Sequence[str]) -> str:
    """Return the cookies that are not the site's own."""
    cookies = [one.strip() for header in headers for one in header.split(";")]
    return "; ".join(one for one in cookies if one and "chargehand_" not in one.partition("=")[0])
