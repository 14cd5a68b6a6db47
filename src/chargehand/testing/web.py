"""A small site in memory: what the web needs of the rest, for tests of the web."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Container, Mapping, Sequence
from typing import Any

from chargehand.domain.change_fate import ChangeOutcome, WaitingChanges
from chargehand.domain.identifiers import BuilderId, BuildId, ChangeId, LogId, RequestId
from chargehand.domain.orders import InvalidParameters
from chargehand.domain.prediction import Prediction
from chargehand.domain.refused_login import RefusedLogin
from chargehand.domain.result import Result
from chargehand.domain.user import User
from chargehand.domain.waiting import Waiting
from chargehand.domain.waiting_line import WaitingLine
from chargehand.kit.values import replace
from chargehand.logs.searching import Take
from chargehand.resources.query import Basis, Page, Query
from chargehand.resources.selection import select
from chargehand.web.ports import RawLog

Row = dict[str, Any]


class MemoryResources:
    """Rows by kind. A row's ``_scope`` has further path placeholders that lead to it."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self.rows = {kind: list(found) for kind, found in rows.items()}
        self.fetched: list[Query] = []
        self._generations: Counter[str] = Counter()

    def touch(self, kind: str) -> None:
        """Say that answers about *kind* have changed."""
        self._generations[kind] += 1

    def is_current(self, basis: Basis) -> bool:
        """Return whether none of the kinds was touched since."""
        return basis.as_of == sum(self._generations[kind] for kind in basis.tables)

    async def fetch(self, query: Query) -> Page:
        """Return rows as the store would."""
        self.fetched.append(query)
        if not query.sees.is_everything:
            raise ValueError("rows in memory hide nothing: use a store")
        found = [
            {name: value for name, value in row.items() if name != "_scope"}
            for row in self.rows.get(query.kind, [])
            if query.scope.items() <= (row | row.get("_scope", {})).items()
        ]
        for row in found:
            for name in (*(one.field for one in query.filters), *(o.field for o in query.order)):
                if name not in row:
                    raise ValueError(f"{query.kind} have no field {name}")
        basis = Basis(frozenset((query.kind,)), self._generations[query.kind])
        return replace(select(found, query), basis=basis)

    async def fetch_first(
        self, query: Query, count: int, *, with_others: bool = True
    ) -> tuple[Page, Sequence[int]]:
        """Return the first rows; the others are identified by their place."""
        page = await self.fetch(query)
        if not with_others:
            return replace(page, rows=page.rows[: count + 1]), ()
        others = range(count, len(page.rows))
        return replace(page, rows=page.rows[:count]), others

    async def fetch_these(self, query: Query, ids: Sequence[int]) -> Page:
        """Return the rows at these places."""
        page = await self.fetch(query)
        return replace(page, rows=[page.rows[number] for number in ids])


