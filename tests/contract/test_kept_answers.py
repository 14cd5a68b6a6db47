"""A kept answer never outlives a write to a table that it was read from."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, insert
from store_workshop import Workshop, builder_config, segment

from chargehand.config.model import ProjectConfig
from chargehand.domain.audit import ORDER, AuditEntry
from chargehand.domain.build import LogType, Step, StepUrl
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.credentials import ApiToken, WebSession
from chargehand.domain.identifiers import BuilderId, TestResultSetId
from chargehand.domain.instance import RecordedState
from chargehand.domain.remembered import Remembered
from chargehand.domain.result import Result
from chargehand.domain.result_set import ResultOfTest, ResultSet
from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.domain.source_stamp import Patch, SourceStamp
from chargehand.domain.user import User
from chargehand.domain.worker import Standing, WorkerInfo
from chargehand.execution.recovery import Cause, outcomes_of
from chargehand.resources.endpoints import ENDPOINTS
from chargehand.resources.query import Basis, Page, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.engine import tables
from chargehand.store.engine.transaction import Transaction
from chargehand.store.reading.resources import Resources
from chargehand.store.store import Store

_NOT_IN_THE_STORE = {
    "actions",
    "configured_builders",
    "etas",
    "failures",
    "first_errors",
    "forceschedulers",
    "logchunks",
    "matches",
    "refused_logins",
    "rootlinks",
    "specs",
    "waiting_groups",
    "why",
}
_READ_ONLY = {
    "api_tokens.find",
    "api_tokens.of_user",
    "masters.with_leftovers",
    "buildsets.newest_id",
    "buildsets.of_scheduler",
    "buildsets.rebuild_of",
    "changes.buildsets_of",
    "changes.changes",
    "changes.changes_after",
    "changes.changes_of",
    "changes.newest_change_id",
    "changes.source_stamps",
    "history.read_ahead",
    "instances.fleet",
    "instances.unfinished",
    "web_sessions.find",
    "web_sessions.of_user",
    "logs.begin",
    "logs.close",
    "logs.flush",
    "logs.lines",
    "logs.lines_here",
    "logs.lines_in_pieces",
    "logs.raw",
    "logs.read_lines",
    "logs.reopen",
    "logs.repair",
    "logs.resume",
    "logs.scan",
    "requests.pending",
    "retention.now",
    "schedulers.classified",
    "schedulers.enabled",
    "schedulers.last_seen_changes",
    "source_stamps.stamps",
    "state.get",
}
_ASKED = ("database", "plugins", "resources", "resources_here", "visited_resources")
_TEXTS = {"buildername": "b1", "name": "w1", "step_name": "compile", "log_slug": "stdio"}


def _query(kind: str, **options: Any) -> Query:
    return Query(kind=kind, sees=EVERYTHING, **options)


def _questions() -> list[Query]:
    """Return a question for each path, with everything that may be asked for, and its total."""
    found: dict[object, Query] = {}
    for endpoint in ENDPOINTS:
        if endpoint.kind in _NOT_IN_THE_STORE:
            continue
        scope: dict[str, Any] = {}
        for placeholder in (part for part in endpoint.path.split("/") if ":" in part):
            letter, _, name = placeholder.partition(":")
            scope[name] = 1 if letter == "n" else _TEXTS.get(name, "x")
        limits = (None, 1) if endpoint.is_collection else (None,)
        for limit in limits:
            query = _query(endpoint.kind, scope=scope, properties=("*",), limit=limit)
            found[endpoint.kind, tuple(scope), limit] = query
    return [*found.values(), _query("build_times"), _query("step_times"), _query("triggers")]


def _noted(store: Store) -> tuple[set[str], set[str]]:
    """Return the use cases of the store, and those that will have been performed."""
    offered: set[str] = set()
    performed: set[str] = set()

    def noting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def perform(*arguments: Any, **options: Any) -> Any:
            performed.add(name)
            return method(*arguments, **options)

        return perform

    for field, aggregate in inspect.getmembers(store, lambda one: not inspect.isroutine(one)):
        if field.startswith("_") or field in _ASKED:
            continue
        for name, _ in inspect.getmembers(type(aggregate), inspect.isfunction):
            if not name.startswith("_"):
                offered.add(f"{field}.{name}")
                setattr(aggregate, name, noting(f"{field}.{name}", getattr(aggregate, name)))
    return offered, performed


class _Watch:
    """Keeps an answer to every question, and looks after each use case whether they are true."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._questions = _questions()
        self._kept: list[Page] = []
        self.written: set[str] = set()

    async def look(self, what: object = None) -> None:
        """Compare kept answers with fresh ones, and keep those."""
        store = self._workshop.store
        fresh_store = Resources(database=store.database)
        fresh = [await fresh_store.fetch(query) for query in self._questions]
        for query, page, new in zip(self._questions, self._kept, fresh, strict=False):
            assert page.basis is not None
            if store.resources.is_current(page.basis):
                assert (page.rows, page.total) == (new.rows, new.total), (what, query, page.basis)
        for query, new in zip(self._questions, fresh, strict=True):
            if query.limit is not None:
                # Totals are kept as well.
                again = await store.resources.fetch(query)
                assert (again.rows, again.total) == (new.rows, new.total), (what, query)
        self._kept = fresh

    async def do(self, use_case: Any) -> Any:
        """Perform a use case, or wait until it is recorded; note which tables it writes to."""
        before = self._workshop.store.database.generation()
        result = await use_case if isinstance(use_case, Awaitable) else use_case
        await self._workshop.recorded()
        database = self._workshop.store.database
        self.written |= {
            name
            for name in tables.metadata.tables
            if not database.is_current(Basis(frozenset((name,)), before))
        }
        await self.look(use_case)
        return result


