"""HTTP requests that a test expects, and how they are answered."""

from __future__ import annotations

import json as encoding
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from buildbot.util.httpclientservice import HTTPSession, Response

_COMPARED = ("params", "headers", "data", "json", "files", "verify", "cert")


@dataclass(frozen=True)
class _Expected:
    method: str
    path: str
    arguments: dict[str, Any]
    code: int
    body: bytes

    def differences(self, method: str, path: str, arguments: dict[str, Any]) -> list[str]:
        found = []
        if (method.lower(), path) != (self.method, self.path):
            found.append(f"{method} {path}, expected {self.method.upper()} {self.path}")
        for name in _COMPARED:
            given, wanted = arguments.get(name), self.arguments.get(name)
            is_free = name in ("headers", "verify", "cert") and wanted is None
            if not is_free and (given or None) != (wanted or None):
                found.append(f"{name}: {given!r}, expected {wanted!r}")
        return found


@dataclass
class Address:
    """What is expected at one base address."""

    expected: deque[_Expected] = field(default_factory=deque)

    def answer(self, session: HTTPSession, method: str, ep: str, arguments: Any) -> Response:
        """Answer a request. Raises AssertionError for one that is not the next."""
        if not self.expected:
            raise AssertionError(f"{method} {session.base_url}{ep}: no request was expected")
        expected = self.expected.popleft()
        if differences := expected.differences(method, ep, arguments):
            raise AssertionError(
                "\n  ".join([f"the request to {session.base_url} differs:", *differences])
            )
        return Response(expected.code, session.base_url + ep, "", expected.body)


class ExpectedRequests:
    """``master.httpservice`` of a test: knows what is expected at each base address."""

    def __init__(self) -> None:
        self._addresses: dict[str, Address] = {}

    def at(self, base_url: str) -> Address:
        """Return what is expected there."""
        return self._addresses.setdefault(base_url.rstrip("/"), Address())

    def stand_in(self, session: HTTPSession, method: str, ep: str, arguments: Any) -> Response:
        """Answer a request in the place of a server."""
        if session.base_url not in self._addresses:
            raise AssertionError(f"{method} {session.base_url}{ep}: the test expects none there")
        return self._addresses[session.base_url].answer(session, method, ep, arguments)


def expected(
    method: str, ep: str, code: int, content: Any, content_json: Any, **arguments: Any
) -> _Expected:
    """Return an expected request with its answer."""
    if content is not None and content_json is not None:
        raise ValueError("an answer has content or content_json, not both")
    body = encoding.dumps(content_json) if content_json is not None else content or b""
    if isinstance(body, str):
        body = body.encode()
    return _Expected(method.lower(), ep, arguments, code, body)
