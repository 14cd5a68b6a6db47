"""Answers of the REST API: bodies, headers, and the cache for cheap polling."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import blake2b

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from chargehand.resources.field import Resource
from chargehand.resources.query import Basis
from chargehand.resources.visibility import Visibility
from chargehand.web.protocol import PIECE

Question = tuple[Visibility, str, bool]
"""The visibility, the path with its query string, and whether the JSON is compact."""

_encoder = msgspec.json.Encoder(order="deterministic")

COMPACT_JSON = "application/json; charset=utf-8"
READABLE_JSON = "text/plain; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    """A complete answer; ``tag`` is its entity tag, or empty."""

    status: int
    content_type: str
    body: bytes
    tag: str = ""
    rows: int = 0
    """How many were read for it."""

    def headers(self) -> dict[str, str]:
        """Return the headers that say what it is and how long it may be kept."""
        headers = {"Content-Type": self.content_type, "X-Content-Type-Options": "nosniff"}
        if self.tag:
            headers["ETag"] = self.tag
            headers["Cache-Control"] = "no-cache"
            headers["Vary"] = "Accept, Origin"
        return headers

    def response(self, extra: Mapping[str, str] | None = None) -> web.Response:
        """Return the aiohttp response."""
        headers = CIMultiDict(self.headers())
        if extra:
            headers.update(extra)
        if len(self.body) <= PIECE:
            return web.Response(status=self.status, body=self.body, headers=headers)
        # Slow clients share this one copy instead of each filling a buffer.
        headers["Content-Length"] = str(len(self.body))
        return web.Response(status=self.status, body=_pieces(self.body), headers=headers)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


def encoded(value: object) -> bytes:
    """Return *value* as compact JSON with sorted keys."""
    return _encoder.encode(value)


def success(
    plural: str, rows: list[Resource], meta: Mapping[str, object], *, compact: bool
) -> Answer:
    """Return rows as JSON: compact for programs, indented for browsers."""
    body = _encoder.encode({plural: rows, "meta": meta})
    return whole(body, compact=compact, rows=len(rows))


def whole(body: bytes, *, compact: bool, rows: int = 0) -> Answer:
    """Return the final body for compact JSON."""
    if not compact:
        body = msgspec.json.format(body, indent=2)
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    return Answer(200, COMPACT_JSON if compact else READABLE_JSON, body, tag, rows)


def failure(status: int, message: str) -> Answer:
    """Return an error in the REST API's format."""
    return Answer(status, READABLE_JSON, _encoder.encode({"error": message}))


def wants_compact(accept: str) -> bool:
    """Return whether the client is a program: its Accept header names JSON."""
    return "application/json" in accept


_Key = tuple[str, str, bool]


def _key(question: Question) -> _Key:
    sees, target, compact = question
    return (sees.key, target, compact)


_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,6})(?:$|[\s,])")


def accepted_age(cache_control: str) -> int:
    """Return how many seconds old an answer may be for a client that sends this `Cache-Control`."""
    found = _MAX_AGE.search(cache_control)
    return 0 if found is None else int(found[1])


class _Entry(msgspec.Struct):
    answer: Answer
    basis: Basis | None
    read_at: float


_ENTRY_SIZE = 1024
"""Approximate memory overhead of an entry, besides its text."""


class AnswerCache(msgspec.Struct):
    """Caches encoded answers; evicts the least recently used ones above ``limit`` bytes."""

    limit: int = 64 * 1024 * 1024
    _entries: OrderedDict[_Key, _Entry] = msgspec.field(default_factory=OrderedDict)
    _size: int = 0

    def find(self, question: Question, is_current: Callable[[Basis], bool]) -> Answer | None:
        """Return the cached answer if *is_current* accepts its basis."""
        key = _key(question)
        entry = self._entries.get(key)
        if entry is None or entry.basis is None or not is_current(entry.basis):
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def find_recent(self, question: Question, since: float) -> Answer | None:
        """Return the cached answer if it was read *since* then, whatever has changed meanwhile."""
        entry = self._entries.get(_key(question))
        return None if entry is None or entry.read_at < since else entry.answer

    def keep(self, question: Question, answer: Answer, basis: Basis | None, read_at: float) -> None:
        """Cache *answer*, valid until one of the tables it was read from is written to.

        Without a *basis* it is for those only who ask for a recent answer. *read_at* is the loop's
        time before it was read.
        """
        key = _key(question)
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(answer, basis, read_at)
        self._size += len(answer.body) + len(key[1]) + _ENTRY_SIZE
        while self._size > self.limit:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: _Key) -> None:
        entry = self._entries.pop(key)
        self._size -= len(entry.answer.body) + len(key[1]) + _ENTRY_SIZE