@pytest.mark.slow_with("postgresql")
@pytest.mark.timeout(600)  # It asks every question after every use case.
async def test_no_kept_answer_outlives_a_write_to_a_table_it_was_read_from(
    workshop: Workshop,
) -> None:
    watch = _Watch(workshop)
    offered, performed = _noted(workshop.store)
    await watch.look()

    await _write_records(workshop, watch)
    await _configure(workshop, watch)
    await _build(workshop, watch)
    await _end(workshop, watch)

    assert watch.written == set(tables.metadata.tables)
    # A use case that writes has its place in the story above.
    assert offered - performed <= _READ_ONLY


async def _configure(workshop: Workshop, watch: _Watch) -> None:
    store, do = workshop.store, watch.do
    projects = [ProjectConfig(name="p", slug="p")]
    builders = [builder_config("b1", project="p", tags=("t",)), builder_config("b3")]
    await do(store.projects.sync(projects))
    workshop.builder_ids = await do(store.builders.sync(builders, workshop.master_id))
    await do(store.projects.sync([]))
    b1 = workshop.builder_ids["b1"]
    workers = await do(store.workers.sync({"w1": [b1], "w2": [b1]}, workshop.master_id))
    machine = await do(store.instances.begin(workers["w1"], workshop.master_id, "a build needs it"))
    await do(store.instances.keep(replace(machine, handle="i-1")))
    store.instances.record(replace(machine, state=RecordedState.STOPPED))
    store.audit.note(
        AuditEntry(
            happened_at=1.0,
            kind=ORDER,
            action="stop",
            path="builds/1",
            user_name="",
            origin="192.0.2.7",
            is_allowed=True,
            details={},
            reason="",
        )
    )
    account = User(name="ann")
    session = WebSession(
        digest="d",
        account=account,
        user_name="ann",
        method="m",
        origin="",
        agent="",
        created_at=1.0,
        seen_at=1.0,
        ends_at=9e9,
    )
    token = ApiToken(
        digest="t", label="l", account=account, user_name="ann", created_at=1.0, ends_at=9e9
    )
    sessions = [await do(store.web_sessions.add(replace(session, digest=d))) for d in "ab"]
    store.web_sessions.saw(sessions[0].id, 2.0)
    kept = await do(store.api_tokens.add(token))
    await do(store.api_tokens.add(replace(token, digest="u", build_id=1)))
    store.api_tokens.used(kept.id, 2.0, "192.0.2.7")
    store.api_tokens.describe(account)
    store.api_tokens.delete_of_build(1)
    await do(store.web_sessions.delete([one.id for one in sessions]))
    await do(store.api_tokens.delete(kept.id))
    await do(None)  # These are recorded soon.
    await do(store.audit.delete_before(2.0))
    await do(store.workers.connected(workshop.worker_id, workshop.master_id, WorkerInfo()))
    await do(store.workers.set_state(workshop.worker_id, Standing(paused=True, pause_reason="why")))
    await do(store.workers.disconnected(workshop.worker_id, workshop.master_id, "why"))
    ids = list((await do(store.schedulers.ids(["s", "t"]))).values())
    await do(store.schedulers.activate(ids, workshop.master_id))
    await do(store.schedulers.describe({ids[0]: ("Nightly", "its time")}))
    await do(store.schedulers.due(ids[0], 500.0))
    await do(store.schedulers.set_enabled(ids[0], False))
    await do(store.schedulers.deactivate(workshop.master_id))
    sources = list((await do(store.change_sources.ids(["c"]))).values())
    await do(store.change_sources.activate(sources, workshop.master_id))
    health = SourceHealth(state=SourceState.FAILING, sentence="cannot reach it")
    await do(store.change_sources.report(sources[0], health))
    await do(store.logs.bring_up_to_date())
    await do(store.change_sources.deactivate(workshop.master_id))
    await do(store.state.set("n", "k", "key", 1))


