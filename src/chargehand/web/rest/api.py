"""The REST API ``/api/v2`` over HTTP: queries, control methods, and cross-origin requests."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from chargehand.config.model import MasterConfig
from chargehand.config.web_limits import WebLimits
from chargehand.domain.outages import TemporarilyUnavailable, TooSlow
from chargehand.kit.error_text import raised_by
from chargehand.resources.audit import RESTRICTED
from chargehand.resources.endpoints import Resolved
from chargehand.resources.policy import READ, Visitor
from chargehand.resources.query import Query
from chargehand.resources.visibility import Visibility
from chargehand.web.access.allowances import Allowance, Allowances, TooMuch
from chargehand.web.access.audit import AuditTrail, origin_of
from chargehand.web.access.logs import SeenLogs
from chargehand.web.access.origins import Origins
from chargehand.web.access.stages import StageReader
from chargehand.web.bodies import SMALL, Bodies, BodyRefused
from chargehand.web.ports import Controls, Logs, Resources
from chargehand.web.protocol import head_of
from chargehand.web.rest import openapi
from chargehand.web.rest.actions import Actions
from chargehand.web.rest.answers import (
    Answer,
    Question,
    accepted_age,
    encoded,
    failure,
    wants_compact,
    whole,
)
from chargehand.web.rest.configured_builders import ConfiguredBuilders
from chargehand.web.rest.control import INTERNAL_ERROR, INVALID_REQUEST, ControlMethods, Refused
from chargehand.web.rest.large import Busy, LargeAnswer
from chargehand.web.rest.line_export import LineExport, is_export
from chargehand.web.rest.log_reading import LogReader
from chargehand.web.rest.reading import NotFound, Reader, resolved_path
from chargehand.web.rest.repeats import Repeats
from chargehand.web.rest.whole_logs import WholeLogs

_log = logging.getLogger(__name__)

PREFIX = "/api/v2"

UNAVAILABLE = "the database is unavailable; try again later"
RETRY_LATER = {"Retry-After": "5"}


class RestApi:
    """Serves everything below ``/api/v2``."""

    def __init__(
        self,
        *,
        resources: Resources,
        logs: Logs,
        controls: Controls,
        stages: StageReader,
        audit: AuditTrail,
        origins: Origins,
        config: Callable[[], MasterConfig],
        allowances: Allowances | None = None,
        may_repeat: Callable[[web.BaseRequest], bool] = lambda _: True,
    ) -> None:
        self._may_repeat = may_repeat
        self._config = config
        limits = self._limits
        self._bodies = Bodies(limits)
        self._resources = resources
        self.reader = Reader(
            resources=resources,
            stages=stages,
            limits=limits,
            configured=ConfiguredBuilders(resources=resources, config=config),
        )
        self.repeats = Repeats(self.reader.cached)
        seen_logs = SeenLogs(resources=resources, logs=logs)
        self._logs = LogReader(resources=resources, logs=seen_logs)
        self._whole_logs = WholeLogs(
            resources=resources,
            logs=seen_logs,
            limits=limits,
            rules=lambda: config().web.first_error_rules,
        )
        self._export = LineExport(resources=resources)
        self._actions = Actions(resources=resources, stages=stages)
        self._audit = audit
        self._desk = ControlMethods(
            controls=controls, resources=resources, stages=stages, audit=audit
        )
        self.origins = origins
        self._allowances = allowances or Allowances(limits=limits, audit=audit)

    def _limits(self) -> WebLimits:
        return self._config().web.limits

    async def serve(
        self, request: web.BaseRequest, visitor: Visitor, target: str
    ) -> web.StreamResponse:
        """Answer a request; *target* is the path and query string after the prefix."""
        headers = request.headers
        compact = wants_compact(headers.get("Accept", ""))
        origin = headers.get("Origin")
        extra: dict[str, str] = {}
        if origin is not None:
            if not self.origins.allow(origin, headers.get("Host", "")):
                return _invalid_origin(request.method)
            extra = _cross_origin_headers(origin)
        match request.method:
            case "GET" | "HEAD":
                question = (visitor.sees, target, compact)
                answer = self.reader.cached(question)
                age = accepted_age(headers.get("Cache-Control", ""))
                if answer is not None:
                    self._remember(request, visitor, question)
                elif (answer := self.reader.recent(question, age)) is None:
                    found = self._found(request, visitor, question, extra, age)
                    made = await _or_why_not(found, target, extra)
                    if isinstance(made, web.StreamResponse):
                        return made
                    answer = made
                return _conditional(request, answer, extra)
            case "POST":
                answer = await self._order(request, visitor, target)
                later = RETRY_LATER if answer.status == 503 else {}
                response = answer.response(extra | later)
                if answer.status in {408, 413, 429}:
                    response.force_close()  # The rest of the body stays unread.
                return response
            case "OPTIONS" if origin is not None:
                return _preflight(request, extra)
            case _:
                return failure(400, "invalid HTTP method").response(extra)

    def _remember(self, request: web.BaseRequest, visitor: Visitor, question: Question) -> None:
        """Answer equal requests where they arrive from now on, if it depends on nothing else."""
        headers = request.headers
        sent = head_of(request)
        if sent is None or "Origin" in headers or "If-None-Match" in headers:
            return
        if visitor.user.is_anonymous and self._may_repeat(request):
            self.repeats.learn(sent, question)

    async def _found(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        question: Question,
        extra: dict[str, str],
        age: int,
    ) -> Answer | web.StreamResponse:
        """Read what is asked for. Raises NotFound, TooMuch, Busy."""
        sees, target, compact = question
        path, _, parameters = target.partition("?")
        if path == openapi.PATH:
            url = self._config().url.rstrip("/") + PREFIX
            return whole(encoded(openapi.document(url)), compact=True)
        resolved = resolved_path(path.removeprefix("/") if path else "")
        if resolved.endpoint.kind in RESTRICTED:
            why = visitor.refusal(READ, resolved.endpoint.kind)
            if why is not None:
                return failure(403, f"you are not allowed to read {path}: {why}")
        if is_export(request, resolved):
            client = self._allowances.of(request, visitor)
            return await self._export.send(request, resolved, parameters, sees, client)
        match resolved.endpoint.kind, resolved.endpoint.form:
            case "logchunks", "raw" | "raw_inline":
                return await self._logs.download(request, sees, resolved, parameters, extra)
            case "logchunks", _:
                return await self._logs.contents(
                    request, sees, resolved, parameters, extra, compact=compact
                )
            case "matches", _:
                return await self._whole_logs.search(
                    request, visitor, resolved, parameters, compact=compact
                )
            case "first_errors", _:
                return await self._whole_logs.first_error(
                    request, visitor, resolved, parameters, compact=compact
                )
            case "failures", _:
                return await self._whole_logs.failures(
                    request, visitor, resolved, parameters, compact=compact
                )
            case "actions", _:
                return await self.reader.made(
                    question,
                    resolved,
                    lambda query: self._actions.rows(path, visitor, query.arguments),
                )
            case "build_data", "value":
                return await self._value(sees, resolved, extra)
            case _:
                answer = await self.reader.answer(question, resolved, age)
                client = self._allowances.of(request, visitor)
                client.read(answer.rows)
                if isinstance(answer, LargeAnswer):
                    return await _sent(answer, client, request, extra)
                return answer

    async def _order(self, request: web.BaseRequest, visitor: Visitor, target: str) -> Answer:
        path = target.partition("?")[0].removeprefix("/")
        try:
            length = request.content_length
            is_large = (length is None or length > SMALL) and self._desk.expects_large(path)
            hold = self._allowances.of(request, visitor).hold
            async with self._bodies.read(request, is_large=is_large, hold=hold) as body:
                content_type = request.headers.get("Content-Type", "")
                return await self._desk.answer(
                    path, content_type, body, visitor, origin_of(request, visitor)
                )
        except TooMuch as error:
            return Refused(429, INVALID_REQUEST, str(error)).answer()
        except BodyRefused as refused:
            return Refused(refused.status, INVALID_REQUEST, str(refused)).answer()
        except ConnectionError:
            raise  # The client disconnected while sending the body.
        except TemporarilyUnavailable as error:
            _log.warning("POST %s%s: %s", PREFIX, target, error)
            return Refused(503, INTERNAL_ERROR, UNAVAILABLE).answer()
        except Exception as error:  # noqa: BLE001 - the page for errors: logged here, once
            _log.exception("POST %s%s failed", PREFIX, target)
            return Refused(500, INTERNAL_ERROR, _internal(error)).answer()

    async def _value(
        self, sees: Visibility, resolved: Resolved, extra: dict[str, str]
    ) -> web.StreamResponse:
        query = Query(kind="build_data", sees=sees, scope=resolved.scope)
        page = await self._resources.fetch(query)
        if not page.rows or page.rows[0]["value"] is None:
            raise NotFound("not found: there is no such value")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename={resolved.scope['name']}",
            "X-Content-Type-Options": "nosniff",
        }
        value = page.rows[0]["value"]
        return web.Response(body=bytes(value), headers=headers | extra)


async def _or_why_not(
    found: Awaitable[Answer | web.StreamResponse], target: str, extra: dict[str, str]
) -> Answer | web.StreamResponse:
    """Return what is found at *target*, or an answer that says why nothing can be read."""
    try:
        return await found
    except NotFound as error:
        return failure(404, str(error))
    except ConnectionError:
        raise
    except TooMuch as error:
        later = {"Retry-After": str(error.seconds)}
        return failure(429, str(error)).response(later | extra)
    except Busy as busy:
        return failure(503, str(busy)).response(RETRY_LATER | extra)
    except TooSlow as error:
        return failure(503, str(error)).response(extra)
    except TemporarilyUnavailable as error:
        _log.warning("GET %s%s: %s", PREFIX, target, error)
        return failure(503, UNAVAILABLE).response(RETRY_LATER | extra)
    except Exception as error:  # noqa: BLE001 - the page for errors: logged here, once
        _log.exception("GET %s%s failed", PREFIX, target)
        return failure(500, _internal(error))


async def _sent(
    answer: LargeAnswer, client: Allowance, request: web.BaseRequest, extra: dict[str, str]
) -> web.StreamResponse:
    try:
        with client.large_answer():
            return await answer.send(request, extra)
    finally:
        answer.end()


def _internal(error: Exception) -> str:
    """Return only the type of the error: its text may quote statements, paths or secrets."""
    return f"internal error ({type(raised_by(error)).__name__}); see the master's log for details"


def _conditional(
    request: web.BaseRequest, answer: Answer, extra: dict[str, str]
) -> web.StreamResponse:
    if answer.tag and answer.tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": answer.tag} | extra)
    return answer.response(extra)


def _cross_origin_headers(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "3600",
    }


def _invalid_origin(method: str) -> web.StreamResponse:
    if method == "POST":
        body = b'{"error":{"message":"invalid origin"}}'
        return Answer(400, "text/plain; charset=utf-8", body).response()
    return failure(400, "invalid origin").response()


def _preflight(request: web.BaseRequest, extra: dict[str, str]) -> web.StreamResponse:
    method = request.headers.get("Access-Control-Request-Method", "")
    if method not in {"GET", "POST", "HEAD"}:
        return failure(400, "invalid method").response(extra)
    return web.Response(status=200, headers=extra | {"Vary": "Origin"})
