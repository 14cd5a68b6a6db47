"""``wsgi_dashboards``: pages that the configuration adds as WSGI applications."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from aiohttp import web

from chargehand.config.dashboards import Dashboard
from chargehand.config.model import MasterConfig
from chargehand.kit.limits import TimeLimit
from chargehand.kit.tasks import Tasks
from chargehand.resources.policy import Visitor
from chargehand.web.bodies import Bodies, BodyRefused
from chargehand.web.plugins.wsgi import Exchange, environ_of
from chargehand.web.rest.reading import NotFound

_log = logging.getLogger("chargehand.dashboards")

PREFIX = "/plugins/wsgi_dashboards"
_THREADS = 4
_MOST_WAITING = 32
_SECONDS = 60.0
"""Seconds that an application may take for an answer."""

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; "
        "font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
}
"""What an application does not say itself: pictures may come from anywhere, scripts may not."""


class Dashboards:
    """Lets applications answer: few at a time, each in a thread, and within a time."""

    def __init__(
        self,
        config: Callable[[], MasterConfig],
        protected: Callable[[web.BaseRequest, web.StreamResponse], object],
        is_own: Callable[[web.BaseRequest], bool],
        tasks: Tasks,
    ) -> None:
        self._config = config
        self._protected = protected
        self._is_own = is_own
        self._tasks = tasks
        self._bodies = Bodies(lambda: config().web.limits)
        self._free = asyncio.Semaphore(_THREADS)
        self._waiting = 0

    async def serve(
        self, request: web.BaseRequest, visitor: Visitor, path: str
    ) -> web.StreamResponse:
        """Answer a request for ``NAME/…``. Raises NotFound."""
        name, slash, rest = path.partition("/")
        dashboard = next((one for one in self._config().web.dashboards if one.name == name), None)
        if dashboard is None:
            raise NotFound("There is no such dashboard.")
        if not visitor.sees.is_everything:
            why = "a dashboard shows everything, and you may not see all of it"
            return _said(403, f"You are not allowed to read this: {why}.")
        if request.method not in {"GET", "HEAD"} and not self._is_own(request):
            return _said(403, "Refused: a page of another site sent this.")
        if self._waiting >= _MOST_WAITING:
            return _busy()
        self._waiting += 1
        try:
            async with TimeLimit(_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            return _busy()
        finally:
            self._waiting -= 1
        return await self._answered(request, visitor, dashboard, slash + rest)

    async def _answered(
        self, request: web.BaseRequest, visitor: Visitor, dashboard: Dashboard, path: str
    ) -> web.StreamResponse:
        """Run the application; its thread is free again when it returns, however late."""
        exchange = Exchange(request, lambda made: self._completed(request, made))
        try:
            async with self._bodies.read(request, is_large=False) as body:
                environ = self._environ(request, visitor, dashboard, path, body)
        except BodyRefused as error:
            self._free.release()
            return _said(error.status, f"{error}.")
        except BaseException:
            self._free.release()
            raise
        name = f"dashboard {dashboard.name}"
        running = self._tasks.spawn(exchange.run(dashboard.application, environ, name), name=name)
        running.add_done_callback(lambda _: self._free.release())
        try:
            failure = await asyncio.wait_for(asyncio.shield(running), _SECONDS)
        except TimeoutError:
            _log.warning("dashboard %s has not answered within %g s", dashboard.name, _SECONDS)
            return self._given_up(request, exchange, 504, "The dashboard has not answered in time.")
        except asyncio.CancelledError:
            exchange.give_up()
            raise
        if failure is not None:
            if not isinstance(failure, ConnectionError):
                place = (dashboard.name, request.method, path)
                _log.error("dashboard %s failed: %s %s", *place, exc_info=failure)
            text = "The dashboard failed. See the master's log for details."
            return self._given_up(request, exchange, 500, text)
        assert exchange.response is not None
        return exchange.response

    def _given_up(
        self, request: web.BaseRequest, exchange: Exchange, status: int, text: str
    ) -> web.StreamResponse:
        exchange.give_up()
        if exchange.response is None:
            return _said(status, text)
        # Half of an answer must not look like all of it.
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError(text)

    def _environ(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        dashboard: Dashboard,
        path: str,
        body: bytes,
    ) -> dict[str, object]:
        site = urlsplit(self._config().url)
        port = site.port or (443 if site.scheme == "https" else 80)
        return environ_of(
            request,
            script=f"{site.path.rstrip('/')}{PREFIX}/{dashboard.name}",
            path=unquote(path, "latin-1"),
            host=(site.hostname or "localhost", port),
            scheme=site.scheme or "http",
            body=body,
            user="" if visitor.user.is_anonymous else visitor.user.name,
        )

    def _completed(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        self._protected(request, response)


def _busy() -> web.StreamResponse:
    answer = _said(503, "All dashboards are busy; try again.")
    answer.headers["Retry-After"] = "5"
    return answer


def _said(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
