"""Searches in logs: what is asked for, how many may be under way, and when they give up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

import msgspec
from aiohttp import web

from chargehand.config.web_limits import WebLimits
from chargehand.logs.searching import BadPattern, LogSearch, Pattern
from chargehand.resources.policy import Visitor
from chargehand.web.access.audit import origin_of
from chargehand.web.access.logs import SeenLog
from chargehand.web.rest import query_string
from chargehand.web.rest.answers import Answer, encoded, failure, whole
from chargehand.web.rest.large import Busy
from chargehand.web.rest.query_string import BadQuery
from chargehand.web.shares import address_key

_MATCHES = 100
"""Matches in an answer unless ``limit`` says otherwise."""
_MOST_MATCHES = 1_000
_MOST_NUMBERS = 10_000


class Asked(msgspec.Struct, frozen=True):
    """The parameters of a search."""

    pattern: Pattern
    first: int
    limit: int
    only_numbers: bool


class LogSearches:
    """Answers searches. They share one thread, so that nothing else waits for them."""

    def __init__(self, *, limits: Callable[[], WebLimits]) -> None:
        self._limits = limits
        self._under_way: Counter[str] = Counter()

    async def answer(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        log: SeenLog,
        parameters: str,
        *,
        compact: bool,
    ) -> Answer:
        """Return the lines of a log that match. Raises Busy."""
        try:
            asked = parsed(parameters)
        except BadQuery as error:
            return failure(400, str(error))
        client = visitor.user.name or address_key(origin_of(request, visitor))
        with self._place(client):
            search = LogSearch(asked.pattern, limit=asked.limit, only_numbers=asked.only_numbers)
            searched, is_complete = await self._carry_out(request, log, search, asked.first)
        meta = {"total": search.total, "is_complete": is_complete, "lines_searched": searched}
        name = "lines" if asked.only_numbers else "matches"
        found = search.numbers if asked.only_numbers else search.matches
        return whole(encoded({name: found, "meta": meta}), compact=compact)

    async def _carry_out(
        self, request: web.BaseRequest, log: SeenLog, search: LogSearch, first: int
    ) -> tuple[int, bool]:
        """Return how many lines were searched, and whether these were all."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._limits().search_seconds
        searched = 0
        async with aclosing(log.scan(first, search.take)) as slices:
            async for count in slices:
                searched += count
                if request.transport is None:
                    raise ConnectionResetError("the client disconnected")
                if loop.time() >= due:
                    return searched, first + searched >= log.row["num_lines"]
        return searched, True

    @contextmanager
    def _place(self, client: str) -> Iterator[None]:
        limits = self._limits()
        if self._under_way[client] >= limits.searches_per_client:
            raise Busy("you have too many searches in progress; try again later")
        if self._under_way.total() >= limits.searches:
            raise Busy("too many searches in logs at once; try again later")
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]


def parsed(parameters: str) -> Asked:
    """Return what the query string asks for. Raises BadQuery."""
    given = _given(parameters)
    names = [name for name in ("text", "regex") if name in given]
    if len(names) != 1:
        raise BadQuery("a search needs text=… or regex=…, and not both")
    [name] = names
    only_numbers = _flag("lines", given.get("lines", "0"))
    most = _MOST_NUMBERS if only_numbers else _MOST_MATCHES
    try:
        pattern = Pattern(
            given[name],
            is_regex=name == "regex",
            has_case=_flag("case", given.get("case", "0")),
        )
    except BadPattern as error:
        raise BadQuery(f"{name} {error}") from error
    limit = most if only_numbers else _MATCHES
    return Asked(
        pattern=pattern,
        first=_number("offset", given.get("offset", "0")),
        limit=min(_number("limit", given["limit"]), most) if "limit" in given else limit,
        only_numbers=only_numbers,
    )


def _given(parameters: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in query_string.pairs(parameters):
        if name not in _PARAMETERS:
            raise BadQuery(f"unrecognized query parameter '{name}'")
        given.setdefault(name, value)
    return given


_PARAMETERS = frozenset({"text", "regex", "case", "offset", "limit", "lines"})


def _number(name: str, text: str) -> int:
    number = query_string.count(name, text)
    if number is None:
        raise BadQuery(f"invalid {name}")
    return number


def _flag(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise BadQuery(f"{name} must be 0 or 1, not '{text}'")
    return text == "1"
