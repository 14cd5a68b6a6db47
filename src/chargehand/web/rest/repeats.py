"""Requests that came before, byte for byte: what they ask is known without reading them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp.http import SERVER_SOFTWARE

from chargehand.web.rest.answers import Answer, Question

_MOST = 1_000
"""Clients that poll repeat few requests; each has up to 2 KB."""


@dataclass(slots=True)
class _Repeat:
    question: Question
    tag: str = ""
    second: int = 0
    head: bytes = b""
    """The head of the answer with this tag, in this second."""


class Repeats:
    """Finds kept answers by the bytes of requests.

    What is learned holds as long as the configuration does, which decides which sites' names are
    served and who sees what: `forget` it then.
    """

    def __init__(self, kept: Callable[[Question], Answer | None]) -> None:
        self._kept = kept
        self._repeats: dict[bytes, _Repeat] = {}

    def learn(self, request: bytes, question: Question) -> None:
        """Note that these bytes ask a question, the answer of which depends on nothing else."""
        if request not in self._repeats:
            if len(self._repeats) >= _MOST:
                self._repeats.clear()
            self._repeats[request] = _Repeat(question)

    def forget(self) -> None:
        """Forget everything."""
        self._repeats.clear()

    def find(self, request: bytes) -> tuple[bytes, bytes] | None:
        """Return head and body of the kept answer to these bytes, if it is still current."""
        repeat = self._repeats.get(request)
        if repeat is None or (answer := self._kept(repeat.question)) is None:
            return None
        second = int(time.time())
        if second != repeat.second or answer.tag != repeat.tag:
            repeat.head = _head(answer, second)
            repeat.tag = answer.tag
            repeat.second = second
        return repeat.head, answer.body


def _head(answer: Answer, second: int) -> bytes:
    """Return the head that aiohttp sends with the answer's response."""
    headers = answer.headers() | {
        "Content-Length": str(len(answer.body)),
        "Date": formatdate(second, usegmt=True),
        "Server": SERVER_SOFTWARE,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode("latin-1")
