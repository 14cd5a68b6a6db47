"""An HTTP client for plug-ins: steps, reporters, latent workers."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from buildbot._border.bridge import outward, settled
from buildbot._border.http_security import authorization, verification
from buildbot.interfaces import IHttpResponse, implementer

__all__ = ["HTTPClientService", "HTTPSession", "Response"]

_TIMEOUT = 300.0


@implementer(IHttpResponse)
class Response:
    """The answer to a request; it has been read completely."""

    def __init__(self, code: int, url: str, reason: str, body: bytes) -> None:
        self.code = code
        self.url = url
        self._reason = reason
        self._body = body

    def content(self) -> Any:
        """Return a Deferred of the body's bytes."""
        return settled(self._body)

    def json(self) -> Any:
        """Return a Deferred of the body, read as JSON."""
        return settled(json.loads(self._body))

    def raise_for_status(self) -> None:
        """Raise ValueError if the code is that of an error."""
        if self.code >= 400:
            raise ValueError(f"{self.url} answered {self.code} {self._reason}")


class HTTPSession:
    """Requests to addresses below ``base_url``, with headers and authentication in common.

    The methods take ``params``, ``headers``, ``data``, ``json``, ``auth`` (user and password),
    ``timeout`` (seconds) and ``allow_redirects``, and return a Deferred of a `Response`.
    """

    def __init__(
        self,
        http: Any,
        base_url: str,
        auth: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        verify: bool | str | None = None,
        debug: bool | None = False,
        skip_encoding: bool = False,
    ) -> None:
        self.http = http
        self.base_url = base_url.rstrip("/")
        self.auth = auth
        self.headers = dict(headers or {})
        self.verify = verify
        self.debug = debug
        self.skip_encoding = skip_encoding

    def update_headers(self, headers: dict[str, str]) -> None:
        """Send these headers, too, from now on."""
        self.headers.update(headers)

    def get(self, ep: str, **kwargs: Any) -> Any:
        """Send a GET request."""
        return outward(self._request("GET", ep, **kwargs))

    def put(self, ep: str, **kwargs: Any) -> Any:
        """Send a PUT request."""
        return outward(self._request("PUT", ep, **kwargs))

    def delete(self, ep: str, **kwargs: Any) -> Any:
        """Send a DELETE request."""
        return outward(self._request("DELETE", ep, **kwargs))

    def patch(self, ep: str, **kwargs: Any) -> Any:
        """Send a PATCH request."""
        return outward(self._request("PATCH", ep, **kwargs))

    def post(self, ep: str, **kwargs: Any) -> Any:
        """Send a POST request."""
        return outward(self._request("POST", ep, **kwargs))

    async def _request(self, method: str, ep: str, **kwargs: Any) -> Response:
        if ep and not ep.startswith("/"):
            raise ValueError(f"the path {ep!r} must begin with a slash")
        stand_in = getattr(self.http, "stand_in", None)
        if stand_in is not None:  # a test's
            answer: Response = stand_in(self, method, ep, kwargs)
            return answer
        auth = kwargs.pop("auth", self.auth)
        limit = aiohttp.ClientTimeout(total=kwargs.pop("timeout", _TIMEOUT))
        headers = {
            **self.headers,
            **(kwargs.pop("headers", None) or {}),
            **authorization(auth),
        }
        # A session of its own for each request leaves nothing to close when a plug-in is gone.
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.request(
                method,
                self.base_url + ep,
                headers=headers,
                ssl=verification(kwargs.pop("verify", self.verify)),
                **kwargs,
            ) as response,
        ):
            body = await response.read()
            return Response(response.status, str(response.url), response.reason or "", body)


class HTTPClientService(HTTPSession):
    """An `HTTPSession` that a plug-in asks for with ``yield HTTPClientService.getService(...)``."""

    def __init__(
        self,
        base_url: str = "",
        auth: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        verify: bool | str | None = None,
        debug: bool | None = False,
        skipEncoding: bool = False,
    ) -> None:
        super().__init__(self, base_url, auth, headers, verify, debug, skipEncoding)

    updateHeaders = HTTPSession.update_headers

    @staticmethod
    def checkAvailable(from_module: str) -> None:
        """Say if HTTP requests cannot be made; they always can."""

    @classmethod
    def getService(cls, parent: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of a client with these arguments."""
        made = cls(*args, **kwargs)
        made.http = getattr(parent, "httpservice", made)
        return settled(made)