class MemoryLogs:
    """Texts by log, with channel letters where ``letters`` says so."""

    def __init__(self, texts: Mapping[int, bytes], *, without_letters: set[int]) -> None:
        self.texts = dict(texts)
        self._without_letters = without_letters

    async def lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return these lines."""
        lines = self.texts[log_id].splitlines(keepends=True)
        return b"".join(lines[first : None if count is None else first + count])

    async def lines_in_pieces(
        self, log_id: LogId, first: int, count: int | None
    ) -> AsyncGenerator[bytes, None]:
        """Return these lines one by one."""
        for line in (await self.lines(log_id, first, count)).splitlines(keepends=True):
            yield line

    async def raw(self, log_id: LogId) -> RawLog:
        """Return the text without letters, in small pieces."""
        lines = self.texts[log_id].splitlines(keepends=True)
        skip = 0 if log_id in self._without_letters else 1
        pieces = [line[skip:] for line in lines]
        return RawLog(size=sum(map(len, pieces)), chunks=_each(pieces))

    async def scan(
        self, log_id: LogId, first: int, take: Take, *, with_letters: bool = False
    ) -> AsyncGenerator[int, None]:
        """Give the lines one by one."""
        skip = 0 if with_letters or log_id in self._without_letters else 1
        lines = self.texts[log_id].splitlines(keepends=True)
        for number, line in enumerate(lines[first:], first):
            wants_more = take(number, line[skip:])
            yield 1
            if not wants_more:
                return


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class MemoryControls:
    """Remembers what was ordered; knows the things that it was given."""

    def __init__(
        self,
        *,
        builds: set[int],
        workers: set[int | str],
        requests: Container[int] = range(1, 100),
        schedulers: Container[int] = range(1, 100),
    ) -> None:
        self.orders: list[tuple[Any, ...]] = []
        self._builds = builds
        self._requests = requests
        self._schedulers = schedulers
        self._workers = workers

    async def force(
        self, scheduler: str, parameters: Mapping[str, Any], by: User
    ) -> tuple[int, dict[int, int]]:
        """Accept any force whose ``number`` is one."""
        if scheduler != "force":
            raise LookupError(f"there is no force scheduler {scheduler}")
        if not isinstance(parameters.get("number", 0), int):
            raise InvalidParameters({"number": "is not a number"})
        self.orders.append(("force", scheduler, dict(parameters), by.owner))
        return 7, {1: 12}

    async def stop_build(self, build_id: BuildId, reason: str, result: Result, by: User) -> None:
        """Remember it."""
        _require("build", build_id, self._builds)
        self.orders.append(("stop_build", build_id, reason, result, by.name))

    async def rebuild(self, build_id: BuildId, by: User) -> tuple[int, dict[int, int]]:
        """Remember it."""
        _require("build", build_id, self._builds)
        self.orders.append(("rebuild", build_id, by.name))
        return 8, {1: 13}

    async def cancel_request(self, request_id: RequestId, reason: str, by: User) -> None:
        """Remember it."""
        _require("build request", request_id, self._requests)
        self.orders.append(("cancel_request", request_id, reason, by.name))

    async def set_priority(self, request_id: RequestId, priority: int, by: User) -> None:
        """Remember it."""
        _require("build request", request_id, self._requests)
        self.orders.append(("set_priority", request_id, priority, by.name))

    async def enable_scheduler(self, scheduler_id: int, enabled: bool, by: User) -> None:
        """Remember it."""
        _require("scheduler", scheduler_id, self._schedulers)
        self.orders.append(("enable_scheduler", scheduler_id, enabled))

    async def control_worker(self, worker: int | str, method: str, reason: str, by: User) -> None:
        """Remember it."""
        if worker not in self._workers:
            raise LookupError(f"there is no worker {worker}")
        self.orders.append(("control_worker", worker, method, reason, by.name))


def _require(what: str, number: int, known: Container[int]) -> None:
    if number not in known:
        raise LookupError(f"there is no {what} {number}")


class MemoryExplanations:
    """Reasons by request; None for those that do not wait."""

    def __init__(self, reasons: Mapping[int, Waiting | None]) -> None:
        self._reasons = dict(reasons)
        self.logins: list[RefusedLogin] = []
        self.lines: list[WaitingLine] = []

    async def why_waiting(self, request_id: RequestId) -> Waiting | None:
        """Return the reason. Raises LookupError."""
        return self._reasons[request_id]

    async def outcomes_of(self, change_id: ChangeId) -> list[ChangeOutcome]:
        """Return that no scheduler wanted it."""
        sentence = "no scheduler of this master builds changes"
        return [ChangeOutcome(kind="no_scheduler", sentence=sentence)]

    def waiting_changes(self) -> list[WaitingChanges]:
        """Return nothing: no change waits here."""
        return []

    def refused_logins(self) -> Sequence[RefusedLogin]:
        """Return those that are there."""
        return self.logins

    def why_build_waits(self, build_id: BuildId) -> Waiting | None:
        """Return nothing: no build waits here."""
        return None

    def predictions(self, build_id: BuildId) -> tuple[Prediction, ...]:
        """Return nothing: no build runs here."""
        return ()

    def waiting_lines(self) -> list[WaitingLine]:
        """Return those that are there."""
        return self.lines

    def why_these_wait(self, requests: Mapping[RequestId, BuilderId]) -> dict[RequestId, Waiting]:
        """Return the reasons that are there."""
        return {
            request_id: reason
            for request_id in requests
            if (reason := self._reasons.get(request_id)) is not None
        }


class MemoryForms:
    """One form for builder 1."""

    def __init__(self, forms: list[Row]) -> None:
        self._forms = forms

    def forms(self, builder_id: int | None = None) -> list[Row]:
        """Return the forms."""
        return self._forms if builder_id in {None, 1} else []

    async def asked_forms(self, builder_id: int | None = None) -> list[Row]:
        """Return the same."""
        return self.forms(builder_id)
