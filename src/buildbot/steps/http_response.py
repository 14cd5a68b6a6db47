"""Responses as users' code knows them: with the names that those of requests have."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

_CHUNK = 64 * 1024
_FIRST_ERROR = 400
_REDIRECTING = (301, 302, 303, 307, 308)
_PERMANENTLY = (301, 308)


class HTTPError(OSError):
    """A response says that the request failed; it is in ``response``."""

    def __init__(self, message: str, response: HTTPResponse) -> None:
        super().__init__(message)
        self.response = response


class Cookies(dict[str, str]):
    """The cookies that a response sets: their values by name."""

    def get_dict(self) -> dict[str, str]:
        """Return them as a plain dictionary."""
        return dict(self)


class HTTPRequest(msgspec.Struct, frozen=True):
    """What was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | bytes | None
    """As it was given; a form or a JSON value as text. None of a request with files."""


class HTTPResponse:
    """A response as `HTTPStep.log_response` gets it, with the names that requests has.

    *seconds* went by until its headers were there.
    """

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        *,
        sent: str | bytes | None = None,
        seconds: float = 0.0,
        body: bytes | None = None,
    ) -> None:
        self._answer = answer
        self._body = body
        self.status_code = answer.status
        self.reason = answer.reason
        self.ok = answer.status < _FIRST_ERROR
        self.url = str(answer.url)
        self.headers = answer.headers
        self.encoding = answer.charset
        """The encoding that the headers name; ``text`` is read with it, else as UTF-8. May be
        set."""
        self.elapsed = timedelta(seconds=seconds)
        self.cookies = Cookies({name: morsel.value for name, morsel in answer.cookies.items()})
        self.history = [HTTPResponse(earlier, body=b"") for earlier in answer.history]
        """The redirections that led here, the first one first; without their bodies."""
        info = answer.request_info
        self.request = HTTPRequest(info.method, str(info.url), info.headers, sent)

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content(128)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    @property
    def content(self) -> bytes:
        """The body."""
        if self._body is None:
            raise RuntimeError("the body is read in pieces: use chunks()")
        return self._body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(self.encoding or "utf-8", "replace")

    @property
    def apparent_encoding(self) -> str:
        """The encoding that the body itself suggests."""
        try:
            self.content.decode("utf-8")
        except UnicodeDecodeError:
            return "ISO-8859-1"
        return "ascii" if self.content.isascii() else "utf-8"

    @property
    def raw(self) -> io.BytesIO:
        """The body as a file."""
        return io.BytesIO(self.content)

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The header ``Link``, parsed: ``{"next": {"url": "http://…", "rel": "next"}}``."""
        return {
            name: {key: str(value) for key, value in link.items()}
            for name, link in self._answer.links.items()
        }

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the client to another address, and was not followed."""
        return "location" in self.headers and self.status_code in _REDIRECTING

    @property
    def is_permanent_redirect(self) -> bool:
        """Whether it does so for good."""
        return self.is_redirect and self.status_code in _PERMANENTLY

    def json(self) -> Any:
        """Return the value of a JSON body. Raises ValueError."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Raise HTTPError if it says that the request failed."""
        if not self.ok:
            whose = "Client" if self.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "Server"
            sentence = f"{self.status_code} {whose} Error: {self.reason} for url: {self.url}"
            raise HTTPError(sentence, self)

    def iter_content(
        self, chunk_size: int | None = 1, decode_unicode: bool = False
    ) -> Iterator[Any]:
        """Yield the body in pieces of that many bytes; as text, if it is to be decoded."""
        size = chunk_size or max(len(self.content), 1)
        pieces = (self.content[at : at + size] for at in range(0, len(self.content), size))
        if decode_unicode and self.encoding:
            yield from codecs.iterdecode(pieces, self.encoding, "replace")
        else:
            yield from pieces

    def iter_lines(
        self,
        chunk_size: int = 512,
        decode_unicode: bool = False,
        delimiter: str | bytes | None = None,
    ) -> Iterator[Any]:
        """Yield the lines of the body, without their ends."""
        whole: Any = self.text if decode_unicode and self.encoding else self.content
        yield from whole.split(delimiter) if delimiter else whole.splitlines()

    def close(self) -> None:
        """Do nothing: the connection is closed when the step has its response."""

    async def read(self) -> None:
        """Read the whole body."""
        self._body = await self._answer.read()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, piece by piece."""
        if self._body is not None:
            yield self._body
            return
        async for chunk in self._answer.content.iter_chunked(_CHUNK):
            yield chunk


def body_sent(data: Any, value: Any, files: Any) -> str | bytes | None:
    """Return what a request has as its body, for the arguments *data*, *json* and *files*."""
    if files:
        return None
    if isinstance(data, str | bytes):
        return data
    if data:
        return urlencode(data, doseq=True)
    return None if value is None else json.dumps(value)
