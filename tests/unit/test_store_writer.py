"""Where the writer performs use cases: short ones in the loop, the others in its thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from chargehand.domain.identifiers import MasterId
from chargehand.domain.master import Master
from chargehand.events.messages import Event, MasterStarted
from chargehand.store.engine import tables, writer
from chargehand.store.engine.database import Database
from chargehand.store.engine.transaction import Transaction
from chargehand.store.errors import DatabaseLocked

_NAMES = select(tables.masters.c.name).order_by(tables.masters.c.id)


@pytest.fixture(autouse=True)
def _never_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a transaction may take long; only one test is about that."""
    monkeypatch.setattr(writer, "_LONG", 1000.0)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def database(tmp_path: Path, events: list[Event]) -> AsyncIterator[Database]:
    database = Database(url="sqlite:///state.sqlite", basedir=tmp_path, publish=events.extend)
    await database.open()
    await database.write(lambda _: None)  # The thread connects.
    yield database
    await database.close()


def _add(name: str, error: Exception | None = None) -> Callable[[Transaction], str]:
    """Return a use case that returns the name of the thread that performed it."""

    def use_case(transaction: Transaction) -> str:
        row = {"name": name, "active": True, "last_active": transaction.now}
        transaction.connection.execute(insert(tables.masters), row)
        master = Master(id=MasterId(0), name=name, active=True, last_active=transaction.now)
        transaction.announce(MasterStarted(master=master))
        if error is not None:
            raise error
        return threading.current_thread().name

    return use_case


_HERE = threading.main_thread().name
_THERE = "store-writer"


async def _names(database: Database) -> list[str]:
    return await database.read(lambda connection: list(connection.execute(_NAMES).scalars()))


async def test_short_use_cases_are_performed_in_the_loop(
    database: Database, events: list[Event]
) -> None:
    assert await database.write(_add("one"), is_short=True) == _HERE
    assert await database.insist(_add("two"), sequence=1) == _HERE
    assert await database.write(_add("three")) == _THERE

    assert await _names(database) == ["one", "two", "three"]
    assert len(events) == 3


async def test_nothing_overtakes_what_the_thread_performs(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(transaction: Transaction) -> str:
        begun.set()
        go_on.wait()
        return _add("slow")(transaction)

    first = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(begun.wait)
    second = asyncio.ensure_future(database.write(_add("short"), is_short=True))
    await asyncio.sleep(0)
    go_on.set()

    assert [await first, await second] == [_THERE, _THERE]
    assert await _names(database) == ["slow", "short"]
    assert await database.write(_add("later"), is_short=True) == _HERE


async def test_the_loop_does_not_wait_for_locks_of_other_programs(
    database: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(database.write(_add("one"), is_short=True))
    for _ in range(50):  # The loop runs: this test would never release the lock.
        await asyncio.sleep(0)
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()

    assert await waiting == _THERE
    assert await database.write(_add("two"), is_short=True) == _HERE


async def test_a_failed_use_case_leaves_nothing_and_harms_nobody(
    database: Database, events: list[Event]
) -> None:
    with pytest.raises(ValueError, match="no"):
        await database.write(_add("bad", ValueError("no")), is_short=True)
    with pytest.raises(Exception, match="no such table"):
        await database.write(
            lambda transaction: transaction.connection.execute(text("SELECT * FROM nowhere")),
            is_short=True,
        )
    assert await database.write(_add("good"), is_short=True) == _HERE

    assert await _names(database) == ["good"]
    assert len(events) == 1


async def test_a_commit_that_fails_is_rolled_back_whole(
    database: Database, tmp_path: Path, events: list[Event]
) -> None:
    """SQLAlchemy takes part in it, and keeps a transaction whose commit failed."""

    def deferred(transaction: Transaction) -> None:
        connection = transaction.connection
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        row = {"name": "lost", "active": True, "last_active": 1.0}
        connection.execute(insert(tables.masters), row)
        connection.execute(text("INSERT INTO steps (build_id) VALUES (4711)"))

    for _ in range(3):
        with pytest.raises(Exception, match=r"constraint|NOT NULL"):
            await database.write(deferred, is_short=True)
    assert await database.write(_add("good"), is_short=True) == _HERE
    assert await _names(database) == ["good"]
    assert len(events) == 1


async def test_the_thread_gets_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BETWEEN_CHECKPOINTS", 3)
    database = Database(url="sqlite:///state.sqlite", basedir=tmp_path, publish=lambda _: None)
    await database.open()
    await database.write(lambda _: None)
    threads = [await database.write(_add(str(n)), is_short=True) for n in range(12)]
    await database.close()

    assert threads == ([_HERE] * 3 + [_THERE] * 2) * 2 + [_HERE] * 2


async def test_a_slow_disk_is_left_to_the_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LONG", -1.0)
    assert await database.write(_add("one"), is_short=True) == _HERE
    assert await database.write(_add("two"), is_short=True) == _HERE
    assert await database.write(_add("three"), is_short=True) == _THERE


async def test_what_handlers_of_events_write_comes_next(tmp_path: Path) -> None:
    told: list[str] = []
    more = iter(["two", "three", "four"])
    writes: list[asyncio.Future[str]] = []

    def publish(events: list[Event]) -> None:
        for event in events:
            assert isinstance(event, MasterStarted)
            if (name := next(more, None)) is not None:
                writes.append(
                    asyncio.ensure_future(database.insist(_add(name), sequence=len(name)))
                )
            told.append(event.master.name)

    database = Database(url="sqlite:///state.sqlite", basedir=tmp_path, publish=publish)
    await database.open()
    await database.write(_add("zero"))
    await database.write(_add("one"), is_short=True)
    while len(writes) < 3:
        await asyncio.sleep(0)
    assert [await write for write in writes] == [_HERE] * 3
    await database.close()

    assert sorted(told) == ["four", "one", "three", "two", "zero"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("wir"), st.booleans(), st.booleans()), max_size=25))
def test_all_keep_their_order(orders: list[tuple[str, bool, bool]]) -> None:
    """Whatever is short, fails or is waited for: what was recorded is in its order."""

    async def play() -> tuple[list[str], list[str], list[str]]:
        told: list[str] = []

        def publish(events: list[Event]) -> None:
            told.extend(event.master.name for event in events if isinstance(event, MasterStarted))

        database = Database(url="sqlite://", basedir=Path(), publish=publish)
        await database.open()
        expected: list[str] = []
        waiting: list[asyncio.Future[str]] = []
        for number, (kind, is_short, fails) in enumerate(orders):
            use_case = _add(str(number), ValueError("no") if fails else None)
            if not fails:
                expected.append(str(number))
            if kind == "r":
                database.record(use_case, sequence=number if is_short else None)
            elif kind == "i":
                waiting.append(asyncio.ensure_future(database.insist(use_case, is_short=is_short)))
            else:
                await database.recorded()
                await asyncio.gather(*waiting, return_exceptions=True)
                with_error = database.write(use_case, is_short=is_short)
                await asyncio.gather(with_error, return_exceptions=True)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting, return_exceptions=True)
        await database.recorded()
        names = await _names(database)
        await database.close()
        return expected, names, told

    expected, names, told = asyncio.run(play())
    assert names == expected
    assert told == expected


async def test_a_lock_that_is_held_too_long_is_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargehand.store.engine.transaction.BUSY_MILLISECONDS", 10)
    await database.write(_add("one"), is_short=True)
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseLocked):
        await database.write(_add("two"), is_short=True)
    other.execute("ROLLBACK")
    other.close()
    assert await database.write(_add("three"), is_short=True) == _HERE
