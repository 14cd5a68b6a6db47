"""An HTTP client for tests that says what is asked of it::

    self._http = yield HTTPClientService.getService(self.master, self, "https://api.example.org")
    self._http.expect("get", "/status", content_json={"status": "ok"})

The code under test gets it by its own ``HTTPClientService.getService(self.master, address)`` or
``HTTPSession(self.master.httpservice, address)``.
"""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import settled
from buildbot.test.fake.requests import Address, expected
from buildbot.util import httpclientservice
from buildbot.util.httpclientservice import Response as ResponseWrapper

__all__ = ["HTTPClientService", "ResponseWrapper"]


class HTTPClientService(httpclientservice.HTTPClientService):
    """Requests in the order in which they are expected; a test fails if one differs or is left."""

    def __init__(self, address: Address, base_url: str, **kwargs: Any) -> None:
        super().__init__(base_url, **kwargs)
        self._address = address

    @classmethod
    def getService(cls, parent: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of a client; *args* begin with the test case, which checks it in the
        end, and go on with the address."""
        case, base_url, *more = args
        names = ("auth", "headers", "verify", "debug", "skipEncoding")
        given = dict(zip(names, more, strict=False)) | kwargs
        made = cls(parent.httpservice.at(base_url), base_url, **given)
        made.http = parent.httpservice
        if (cleanup := getattr(case, "addCleanup", None)) is not None:
            cleanup(made.assertNoOutstanding)
        return settled(made)

    def expect(
        self,
        method: str,
        ep: str,
        session: Any = None,
        params: Any = None,
        headers: Any = None,
        data: Any = None,
        json: Any = None,
        code: int = 200,
        content: Any = None,
        content_json: Any = None,
        files: Any = None,
        verify: Any = None,
        cert: Any = None,
        processing_delay_s: float | None = None,
    ) -> None:
        """Say which request comes next, and its answer. No time passes before the answer."""
        arguments = {
            "params": params,
            "headers": headers,
            "data": data,
            "json": json,
            "files": files,
            "verify": verify,
            "cert": cert,
        }
        self._address.expected.append(
            expected(method, ep, code, content, content_json, **arguments)
        )

    def assertNoOutstanding(self) -> None:
        """Check that all expected requests have come."""
        if self._address.expected:
            left = [f"{one.method.upper()} {one.path}" for one in self._address.expected]
            raise AssertionError(f"requests to {self.base_url} were not made: {', '.join(left)}")
