"""Steps that send an HTTP request from the master."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import aiohttp

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.http_security import authorization, verification
from buildbot._border.numbers import SECONDS_OR_NONE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, SUCCESS
from buildbot.steps.http_response import HTTPResponse, body_sent
from chargehand.kit.limits import TimeLimit

METHODS = ("POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS")

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_EXCEPTIONS = (aiohttp.InvalidURL, aiohttp.TooManyRedirects, aiohttp.ClientPayloadError)
_OPTIONS = (
    *("params", "data", "json", "headers", "cookies", "files", "auth", "timeout"),
    *("allow_redirects", "proxies", "hooks", "stream", "verify", "cert"),
    *("hide_request_headers", "hide_response_headers"),
)


class HTTPStep(BuildStep):
    """Send a request; an answer below 400 is SUCCESS, any other one FAILURE.

    Where nobody answers, or the connection breaks, it is FAILURE as well; EXCEPTION where the
    address is no URL, no answer comes in time, its redirections never end, or its body is cut off.

    *data* is the body: text, bytes, or a dictionary (a form); *json* a value to send as JSON.
    *timeout* is in seconds, one number or (connecting, waiting for data). The log ``log`` has the
    headers and the body of the answer, ``content`` the body alone. Headers in
    *hide_request_headers* and *hide_response_headers*, and those that carry credentials, are not
    shown.

    Args:
        url (str, renderable): Address to send the request to.
        method (str, renderable): One of POST, GET, PUT, DELETE, HEAD, OPTIONS.
        params (dict[str, Any] | None, renderable): Parameters for the query string.
        data (str | bytes | dict[str, Any] | None, renderable): The body: text, bytes, or a
            dictionary for a form.
        json (Any, renderable): Value to send as JSON.
        headers (dict[str, str] | None, renderable): Headers of the request, by name.
        cookies (dict[str, str] | None, renderable): Cookies of the request, by name.
        files (dict[str, Any] | None, renderable): Files to send with the form, by name.
        auth (Any, renderable): Credentials: a tuple (user, password).
        timeout (float | tuple[float, float] | None, seconds, renderable): Limit for connecting and
            for waiting for data: one number, or one for each.
        allow_redirects (bool | None, renderable): Whether to follow redirections; None for yes.
        proxies (dict[str, str] | None, renderable): Addresses of proxies by protocol: `{"https":
            "http://proxy:3128"}`.
        hooks (Any, renderable): Accepted for compatibility, and ignored.
        stream (bool | None, renderable): Accepted for compatibility: bodies always go to the log
            piece by piece.
        verify (bool | str | None, renderable): Whether to check certificates, or the file with
            those to trust.
        cert (str | tuple[str, str] | None, renderable): Certificate of the master: a file, or
            (certificate, key).
        hide_request_headers (list[str], renderable): Headers of the request that the log does not
            show.
        hide_response_headers (list[str], renderable): Headers of the answer that the log does not
            show.
    """

    name = "HTTPStep"
    description: Any = "Requesting"
    descriptionDone: Any = "Requested"
    requestsParams: ClassVar[Any] = list(_OPTIONS[:14])
    renderables: ClassVar[Any] = [*_OPTIONS, "method", "url"]

    params: Any = None
    data: Any = None
    json: Any = None
    headers: Any = None
    cookies: Any = None
    files: Any = None
    auth: Any = None
    allow_redirects: Any = None
    proxies: Any = None
    hooks: Any = None
    stream: Any = None
    verify: Any = None
    cert: Any = None
    hide_request_headers: Any = ()
    hide_response_headers: Any = ()
    timeout: Any = None

    def __init__(self, url: Any, method: Any, **kwargs: Any) -> None:
        if method not in METHODS:
            error(
                f"{type(self).__name__}: method must be one of {', '.join(METHODS)}, not {method!r}"
            )
        self.method = method
        self.url = url
        for name in _OPTIONS:
            if name in kwargs:
                setattr(self, name, kwargs.pop(name))
        given = self.timeout
        for seconds in given if isinstance(given, tuple | list) else (given,):
            check_number(type(self).__name__, "timeout", seconds, SECONDS_OR_NONE)
        super().__init__(**kwargs)
        self._request_limit: TimeLimit | None = None
        self._is_answered = False

    @outgoing
    async def run(self) -> int:
        """Send it, and wait for the answer."""
        self.getProperties()._redaction.hide_password(str(self.url))
        log = await self.addLog("log")
        await log.addHeader(f"Performing {self.method} request to {self.url}\n")
        await _list(log, "Parameters", self.params)
        await _list(log, "Data", self.data)
        limit = self._request_limit = TimeLimit(None)
        try:
            async with limit:
                return await self._outcome(log)
        except TimeoutError:
            if not limit.is_over:
                raise
            return CANCELLED

    def interrupt(self, reason: Any) -> Any:
        """Give the request up."""
        interrupted = super().interrupt(reason)
        if self._request_limit is not None:
            self._request_limit.expire_in(0.0)
        return interrupted

    async def _outcome(self, log: Any) -> int:
        try:
            response = await self._requested(log)
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            late = isinstance(failure, TimeoutError)
            said = f"no answer within {self.timeout} seconds" if late else str(failure)
            await log.addStderr(f"An exception occurred while performing the request: {said}\n")
            self.descriptionDone = ["no answer in time" if late else "request failed"]
            # As in Buildbot 4.3: late headers are an exception, a late body is not.
            too_late = late and not isinstance(failure, aiohttp.ConnectionTimeoutError)
            is_exception = isinstance(failure, _EXCEPTIONS) or (too_late and not self._is_answered)
            return EXCEPTION if is_exception else FAILURE
        if self._has_own_log:
            await inward(self.log_response, log, response)
        self.descriptionDone = [f"Status code: {response.status_code}"]
        return SUCCESS if response.ok else FAILURE

    @property
    def _has_own_log(self) -> bool:
        return type(self).log_response is not HTTPStep.log_response

    async def _requested(self, log: Any) -> HTTPResponse:
        """Return the response: read, for users' code, or with its body in the log already."""
        begun = asyncio.get_running_loop().time()
        async with (
            aiohttp.ClientSession(
                cookies=self.cookies, timeout=_timeout(self.timeout), trust_env=True
            ) as session,
            session.request(self.method, str(self.url), **self._arguments()) as answer,
        ):
            self._is_answered = True
            response = HTTPResponse(
                answer,
                sent=body_sent(self.data, self.json, self.files),
                seconds=asyncio.get_running_loop().time() - begun,
            )
            if self._has_own_log:
                await response.read()  # It takes what it likes, without waiting for it.
            else:
                await inward(self.log_response, log, response)
            return response

    @outgoing
    async def log_response(self, log: Any, response: HTTPResponse) -> None:
        """Write request and response to the log, and the body to the log ``content``.

        Subclasses may override it; *response* then has the whole body.
        """
        await log.addHeader("Request Headers:\n")
        for name, value in self._shown(response.request.headers, self.hide_request_headers):
            await log.addHeader(f"\t{name}: {value}\n")
        await log.addStdout(f"URL: {response.url}\n")
        await (log.addStdout if response.ok else log.addStderr)(f"Status: {response.status_code}\n")
        await log.addHeader("Response Headers:\n")
        for name, value in self._shown(response.headers, self.hide_response_headers):
            await log.addHeader(f"\t{name}: {value}\n")
        await log.addStdout(" ------ Content ------\n")
        content = await self.addLog("content")
        async for chunk in response.chunks():
            await log.addStdout(chunk)
            await content.addStdout(chunk)

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "params": self.params,
            "headers": {**(self.headers or {}), **authorization(self.auth)},
            "json": self.json,
            "data": _body(self.data, self.files),
            "allow_redirects": self.allow_redirects is not False,
            "ssl": verification(self.verify, self.cert),
            # A text says itself what it is, or not at all.
            "skip_auto_headers": ["Content-Type"] if isinstance(self.data, str | bytes) else None,
        }
        if proxy := (self.proxies or {}).get(str(self.url).partition(":")[0]):
            arguments["proxy"] = proxy
        return {name: value for name, value in arguments.items() if value is not None}

    def _shown(
        self, headers: Mapping[str, str], hidden: Iterable[str]
    ) -> Iterable[tuple[str, str]]:
        secret = _SECRET_HEADERS | {name.lower() for name in hidden or ()}
        for name, value in headers.items():
            yield name, "<HIDDEN>" if name.lower() in secret else value


