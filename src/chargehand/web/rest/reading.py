"""Queries of the REST API: turns a path and its parameters into an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import unquote

import msgspec
from msgspec import structs

from chargehand.config.web_limits import WebLimits
from chargehand.domain.identifiers import BuilderId, ChangeId, RequestId
from chargehand.kit.passwords import without_passwords_in
from chargehand.resources import selection
from chargehand.resources.audit import RESTRICTED
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS, ROOT_LINKS, Endpoint, Resolved, resolve
from chargehand.resources.field import Resource
from chargehand.resources.query import Page, Query
from chargehand.web.access.stages import StageReader
from chargehand.web.ports import Resources
from chargehand.web.rest import query_string
from chargehand.web.rest.answers import Answer, AnswerCache, Question, failure, success
from chargehand.web.rest.configured_builders import ConfiguredBuilders
from chargehand.web.rest.large import CachedAnswer, LargeAnswer, LargeAnswers


class NotFound(LookupError):
    """The path does not exist, or has nothing at it."""


def resolved_path(path: str) -> Resolved:
    """Resolve *path* (below ``/api/v2``, URL-encoded). Raises NotFound."""
    try:
        segments = tuple(unquote(part, errors="strict") for part in path.split("/")) if path else ()
    except UnicodeDecodeError:
        raise NotFound(f"Invalid path: {path}") from None
    found = resolve(segments)
    if found is None:
        raise NotFound(f"Invalid path: {unquote(path)}")
    return found


class Reader:
    """Answers requests for resources, from the cache while nothing has changed."""

    def __init__(
        self,
        *,
        resources: Resources,
        stages: StageReader,
        limits: Callable[[], WebLimits] = WebLimits,
        configured: ConfiguredBuilders | None = None,
    ) -> None:
        self._resources = resources
        self._configured = configured
        self._large = LargeAnswers(resources=resources, limits=limits)
        self._stages = stages
        self._cache = AnswerCache()
        self._under_way: dict[Question, asyncio.Event] = {}

    def cached(self, question: Question) -> Answer | None:
        """Return the cached answer, if there is a current one."""
        return self._cache.find(question, self._resources.is_current)

    def recent(self, question: Question, seconds: int) -> Answer | None:
        """Return an answer that is at most so many seconds old, if there is one."""
        if not seconds:
            return None
        return self._cache.find_recent(question, asyncio.get_running_loop().time() - seconds)

    async def answer(
        self, question: Question, resolved: Resolved, accepted_age: int = 0
    ) -> Answer | LargeAnswer:
        """Return the answer; the caller must send a `LargeAnswer`.

        Equal concurrent queries run one at a time, so that the second finds the cached answer.
        It checks the cache again instead of reusing the first answer unseen, which may be older
        than the query: a client must see the effect of its own last call.
        """
        while (turn := self._under_way.get(question)) is not None:
            await turn.wait()
            answer = self.cached(question) or self.recent(question, accepted_age)
            if answer is not None:
                return answer
        turn = self._under_way[question] = asyncio.Event()
        try:
            return await self._fresh(question, resolved, is_shared=accepted_age > 0)
        finally:
            del self._under_way[question]
            turn.set()

    async def _fresh(
        self, question: Question, resolved: Resolved, *, is_shared: bool
    ) -> Answer | LargeAnswer:
        began = asyncio.get_running_loop().time()
        sees, target, compact = question
        endpoint = resolved.endpoint
        try:
            query = query_string.parse(target.partition("?")[2], resolved, sees)
            if endpoint.is_collection and query.kind not in _NOT_STORED:
                page, others = await self._large.first(query)
            else:
                page, others = await self.page(query), ()
            if others:
                return await self._begin(question, query, resolved, page, others, began)
        except ValueError as error:
            return failure(400, str(error))
        if endpoint.is_collection:
            rows = _shown(endpoint, page.rows)
            answer = success(endpoint.key, rows, {"total": page.total}, compact=compact)
        elif page.rows:
            rows = _shown(endpoint, page.rows[:1])
            answer = success(endpoint.key, rows, {}, compact=compact)
        else:
            return failure(404, f"not found: {target.partition('?')[0]}")
        if (page.basis is not None or is_shared) and endpoint.kind not in RESTRICTED:
            self._cache.keep(question, answer, page.basis, began)
        return answer

    async def made(
        self,
        question: Question,
        resolved: Resolved,
        make: Callable[[Query], Awaitable[list[Resource]]],
    ) -> Answer:
        """Return the answer with those of the made rows that are asked for."""
        sees, target, compact = question
        try:
            query = query_string.parse(target.partition("?")[2], resolved, sees)
        except ValueError as error:
            return failure(400, str(error))
        page = _selected(await make(query), query)
        return success(resolved.endpoint.key, page.rows, {"total": page.total}, compact=compact)

    async def _begin(
        self,
        question: Question,
        query: Query,
        resolved: Resolved,
        first: Page,
        others: Sequence[int],
        began: float,
    ) -> Answer | LargeAnswer:
        endpoint = resolved.endpoint
        answer = await self._large.begin(
            query,
            endpoint.key,
            first,
            others,
            compact=question[2],
            show=partial(_shown, endpoint),
        )
        if isinstance(answer, CachedAnswer):
            if answer.basis is not None and endpoint.kind not in RESTRICTED:
                self._cache.keep(question, answer.answer, answer.basis, began)
            return answer.answer
        return answer

    async def page(self, query: Query) -> Page:
        """Return rows, from the store or from elsewhere. Raises LookupError, ValueError."""
        match query.kind:
            case "rootlinks":
                return selection.select([{"name": name} for name in ROOT_LINKS], query)
            case "specs":
                return selection.select(_SPECIFICATIONS, query)
            case "forceschedulers":
                return _selected(await self._force_forms(query), query)
            case "why":
                return _selected(await self._why(query), query)
            case "waiting_groups":
                builder_id = query.arguments.get("builderid")
                groups = await self._stages.waiting_groups(
                    query.sees, None if builder_id is None else BuilderId(int(builder_id))
                )
                return _selected(groups, query)
            case "refused_logins":
                logins = self._stages.refused_logins(query.sees)
                return _selected([structs.asdict(login) for login in logins], query)
            case "etas":
                return _selected(await self._etas(query), query)
            case "configured_builders" if self._configured is not None:
                return _selected(await self._configured.rows(query), query)
            case "logchunks":
                return Page(rows=[], total=0)
            case _:
                return await self._resources.fetch(query)

    async def _force_forms(self, query: Query) -> Sequence[Resource]:
        sees, scope = query.sees, query.scope
        if "schedulername" in scope:
            name = scope["schedulername"]
            return [
                form for form in await self._stages.forms(sees, asked=True) if form["name"] == name
            ]
        if not scope:
            return await self._stages.forms(sees, asked=True)
        builder = await self._resources.fetch(
            Query(kind="builders", sees=sees, scope=scope, fields=("builderid",))
        )
        if not builder.rows:
            return []
        return await self._stages.forms(sees, BuilderId(builder.rows[0]["builderid"]), asked=True)

    async def _why(self, query: Query) -> Sequence[Resource]:
        scope = query.scope
        if "changeid" in scope:
            return await self._fates(query)
        try:
            if "buildrequestid" in scope:
                request_id = RequestId(int(scope["buildrequestid"]))
                waiting = await self._stages.why_waiting(query.sees, request_id)
            else:
                waiting = await self._stages.why_build_waits(query.sees, scope)
        except LookupError:
            what = "buildrequests" if "buildrequestid" in scope else "builds"
            raise NotFound(f"not found: {what}/{next(iter(scope.values()))}") from None
        if waiting is None:
            return []
        details = msgspec.to_builtins(waiting)
        kind = details.pop("kind")
        return [{"kind": kind, "sentence": waiting.sentence, "details": details}]

    async def _etas(self, query: Query) -> Sequence[Resource]:
        try:
            build_id, predictions = await self._stages.predictions(query.sees, query.scope)
        except LookupError:
            raise NotFound(f"not found: builds/{next(iter(query.scope.values()))}") from None
        return [
            {
                "buildid": build_id,
                "stepid": one.step_id,
                "name": one.name,
                "eta": one.eta,
                "seconds_left": one.seconds_left,
                "progress": one.progress,
            }
            for one in predictions
        ]

    async def _fates(self, query: Query) -> Sequence[Resource]:
        change_id = ChangeId(int(query.scope["changeid"]))
        try:
            fates = await self._stages.outcomes_of(query.sees, change_id)
        except LookupError:
            raise NotFound(f"not found: changes/{change_id}") from None
        return [
            {
                "kind": fate.kind,
                "sentence": fate.sentence,
                "details": {"scheduler": fate.scheduler, **fate.details},
            }
            for fate in fates
        ]


def _selected(rows: Sequence[Resource], query: Query) -> Page:
    return selection.select(rows if query.reveals else without_passwords_in(rows), query)


def _shown(endpoint: Endpoint, rows: list[Resource]) -> list[Resource]:
    if endpoint.kind != "build_data":
        return rows
    # The value has its own endpoint.
    return [row | {"value": None} if "value" in row else row for row in rows]


_NOT_STORED = {
    "actions",
    "configured_builders",
    "rootlinks",
    "specs",
    "forceschedulers",
    "why",
    "etas",
    "refused_logins",
    "waiting_groups",
    "logchunks",
}

_SPECIFICATIONS = [
    {
        "path": endpoint.path,
        "type": KINDS[endpoint.plural].singular,
        "plural": endpoint.key,
        "type_spec": KINDS[endpoint.plural].specification(),
    }
    for endpoint in ENDPOINTS
]
