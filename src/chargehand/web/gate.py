"""The first check of each request: is the master ready, and does Host name this site?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import msgspec
from aiohttp import web

from chargehand.domain.failed_part import FailedPart
from chargehand.domain.json import Json
from chargehand.web.access.allowances import TooMuch
from chargehand.web.access.hosts import Hosts
from chargehand.web.rest.answers import failure
from chargehand.web.rest.control import INTERNAL_ERROR, INVALID_REQUEST, Refused


class Stage(Enum):
    """The phase of the master's life."""

    STARTING = "starting"
    """The configuration is not active yet."""
    READY = "ready"
    STOPPING = "stopping"


_SENTENCES = {
    Stage.STARTING: "the master is starting; its configuration is not active yet",
    Stage.STOPPING: "the master is stopping",
}
_RETRY = {Stage.STARTING: "1", Stage.STOPPING: "10"}


class Gate:
    """Answers health checks and refused requests."""

    def __init__(
        self,
        hosts: Hosts,
        failed_parts: Callable[[], Sequence[FailedPart]] = tuple,
        misdirected: Callable[[web.BaseRequest], web.StreamResponse | None] = lambda _: None,
    ) -> None:
        """*misdirected* answers programs that wanted another port, by what they ask for."""
        self.hosts = hosts
        self._misdirected = misdirected
        self._failed_parts = failed_parts
        self.stage = Stage.STARTING

    def misdirected(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Return the answer to a program that wanted another port, None for everybody else."""
        is_other = "Upgrade" in request.headers and self.stage is Stage.READY
        return self._misdirected(request) if is_other else None

    def answer(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Return an immediate answer, None for a request that may proceed."""
        path = request.raw_path.partition("?")[0]
        if path in _CHECKS and request.method in {"GET", "HEAD"}:
            return self._check(path)
        if self.stage is not Stage.READY:
            headers = {"Retry-After": _RETRY[self.stage]}
            return _refusal(request, 503, _SENTENCES[self.stage], headers)
        if path.startswith(_WORKERS):  # They come by whatever name they know, and log in.
            return None
        return self._not_meant(request)

    def _check(self, path: str) -> web.StreamResponse:
        is_well = path == "/health" or self.stage is Stage.READY
        status = "ok" if path == "/health" else self.stage.value
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if not is_well:
            headers["Retry-After"] = _RETRY[self.stage]
        answer: dict[str, Json] = {"status": status}
        if path == "/ready" and is_well:
            # Everybody may read this: the reasons are for the master's log.
            answer["failed"] = [{"kind": p.kind, "name": p.name} for p in self._failed_parts()]
        body = msgspec.json.encode(answer)
        return web.Response(status=200 if is_well else 503, body=body, headers=headers)

    def _not_meant(self, request: web.BaseRequest) -> web.StreamResponse | None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) > 1:
            return _refusal(request, 400, "more than one Host header", {})
        if not request.raw_path.startswith("/") and request.method != "OPTIONS":
            return _refusal(request, 400, "this server is not a proxy", {})
        if hosts and not self.hosts.allow(hosts[0]):
            return _refusal(request, 421, _unknown_host(hosts[0]), {})
        return None


_WORKERS = "/worker/"
_CHECKS = ("/health", "/ready")


def _unknown_host(host: str) -> str:
    return (
        f"this site is not known as {host[:200]!r}. If it is, set c['buildbotURL'] to its address, "
        "or add the name to c['www']['allowed_hosts']"
    )


def unauthorized(request: web.BaseRequest, why: str) -> web.StreamResponse:
    """Return the answer to somebody who shows a token that is none."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return _refusal(request, 401, why, headers)


def is_of_worker(request: web.BaseRequest) -> bool:
    """Return whether a request is a worker's, which logs in and stays connected."""
    return request.raw_path.startswith(_WORKERS)


def is_reading(request: web.BaseRequest) -> bool:
    """Return whether a request reads what permissions are about.

    Pages for logging in are for everybody, and workers have passwords of their own.
    """
    path = request.raw_path.partition("?")[0]
    is_open = path == "/config" or path.startswith((_WORKERS, "/auth/", "/static/"))
    return request.method in {"GET", "HEAD"} and not is_open


def forbidden(request: web.BaseRequest, why: str) -> web.StreamResponse:
    """Return the answer to somebody who may read nothing."""
    return _refusal(request, 403, f"you are not allowed to read this: {why}", {})


def unavailable(request: web.BaseRequest, why: str) -> web.StreamResponse:
    """Return the answer when it cannot be found out who sends a request."""
    return _refusal(request, 503, why, {"Retry-After": "5"})


def too_much(request: web.BaseRequest, error: TooMuch) -> web.StreamResponse:
    """Return the answer to a client that takes more than one may."""
    return _refusal(request, 429, str(error), {"Retry-After": str(error.seconds)})


def _refusal(
    request: web.BaseRequest, status: int, message: str, headers: dict[str, str]
) -> web.StreamResponse:
    if not request.raw_path.startswith("/api/"):
        return web.Response(status=status, text=f"{message}\n", headers=headers)
    if request.method == "POST":
        code = INTERNAL_ERROR if status == 503 else INVALID_REQUEST
        return Refused(status, code, message).answer().response(headers)
    return failure(status, message).response(headers)
