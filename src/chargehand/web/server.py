"""The HTTP server: listens, and routes each request to its handler."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import msgspec
from aiohttp import web

from chargehand.config.login import LoginUnavailable
from chargehand.config.model import MasterConfig
from chargehand.config.web_limits import WebLimits
from chargehand.domain.failed_part import FailedPart
from chargehand.domain.outages import TemporarilyUnavailable
from chargehand.events.bus import Bus
from chargehand.kit.clock import Clock, SystemClock
from chargehand.resources.policy import Visitor
from chargehand.web import site
from chargehand.web.access.allowances import Allowances, TooMuch
from chargehand.web.access.audit import AuditTrail
from chargehand.web.access.build_tokens import BuildTokens
from chargehand.web.access.cookies import Cookies
from chargehand.web.access.credentials import Sessions, Tokens
from chargehand.web.access.events import SeenEvents
from chargehand.web.access.hosts import Hosts
from chargehand.web.access.origins import Origins
from chargehand.web.access.pace import Pace
from chargehand.web.access.proxies import Proxies
from chargehand.web.access.stages import StageReader
from chargehand.web.access.visitors import Unauthorized, Visitors
from chargehand.web.bodies import Bodies
from chargehand.web.gate import (
    Gate,
    Stage,
    forbidden,
    is_of_worker,
    is_reading,
    too_much,
    unauthorized,
    unavailable,
)
from chargehand.web.listening import Address, CannotListen, Listeners
from chargehand.web.live.broadcast import LiveEvents
from chargehand.web.live.event_stream import EventStreams
from chargehand.web.live.revocation import Revocation
from chargehand.web.live.websocket import EventSocket
from chargehand.web.login.desk import LoginDesk
from chargehand.web.page_headers import protect
from chargehand.web.plugins.routes import PluginRoutes
from chargehand.web.plugins.stock_ui import unmounted
from chargehand.web.ports import (
    AuditLog,
    Controls,
    Explanations,
    ForceForms,
    Logs,
    Resources,
    SessionStore,
    TokenStore,
)
from chargehand.web.rest.api import PREFIX, UNAVAILABLE, RestApi
from chargehand.web.rest.reading import NotFound
from chargehand.web.site_pages import SitePages

_log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest, Visitor], Awaitable[web.StreamResponse]]


class WebServer:
    """Serves the REST API, live events and pages; ``reconfigure`` keeps unchanged sockets open.

    ``routes`` has further handlers by the first segment of their paths. Commands run by the
    master's own account use the ``local_socket`` and have full access.
    """

    def __init__(
        self,
        *,
        config: MasterConfig,
        resources: Resources,
        logs: Logs,
        controls: Controls,
        explanations: Explanations,
        forms: ForceForms,
        audit: AuditLog | None = None,
        sessions: SessionStore,
        tokens: TokenStore,
        bus: Bus,
        clock: Clock | None = None,
        routes: Mapping[str, Handler] | None = None,
        local_socket: Path | None = None,
        failed_parts: Callable[[], Sequence[FailedPart]] = tuple,
        find_stock_ui: Callable[[], Path | None] = lambda: None,
        misdirected: Callable[[web.BaseRequest], web.StreamResponse | None] = lambda _: None,
    ) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._sessions = Sessions(
            store=sessions, clock=self._clock, login=lambda: self._config.web.login
        )
        self._tokens = Tokens(store=tokens, clock=self._clock)
        self._visitors = self._make_visitors(config)
        trail = AuditTrail(log=audit, clock=self._clock)
        self.build_tokens = BuildTokens(
            tokens=self._tokens, audit=trail, bus=bus, clock=self._clock
        )
        self._allowances = Allowances(limits=self._limits, audit=trail)
        self._pace = Pace()
        self._live = live = LiveEvents(
            bus=bus, events=SeenEvents(resources=resources), limits=self._limits
        )
        stages = StageReader(
            resources=resources, explanations=explanations, forms=forms, clock=self._clock
        )
        self._revocation = Revocation(lambda *of: self._visitors.is_still(*of), self._clock)
        self._socket = EventSocket(live=live)
        self._streams = EventStreams(live=live)
        self._api = RestApi(
            resources=resources, logs=logs, controls=controls, stages=stages, audit=trail,
            origins=_origins(config), config=lambda: self._config, allowances=self._allowances,
            may_repeat=lambda request: self._visitors.may_repeat(request),
        )  # fmt: skip
        self._pages = SitePages(
            config=lambda: self._config, resources=resources, stages=stages, clock=self._clock
        )
        self._plugins = self._plugin_routes(resources, find_stock_ui)
        self._routes = self._all_routes(routes or {}, trail)
        self._gate = Gate(_hosts(config), failed_parts, misdirected)
        self._listeners = Listeners(
            self._handle, limits=self._limits, kept_answer=self._api.repeats.find
        )
        self._local_socket = local_socket
        self._local = Listeners(self._handle_local, limits=self._limits, socket_mode=0o600)

    @property
    def addresses(self) -> list[Address]:
        """The addresses it listens on, with actual port numbers."""
        return self._listeners.addresses

    @property
    def port(self) -> int | None:
        """The number of the first port it listens on; None if it listens on none."""
        return next((one[1] for one in self.addresses if not isinstance(one, str)), None)

    @property
    def urls(self) -> list[str]:
        """Addresses for people: URLs, and paths of unix sockets."""
        return self._listeners.urls

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return self._listeners.connections

    @property
    def is_quiet(self) -> bool:
        """Whether nobody has asked for anything for a moment."""
        return self._listeners.is_quiet and self._local.is_quiet

    async def start(self) -> None:
        """Listen as configured and serve immediately. Raises CannotListen."""
        await self._listeners.listen(self._config.web.listen, self._config.web.tls)
        self.open()

    def open(self) -> None:
        """Begin to serve: the configuration is active. Before, only health checks are answered."""
        self._gate.stage = Stage.READY

    def close(self) -> None:
        """Answer only health checks from now on: the master is stopping."""
        self._gate.stage = Stage.STOPPING
        self._api.repeats.forget()

    async def reconfigure(self, config: MasterConfig) -> None:
        """Apply a new configuration; unchanged addresses stay open. Raises CannotListen."""
        await self._listeners.listen(config.web.listen, config.web.tls)
        await self._listen_locally()
        self._config = config
        self._api.origins = _origins(config)
        self._gate.hosts = _hosts(config)
        self._api.repeats.forget()
        former, self._visitors = self._visitors, self._make_visitors(config)
        if config.web.policy != former.policy or config.web.login != former.login:
            self._socket.give_up()
            self._streams.give_up()

    async def stop(self) -> None:
        """Close live connections, let running requests finish, and stop listening."""
        await self._revocation.close()
        await self._socket.close()
        await self._streams.close()
        await self._live.close()
        await self._listeners.close()
        await self._plugins.close()
        await self._local.close()

    async def _listen_locally(self) -> None:
        if self._local_socket is not None:
            try:
                await self._local.listen([str(self._local_socket)])
            except CannotListen as error:
                _log.warning("commands on this machine cannot reach the master: %s", error)

    def _limits(self) -> WebLimits:
        return self._config.web.limits

    def _all_routes(self, others: Mapping[str, Handler], audit: AuditTrail) -> dict[str, Handler]:
        return {
            "api": self._serve_api,
            "ws": self._serve_socket,
            "sse": self._serve_stream,
            "config": self._serve_config,
            **self._pages.routes,
            "auth": self._login_desk(audit).serve,
            **self._plugins.handlers(),
            **others,
        }

    def _plugin_routes(
        self, resources: Resources, find_stock_ui: Callable[[], Path | None]
    ) -> PluginRoutes:
        return PluginRoutes(
            config=lambda: self._config,
            resources=resources,
            find_stock_ui=find_stock_ui,
            protected=self._protected,
            is_own=lambda request: self._api.origins.are_own(request),
            clock=self._clock,
        )

    def _login_desk(self, audit: AuditTrail) -> LoginDesk:
        return LoginDesk(
            config=lambda: self._config,
            sessions=self._sessions,
            tokens=self._tokens,
            audit=audit,
            bodies=Bodies(self._limits),
            pages=self._pages.plain,
            now=self._clock.timestamp,
            logged_out=self._logged_out,
        )

    def _logged_out(self, user_name: str) -> None:
        """Break the live connections of somebody whose session or token has ended."""
        self._socket.give_up(user_name)
        self._streams.give_up(user_name)

    def _make_visitors(self, config: MasterConfig) -> Visitors:
        return Visitors(
            policy=config.web.policy,
            login=config.web.login,
            sessions=self._sessions,
            tokens=self._tokens,
            proxies=Proxies(config.web.trusted_proxies),
            origins=_origins(config),
            cookies=Cookies(config.url),
            clock=self._clock,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if (answer := self._gate.misdirected(request)) is not None:
            return answer
        visitors = self._visitors
        visitors.proxies.note(request)
        try:
            visitor = visitors.of(request)
            if visitor is None:
                visitor = await visitors.found(request)
        except Unauthorized as error:
            return self._protected(request, unauthorized(request, str(error)))
        except LoginUnavailable as error:
            return self._protected(request, unavailable(request, str(error)))
        except TemporarilyUnavailable as error:
            _log.warning("cannot tell who sends %s: %s", request.method, error)
            return self._protected(request, unavailable(request, UNAVAILABLE))
        return await self._answer(request, visitor)

    async def _handle_local(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(request, self._visitors.local(request))

    async def _answer(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        request = unmounted(request)
        if (answer := self._gate.answer(request)) is not None:
            return self._protected(request, answer)
        if is_of_worker(request):  # Hundreds may come from one address, and their logins count.
            return await self._admitted(request, visitor)
        try:
            client = self._allowances.of(request, visitor)
            if request.method != "POST":
                await self._pace.give_way(client.recent)
            began = client.begin()
        except TooMuch as error:
            return self._protected(request, too_much(request, error))
        answer = None
        try:
            answer = await self._admitted(request, visitor)
        finally:
            # What is sent already took as long as its client did, and so does what has a body.
            is_waiting = answer is None or answer.prepared or request.method == "POST"
            client.end(began, was_work=not is_waiting)
        return answer

    async def _admitted(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        if visitor.sees.closed and is_reading(request) and not await self._is_application(request):
            return self._protected(request, await self._forbidden(request, visitor))
        target = request.raw_path
        if target.startswith(PREFIX) and target[len(PREFIX) : len(PREFIX) + 1] in _AFTER_PREFIX:
            return await self._api.serve(request, visitor, target[len(PREFIX) :])
        return self._protected(request, await self._answer_page(request, visitor))

    async def _is_application(self, request: web.BaseRequest) -> bool:
        """Return whether it is about the application itself, which is the same for everybody."""
        is_page = request.raw_path.partition("?")[0].split("/", 2)[1] not in self._routes
        return await self._pages.is_application(request, is_page=is_page)

    async def _forbidden(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        why = visitor.sees.closed
        if "text/html" not in request.headers.get("Accept", ""):
            return forbidden(request, why)
        path = request.raw_path.partition("?")[0]
        text = f"You are not allowed to read this: {why}."
        return (await self._pages.plain()).error(path, 403, text, visitor.user)

    def _protected(
        self, request: web.BaseRequest, answer: web.StreamResponse
    ) -> web.StreamResponse:
        seconds = self._config.web.hsts_seconds
        encrypted = self._visitors.is_encrypted(request)
        return protect(answer, is_encrypted=encrypted, hsts_seconds=seconds)

    async def _answer_page(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        target = request.raw_path
        path = target.partition("?")[0]
        handler = self._routes.get(path.split("/", 2)[1] if "/" in path else "", self._pages.serve)
        try:
            return await handler(request, visitor)
        except NotFound as error:
            return (await self._pages.plain()).error(path, 404, str(error))
        except ConnectionError:
            raise
        except TooMuch as error:
            return too_much(request, error)
        except TemporarilyUnavailable as error:
            _log.warning("%s %s: %s", request.method, target, error)
            return (await self._pages.plain()).error(path, 503, f"{UNAVAILABLE.capitalize()}.")
        except Exception:  # noqa: BLE001 - the page for errors: logged here, once
            _log.exception("%s %s failed", request.method, target)
            return (await self._pages.plain()).error(path, 500, "See the master's log for details.")

    async def _serve_api(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        if request.raw_path.partition("?")[0] != "/api":
            raise NotFound("This page does not exist.")
        versions = {"v2": self._config.url.rstrip("/") + PREFIX}
        return _json({"api_versions": versions})

    async def _serve_config(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        return _json(site.frontend_config(self._config, visitor.user))

    async def _serve_socket(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        if not self._api.origins.serve(request):
            return web.Response(status=403, text="invalid origin\n")
        interval = float(self._config.web.options.get("ws_ping_interval") or 0)
        client = self._allowances.of(request, visitor)
        with client.live_connection(), self._revocation.watch(request, visitor.user):
            return await self._socket.serve(request, visitor, interval)

    async def _serve_stream(self, request: web.BaseRequest, visitor: Visitor) -> web.StreamResponse:
        if not self._api.origins.serve(request):
            return web.Response(status=403, text="invalid origin\n")
        path = unquote(request.raw_path.partition("?")[0])
        origin = request.headers.get("Origin")
        headers = {"Access-Control-Allow-Origin": origin} if origin else {}
        segments = tuple(path.strip("/").split("/")[1:])
        if segments[:1] != ("listen",):
            return await self._streams.serve(request, visitor, segments, headers)
        client = self._allowances.of(request, visitor)
        with client.live_connection(), self._revocation.watch(request, visitor.user):
            return await self._streams.serve(request, visitor, segments, headers)


_AFTER_PREFIX = ("", "/", "?")


def _json(value: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        headers={"Content-Type": "application/json", "Cache-Control": "no-cache"},
    )


def _hosts(config: MasterConfig) -> Hosts:
    return Hosts(site_url=config.url, patterns=config.web.allowed_hosts)


def _origins(config: MasterConfig) -> Origins:
    return Origins(site_url=config.url, patterns=config.web.allowed_origins)
