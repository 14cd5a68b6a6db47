"""Answers with very many rows: produced in slices, as fast as the client reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.resources.field import Resource
from chargehand.resources.query import Basis, Page, Query
from chargehand.web.ports import Resources
from chargehand.web.rest.answers import COMPACT_JSON, READABLE_JSON, Answer, encoded, whole
from chargehand.web.rest.streams import send_pieces

ROWS_AT_ONCE = 1000
"""Rows read by one query; larger answers are read in slices."""

_SLICE = 500
"""Rows read by each further query: enough that the queries' own cost hardly counts."""
_KEPT_BYTES = 2 * 1024 * 1024
"""Bytes up to which an answer is sent whole, with an entity tag, and cached."""

Show = Callable[[list[Resource]], list[Resource]]


class TooLarge(ValueError):
    """An answer has too many rows; the message says how to reduce them."""


class Busy(Exception):
    """Too many large answers are in progress."""


class CachedAnswer(msgspec.Struct, frozen=True):
    """A complete answer, with the tables it was read from."""

    answer: Answer
    basis: Basis | None


class LargeAnswers:
    """Starts large answers, up to a limit at a time."""

    def __init__(self, *, resources: Resources, limits: Callable[[], WebLimits]) -> None:
        self._resources = resources
        self._limits = limits
        self._under_way = 0

    async def first(self, query: Query) -> tuple[Page, Sequence[int]]:
        """Return the first rows and the identifiers of the rest, which reserve a place.

        Raises Busy before it reads anything if there is no free place.
        """
        if self._under_way >= self._limits().large_answers:
            page, _ = await self._resources.fetch_first(query, ROWS_AT_ONCE, with_others=False)
            if len(page.rows) > ROWS_AT_ONCE:
                raise Busy(
                    "too many large answers at once; try again later, or ask for less with limit"
                )
            return page, ()
        self._under_way += 1
        others: Sequence[int] = ()
        try:
            page, others = await self._resources.fetch_first(query, ROWS_AT_ONCE)
        finally:
            if not others:
                self._ended()
        return page, others

    async def begin(
        self,
        query: Query,
        plural: str,
        first: Page,
        others: Sequence[int],
        *,
        compact: bool,
        show: Show,
    ) -> CachedAnswer | LargeAnswer:
        """Return a complete answer if it turns out to be small. Needs a place. Raises TooLarge."""
        answer = LargeAnswer(
            query, plural, first, others, compact=compact, show=show,
            resources=self._resources, ended=self._ended,
        )  # fmt: skip
        try:
            self._check_size(len(first.rows) + len(others))
            made = await answer.gathered()
        except BaseException:
            answer.end()
            raise
        if made is None:
            return answer
        answer.end()
        return CachedAnswer(made, answer.basis)

    def _check_size(self, rows: int) -> None:
        limit = self._limits().rows
        if rows > limit:
            raise TooLarge(
                f"{rows} rows are more than one answer may have ({limit}); "
                "ask for less with filters, or in parts with limit and offset"
            )

    def _ended(self) -> None:
        self._under_way -= 1


class LargeAnswer:
    """An answer in progress; the caller must call `send` or `end`."""

    def __init__(
        self,
        query: Query,
        plural: str,
        first: Page,
        others: Sequence[int],
        *,
        compact: bool,
        show: Show,
        resources: Resources,
        ended: Callable[[], None],
    ) -> None:
        self._query = query
        self._plural = plural
        self._first = first
        self._others = others
        self._count = len(first.rows) + len(others)
        self._compact = compact
        self._show = show
        self._resources = resources
        self._ended = ended
        self._tables = first.basis.tables if first.basis is not None else frozenset()
        self._gathered: list[bytes] = []
        self._is_sent = False
        self._pieces = self._made()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self._count

    @property
    def basis(self) -> Basis | None:
        """The tables that the answer was read from so far."""
        first = self._first.basis
        return None if first is None else Basis(self._tables, first.as_of)

    async def gathered(self) -> Answer | None:
        """Return the complete answer if it is small enough, None if it must be streamed."""
        size = 0
        async for piece in self._pieces:
            self._gathered.append(piece)
            size += len(piece)
            if size > _KEPT_BYTES:
                return None
        return whole(b"".join(self._gathered), compact=self._compact, rows=self.rows)

    async def send(self, request: web.BaseRequest, extra: dict[str, str]) -> web.StreamResponse:
        """Stream the answer."""
        headers = {
            "Content-Type": COMPACT_JSON if self._compact else READABLE_JSON,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Vary": "Accept, Origin",
        }
        self._is_sent = True
        response = web.StreamResponse(headers=headers | extra)
        try:
            await send_pieces(request, response, self._all())
        finally:
            self.end()
        return response

    async def _all(self) -> AsyncIterator[bytes]:
        for piece in self._gathered:
            yield piece
        self._gathered.clear()
        async for piece in self._pieces:
            yield piece

    def end(self) -> None:
        """Free the place for another answer."""
        ended, self._ended = self._ended, _nothing
        ended()

    async def _made(self) -> AsyncIterator[bytes]:
        total = b'"meta":' + encoded({"total": self._first.total})
        name = msgspec.json.encode(self._plural)
        is_first = self._plural < "meta"
        yield b"{" + (b"" if is_first else total + b",") + name + b":["
        yield encoded(self._show(self._first.rows))[1:-1]
        self._first = Page(rows=[], total=self._first.total, basis=self._first.basis)
        for start in range(0, len(self._others), _SLICE):
            rows = await self._slice(start)
            if rows:
                yield b"," + encoded(self._show(rows))[1:-1]
        yield b"]" + (b"," + total if is_first else b"") + b"}"

    async def _slice(self, start: int) -> list[Resource]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        page = await self._resources.fetch_these(self._query, self._others[start : start + _SLICE])
        if page.basis is not None:
            self._tables |= page.basis.tables
        if self._is_sent:
            # Pause for as long as the query took, so that bulk queries do not slow down builds.
            await asyncio.sleep(loop.time() - began)
        return page.rows


def _nothing() -> None:
    """Do nothing: the answer has ended already."""