async def _list(log: Any, title: str, given: Any) -> None:
    """Show parameters, or what is sent, with values by name."""
    if not given:
        return
    await log.addHeader(f"{title}:\n")
    if not isinstance(given, Mapping):
        await log.addHeader(f"\t{given}\n")
        return
    for name, value in given.items():
        await log.addHeader(f"\t{name}: {value}\n")


def _body(data: Any, files: Any) -> Any:
    if not files:
        return data
    form = aiohttp.FormData(data or {})
    for name, content in dict(files).items():
        form.add_field(name, content, filename=name)
    return form


def _timeout(timeout: Any) -> aiohttp.ClientTimeout:
    connecting, reading = timeout if isinstance(timeout, tuple | list) else (timeout, timeout)
    return aiohttp.ClientTimeout(total=None, sock_connect=connecting, sock_read=reading)


class POST(HTTPStep):
    """Send a POST request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="POST", **kwargs)


class GET(HTTPStep):
    """Send a GET request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="GET", **kwargs)


class PUT(HTTPStep):
    """Send a PUT request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="PUT", **kwargs)


class DELETE(HTTPStep):
    """Send a DELETE request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="DELETE", **kwargs)


class HEAD(HTTPStep):
    """Send a HEAD request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="HEAD", **kwargs)


class OPTIONS(HTTPStep):
    """Send an OPTIONS request.

    Args:
        url (str, renderable): Address to send the request to.
    """

    def __init__(self, url: Any, **kwargs: Any) -> None:
        super().__init__(url, method="OPTIONS", **kwargs)