async def _build(workshop: Workshop, watch: _Watch) -> None:
    store, do = workshop.store, watch.do
    new = [NewChange(author="a", revision=str(n), branch="main") for n in range(2)]
    changes = await do(store.changes.add(new, Remembered(name="n", kind="k", key="key", value=2)))
    ids = [change.id for change in changes]
    (scheduler,) = (await do(store.schedulers.ids(["s"]))).values()
    await do(store.schedulers.classify(scheduler, {ids[0]: True, ids[1]: False}))
    await do(store.schedulers.saw_changes({scheduler: ids[1]}))
    await do(store.schedulers.flush(scheduler, [ids[0]]))
    b1 = workshop.builder_ids["b1"]
    buildset = NewBuildset(
        builder_ids=(b1,),
        source_stamps=(changes[1].source_stamp_id,),
        reason="r",
        scheduler="s",
        properties={"p": (1, "x")},
        collected_changes=tuple(ids),
    )
    submitted = await do(store.schedulers.submit_and_flush(scheduler, buildset, [ids[1]]))
    request = submitted.requests[0].request.id
    await do(store.requests.set_priority(request, 7))
    build = await do(workshop.start(request))
    patch = SourceStamp(codebase="c", patch=Patch(level=0, body=b"d"))
    await do(workshop.submit(stamps=[patch], parent_build_id=build.id))
    await do(store.builds.set_build_state(build, "state"))
    await do(store.builds.set_build_properties(build.id, {"q": (2, "y")}))
    await do(store.builds.amend_properties(build.id, {"q": (3, "y")}))
    build = await do(store.builds.add_locks_duration(build, 2.0))
    for value in (b"1", b"22"):
        await do(store.build_data.set(build.id, "size", value, "s"))
    step = (await do(store.steps.add_step(build.id, "compile", "waiting"))).step
    step = await do(store.steps.start_step(step, locks_acquired=False))
    step = await do(store.steps.step_got_locks(step))
    step = await do(store.steps.set_step_state(step, "compiling"))
    step = await do(store.steps.add_step_url(step, StepUrl("n", "u")))
    await do(store.steps.set_step_statistics(step, {"warnings": 2}))
    results = await do(store.test_results.add_set(_result_set(step, build.builder_id)))
    await do(store.test_results.add(results.id, [ResultOfTest(value="1", test_name="t")]))
    await do(store.test_results.complete(results.id, 1, 0))
    log = await do(store.logs.open(step.id, "stdio", "stdio", LogType.STDIO))
    await do(store.logs.append(log.id, segment(b"oone\n")))
    await do(store.logs.finish(log.id))
    await do(store.steps.finish_step(step, Result.SUCCESS, "compiled", False))
    workshop.clock.seconds += 1.5
    await do(store.builds.finish_build(build, Result.SUCCESS, "done", [request]))


