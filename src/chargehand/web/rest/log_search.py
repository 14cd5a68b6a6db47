"""Searches in logs: what is asked for, and the answer."""

from __future__ import annotations

import msgspec

from chargehand.logs.searching import BadPattern, LogSearch, Pattern
from chargehand.web.access.logs import SeenLog
from chargehand.web.rest import query_string
from chargehand.web.rest.answers import Answer, encoded, whole
from chargehand.web.rest.query_string import BadQuery
from chargehand.web.rest.scan_places import Scanning

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


async def searched(scanning: Scanning, log: SeenLog, asked: Asked, *, compact: bool) -> Answer:
    """Return the lines of a log that match."""
    search = LogSearch(asked.pattern, limit=asked.limit, only_numbers=asked.only_numbers)
    count, is_complete = await scanning.scan(log, asked.first, search.take)
    meta = {"total": search.total, "is_complete": is_complete, "lines_searched": count}
    name = "lines" if asked.only_numbers else "matches"
    found = search.numbers if asked.only_numbers else search.matches
    return whole(encoded({name: found, "meta": meta}), compact=compact)


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
