"""Whenever the line to the database breaks, what was to be written is written exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fragile_line import FragileLine, fragile_line
from sqlalchemy import Engine, create_engine, select
from store_workshop import Workshop, opened

from chargehand.domain.change import NewChange
from chargehand.domain.remembered import Remembered
from chargehand.domain.result import Result
from chargehand.domain.worker import WorkerInfo
from chargehand.store.engine.tables import metadata
from chargehand.store.errors import Outage

NewDatabase = Callable[[str], str]
Write = Callable[[], Awaitable[object]]
Prepare = Callable[[Workshop], Awaitable[Write]]


async def _submit(workshop: Workshop) -> Write:
    return lambda: workshop.submit("b1", "b2")


async def _order(workshop: Workshop) -> Write:
    submitted = await workshop.submit("b1")
    build = await workshop.start(submitted.requests[0].request.id)
    again = await workshop.store.buildsets.rebuild_of(build.id)
    mark = Remembered(name="s", kind="Periodic", key="last_build", value=1.5)
    return lambda: workshop.store.buildsets.submit(again, at_once=True, remembered=[mark])


async def _claim(workshop: Workshop) -> Write:
    submitted = await workshop.submit("b1")
    return lambda: workshop.start(submitted.requests[0].request.id)


async def _finish(workshop: Workshop) -> Write:
    submitted = await workshop.submit("b1")
    request = submitted.requests[0].request.id
    build = await workshop.start(request)

    async def write() -> None:
        added = await workshop.store.steps.add_step(build.id, "step", "", started=True)
        workshop.store.steps.set_step_state(added.step, "running")
        workshop.store.builds.set_build_properties(build.id, {"p": (1, "test")})
        workshop.store.steps.finish_step(added.step, Result.SUCCESS, "done", False)
        await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", [request])

    return write


async def _give_back(workshop: Workshop) -> Write:
    submitted = await workshop.submit("b1")
    request = submitted.requests[0].request.id
    await workshop.start(request)
    return lambda: workshop.store.requests.give_back([request], workshop.master_id)


async def _cancel(workshop: Workshop) -> Write:
    request = (await workshop.submit("b1")).requests[0].request.id
    return lambda: workshop.store.requests.cancel(request, "no reason")


async def _build_changes(workshop: Workshop) -> Write:
    ids = await workshop.store.schedulers.ids(["s"])
    [change] = await workshop.store.changes.add([NewChange(author="me", branch="main")])
    submitted = await workshop.submit("b1")
    build = await workshop.start(submitted.requests[0].request.id)
    again = await workshop.store.buildsets.rebuild_of(build.id)

    async def write() -> None:
        await workshop.store.schedulers.classify(ids["s"], {change.id: True})
        await workshop.store.schedulers.submit_and_flush(ids["s"], again, [change.id])

    return write


async def _add_changes(workshop: Workshop) -> Write:
    remember = Remembered(name="p", kind="GitPoller", key="heads", value={"main": "abc"})
    new = [NewChange(author="me", branch="main", revision=str(n)) for n in range(2)]
    return lambda: workshop.store.changes.add(new, remember)


async def _connect(workshop: Workshop) -> Write:
    return lambda: workshop.store.workers.connected(
        workshop.worker_id, workshop.master_id, WorkerInfo(version="1")
    )


_WRITES: list[Prepare] = [
    _submit,
    _order,
    _claim,
    _finish,
    _give_back,
    _cancel,
    _build_changes,
    _add_changes,
    _connect,
]


def _rows(engine: Engine) -> Counter[tuple[object, ...]]:
    """Return what there is, without what differs from one time to the next."""
    found: Counter[tuple[object, ...]] = Counter()
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            columns = [
                column
                for column in table.columns
                if not (column.name.endswith("id") or column.name in {"number", "revision"})
            ]
            for row in connection.execute(select(*columns)):
                if "commits" not in row:
                    found[table.name, *row] += 1
    return found


@pytest.fixture
async def line(postgresql_socket: Path) -> AsyncIterator[FragileLine]:
    async with fragile_line(postgresql_socket) as line:
        yield line


async def _difference(
    engine: Engine, workshop: Workshop, prepare: Prepare, arm: Callable[[], None]
) -> tuple[object, ...]:
    write = await prepare(workshop)
    await workshop.recorded()
    before = _rows(engine)
    workshop.heard()
    arm()
    await write()
    await workshop.recorded()
    after = _rows(engine)
    return after - before, before - after, workshop.names()


@asynccontextmanager
async def _broken(
    line: FragileLine, new_database: NewDatabase, basedir: Path
) -> AsyncIterator[tuple[Engine, Workshop]]:
    direct = new_database("postgresql")
    engine = create_engine(direct.replace("postgresql:", "postgresql+psycopg:"))
    url = direct.partition("?")[0].replace("@/", f"@127.0.0.1:{line.port}/")
    try:
        async with opened(url, basedir) as workshop:
            yield engine, workshop
            line.hold()
    finally:
        engine.dispose()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("prepare", _WRITES, ids=lambda prepare: prepare.__name__[1:])
async def test_what_is_written_is_written_once_though_its_commit_is_not_answered(
    prepare: Prepare,
    after: bool,
    line: FragileLine,
    new_database: NewDatabase,
    tmp_path: Path,
) -> None:
    async with _broken(line, new_database, tmp_path) as (engine, workshop):
        await _difference(engine, workshop, prepare, line.hold)
        expected = await _difference(engine, workshop, prepare, line.hold)

        found = await _difference(
            engine, workshop, prepare, lambda: line.break_at(0, after=after, of=b"COMMIT")
        )

        assert line.has_broken
        assert found == expected


@pytest.mark.parametrize("prepare", [_submit, _cancel, _finish], ids=lambda one: one.__name__[1:])
async def test_a_commit_that_is_still_on_its_way_is_waited_for(
    prepare: Prepare, line: FragileLine, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with _broken(line, new_database, tmp_path) as (engine, workshop):
        await _difference(engine, workshop, prepare, line.hold)
        expected = await _difference(engine, workshop, prepare, line.hold)
        line.late_until = b"FOR UPDATE"

        found = await _difference(
            engine, workshop, prepare, lambda: line.break_at(0, after=True, of=b"COMMIT")
        )

        assert line.has_broken
        assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("prepare", _WRITES, ids=lambda prepare: prepare.__name__[1:])
async def test_what_is_written_is_written_once_wherever_the_line_breaks(
    prepare: Prepare,
    after: bool,
    line: FragileLine,
    new_database: NewDatabase,
    tmp_path: Path,
) -> None:
    async with _broken(line, new_database, tmp_path) as (engine, workshop):
        await _difference(engine, workshop, prepare, line.hold)
        expected = await _difference(engine, workshop, prepare, line.hold)
        for message in range(100):
            found = await _difference(
                engine, workshop, prepare, lambda n=message: line.break_at(n, after=after)
            )

            assert found == expected, f"broken at message {message}"
            if not line.has_broken:
                break
            assert message < 99


async def test_an_order_learns_what_became_of_it_when_the_server_is_back(
    line: FragileLine, new_database: NewDatabase, tmp_path: Path
) -> None:
    line.outage = 0.3
    async with _broken(line, new_database, tmp_path) as (engine, workshop):
        await _difference(engine, workshop, _order, line.hold)
        expected = await _difference(engine, workshop, _order, line.hold)

        found = await _difference(
            engine, workshop, _order, lambda: line.break_at(0, after=True, of=b"COMMIT")
        )

        assert line.has_broken
        assert found == expected


async def test_a_refused_connection_is_an_outage(
    line: FragileLine, new_database: NewDatabase, tmp_path: Path
) -> None:
    line.outage = 1.0
    async with _broken(line, new_database, tmp_path) as (_, workshop):
        build = await workshop.build()
        line.break_at(0, after=False)

        step = await workshop.step(build)
        with pytest.raises(Outage, match="cannot reach"):
            line.break_at(0, after=False)
            await workshop.store.requests.cancel(build.request_id, "no reason")

        assert step.name == "shell"