async def _end(workshop: Workshop, watch: _Watch) -> None:
    store, do = workshop.store, watch.do
    waiting = (await do(workshop.submit())).requests[0].request.id
    await do(store.requests.cancel(waiting, "no"))
    running = await do(workshop.build())
    await do(store.builds.finish_build(running, Result.RETRY, "again", [running.request_id]))
    again = await do(workshop.start(running.request_id))
    await do(store.steps.add_finished_step(again.id, "quick", "done", Result.SUCCESS, 1.5))
    step = await do(workshop.step(again, "with a log"))
    log = await do(store.logs.open(step.id, "stdio", "stdio", LogType.STDIO))
    await do(store.logs.finish(log.id))
    await do(store.logs.delete_texts([log.id]))
    unwanted = (await do(workshop.submit())).requests[0].request.id
    await do(store.requests.end([unwanted], Result.SKIPPED, "not wanted"))
    open_requests = [(await do(workshop.submit())).requests[0].request.id for _ in range(2)]
    await do(store.requests.complete(open_requests[:1], Result.SKIPPED))
    await do(store.requests.give_back([again.request_id], workshop.master_id))
    await do(workshop.start(*open_requests[1:]))
    other = await do(store.masters.start("there:/master"))
    await do(store.masters.tell_started(other))
    workshop.clock.seconds += 100
    await do(store.masters.touch(other))
    signs = await do(store.masters.signs_of_life())
    await do(store.masters.expire({workshop.master_id: signs[workshop.master_id]}))
    now = workshop.clock.seconds
    await do(_drained(store.retention.delete_logs(now, workshop.master_id)))
    await do(_drained(store.retention.delete_build_data(now)))
    await do(_drained(store.retention.delete_changes(0)))
    left = await do(store.masters.left_behind(workshop.master_id))
    await do(store.masters.carry_out(left, outcomes_of(left, Cause.SILENT)))
    await do(store.masters.stop(other))
    await do(_delete_builders(workshop))


def _result_set(step: Step, builder_id: BuilderId) -> ResultSet:
    return ResultSet(
        id=TestResultSetId(0),
        builder_id=builder_id,
        build_id=step.build_id,
        step_id=step.id,
        description=None,
        category="pass_fail",
        value_unit="boolean",
    )


async def _drained(batches: AsyncIterator[Any]) -> None:
    async for _ in batches:
        pass


async def _write_records(workshop: Workshop, watch: _Watch) -> None:
    """Write what no use case writes yet, and a build for it to belong to."""
    build = await watch.do(workshop.build())
    rows: dict[str, dict[str, Any]] = {
        "projects": {"id": 9, "name": "q", "slug": "q", "active": True},
        "codebases": {"id": 1, "project_id": 9, "name": "c", "slug": "c"},
        "commits": {
            "id": 1,
            "codebase_id": 1,
            "author": "a",
            "comments": "",
            "when_timestamp": 1.5,
            "revision": "x",
        },
        "branches": {"id": 1, "codebase_id": 1, "name": "b", "commit_id": 1}
        | {"last_timestamp": 1.5},
        "build_data": {"build_id": build.id, "name": "x", "value": b"v"}
        | {"length": 1, "source": "s"},
    }
    for name, row in rows.items():
        await watch.do(_insert(workshop, name, row))


async def _insert(workshop: Workshop, name: str, row: dict[str, Any]) -> None:
    statement = insert(tables.metadata.tables[name])

    def use_case(transaction: Transaction) -> None:
        transaction.connection.execute(statement, row)

    await workshop.store.database.write(use_case)


async def _delete_builders(workshop: Workshop) -> None:
    """Delete what nearly everything belongs to."""

    def use_case(transaction: Transaction) -> None:
        transaction.connection.execute(delete(tables.builders))

    await workshop.store.database.write(use_case)
