"""What happens while something is read, recorded or asked counts more than what was read."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from rich.console import Console
from test_dispatcher import Farm, builder, settle
from test_fleet import Yard, config
from waiting import PATIENCE

from chargehand.cli.remote.following import Follower
from chargehand.cli.remote.rows import Build, Request
from chargehand.config.model import MasterConfig
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId
from chargehand.domain.instance import (
    FoundInstance,
    InstanceHealth,
    InstanceRecord,
    InstanceState,
    RecordedState,
    StartedInstance,
)
from chargehand.domain.session import SessionState, WorkerNotStarted
from chargehand.domain.worker import Worker
from chargehand.execution.expectations import Expectations, Expected
from chargehand.fleet.left_instances import LeftInstances
from chargehand.fleet.on_demand import OnDemandLink
from chargehand.fleet.recorded_machine import Books, RecordedMachine
from chargehand.fleet.service import Fleet
from chargehand.kit.clock import SystemClock
from chargehand.kit.tasks import Tasks
from chargehand.testing.dispatch import MemoryWorkers
from chargehand.testing.fleet import DirectLink, MemoryInstanceStore, MemoryWorkerStore
from chargehand.testing.intake import MemoryStateStore
from chargehand.testing.scripted_session import ScriptedSession


class Gate:
    """Keeps the answers of one method back, which are read before, until it is opened."""

    def __init__(self, owner: Any, method: str) -> None:
        self._inner = getattr(owner, method)
        self._opened = asyncio.Event()
        self.asked = asyncio.Event()
        setattr(owner, method, self)

    async def __call__(self, *arguments: Any, **more: Any) -> Any:
        answer = await self._inner(*arguments, **more)
        self.asked.set()
        await self._opened.wait()
        return answer

    def open(self) -> None:
        self._opened.set()


# Dispatch


async def test_a_priority_that_is_set_while_waiting_requests_are_read_counts() -> None:
    farm = Farm(MemoryWorkers(one=1))
    await farm.dispatcher.start()
    running, *_, last = (farm.store.submit(1) for _ in range(3))
    gate = Gate(farm.store, "pending")
    loading = asyncio.create_task(
        farm.dispatcher.reconfigure(
            MasterConfig(builders=(builder("a", "one"),)), {"a": BuilderId(1)}
        )
    )
    await gate.asked.wait()

    await farm.dispatcher.set_priority(RequestId(last), 10)
    gate.open()
    await loading
    await settle()

    assert farm.started == [last]
    await farm.end(last)
    assert farm.started == [last, running]
    await farm.dispatcher.stop()


# Workers


async def test_a_worker_that_is_paused_while_it_is_told_to_stop_stays_paused() -> None:
    yard = Yard()
    await yard.configure(config("w"))
    gate = Gate(yard.store, "set_state")
    pausing = asyncio.create_task(yard.fleet.control("w", "pause", "broken disk"))
    await gate.asked.wait()
    stopping = asyncio.create_task(yard.fleet.control("w", "stop", ""))
    await settle()
    gate.open()
    await asyncio.gather(pausing, stopping)

    record = yard.store.workers["w"]
    assert (record.paused, record.pause_reason, record.graceful) == (True, "broken disk", True)


async def test_pausing_a_worker_that_is_shutting_down_does_not_take_that_back() -> None:
    yard = Yard()
    await yard.configure(config("w"))
    yard.fleet.reserve("w")
    await yard.fleet.control("w", "stop", "")

    await yard.fleet.control("w", "pause", "look at it first")

    record = yard.store.workers["w"]
    assert (record.paused, record.graceful) == (True, True)


async def test_a_worker_that_comes_back_while_it_is_paused_stays_paused() -> None:
    yard = Yard()
    await yard.configure(config("w"), config("v"))
    yard.fleet.reserve("w")
    await yard.fleet.control("w", "stop", "")
    await yard.configure(config("v"))
    gate = Gate(yard.store, "set_state")
    pausing = asyncio.create_task(yard.fleet.control("w", "pause", "broken disk"))
    await gate.asked.wait()
    adding = asyncio.create_task(yard.configure(config("w"), config("v")))
    await settle()
    gate.open()
    await asyncio.gather(pausing, adding)

    record = yard.store.workers["w"]
    assert (record.paused, record.pause_reason, record.graceful) == (True, "broken disk", False)
    assert yard.slot().paused


async def test_a_session_that_is_lost_while_it_is_recorded_is_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    yard = Yard()
    gate = Gate(yard.store, "connected")
    adding = asyncio.create_task(yard.configure(config("w")))
    await gate.asked.wait()
    link = yard.links["w"][0]
    losing = asyncio.create_task(link.lose())
    await settle()
    gate.open()
    await asyncio.gather(adding, losing)

    assert yard.fleet.reserve("w") is None
    assert yard.store.workers["w"].connected_to == ()
    assert "is connected" not in caplog.text


@pytest.mark.looptime
async def test_the_pause_of_a_worker_outlives_what_was_shown_of_an_earlier_one_of_its_name() -> (
    None
):
    yard = Yard()
    await yard.configure(config("w"))
    yard.fleet.not_ready("w", "b", "its disk is full")
    yard.fleet.login_refused("w", "login refused: wrong password")
    await asyncio.sleep(1)
    await yard.configure()
    await settle()
    await yard.configure(config("w"))
    await yard.fleet.control("w", "pause", "broken disk")

    await asyncio.sleep(2000)

    record = yard.store.workers["w"]
    assert (record.paused, record.pause_reason) == (True, "broken disk")


@pytest.mark.looptime
async def test_refused_logins_end_also_for_a_worker_that_was_configured_again() -> None:
    yard = Yard()
    await yard.configure(config("w"))
    yard.fleet.login_refused("w", "login refused at 10:00")
    await yard.configure()
    await settle()
    await yard.configure(config("w"))
    yard.fleet.login_refused("w", "login refused at 10:01")
    await asyncio.sleep(1)
    assert yard.store.workers["w"].pause_reason == "login refused at 10:01"

    await asyncio.sleep(1000)

    assert yard.store.workers["w"].pause_reason is None
    assert yard.slot().refusal is None


# Machines


class Machine:
    """A user's machine; starting and stopping it can be kept back."""

    build_wait_timeout = 0.0
    missing_timeout = 60.0
    check_every = first_check = 60.0
    may_be_incompatible = False
    place = "here"

    def __init__(self) -> None:
        self.started: list[object] = []
        self.stops = 0
        self.found: list[FoundInstance] = []
        self.stopped: list[str] = []

    async def start_ended(self) -> None:
        """Each start has ended when it has returned."""

    async def start(self, build: object, begun: Any) -> StartedInstance:
        self.started.append(build)
        await begun.connect()
        return StartedInstance()

    async def stop(self, *, fast: bool) -> None:
        self.stops += 1

    async def health(self) -> InstanceHealth:
        return InstanceHealth()

    async def close(self) -> None:
        pass

    def has_become(self, state: str) -> None:
        pass

    async def find(self, fleet: str) -> list[FoundInstance]:
        return self.found

    async def stop_found(self, found: FoundInstance) -> None:
        self.stopped.append(found.name)


class OneMachine:
    """An on-demand worker with the fleet around it."""

    def __init__(self, instances: MemoryInstanceStore | None = None) -> None:
        self.machine = Machine()
        self.refused: list[str] = []
        self.store = MemoryWorkerStore()
        store = instances or MemoryInstanceStore()
        books = Books(store=store, master_id=MasterId(1), clock=SystemClock())
        self.link = OnDemandLink(
            config=config("w"),
            hosted=self.machine,
            machine=RecordedMachine(
                hosted=self.machine,
                worker=lambda: Worker(id=1, name="w"),
                books=books,
                stranded=lambda record: None,
            ),
            connect=lambda: Connection(self.link),
            refused=self.refused.append,
            recovered=lambda: None,
        )


class Connection:
    """Connects a session at once."""

    def __init__(self, link: OnDemandLink) -> None:
        self._link = link

    async def start(self) -> None:
        self._link.attached(ScriptedSession(worker_name="w"))

    async def stop(self) -> None:
        self._link.lost()


async def test_a_build_that_is_stopped_while_it_waits_for_a_machine_starts_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = OneMachine()
    one.link.take()
    await one.link.ready("first")
    gate = Gate(one.machine, "stop")
    one.link.release()
    await gate.asked.wait()
    one.link.take()
    waiting = asyncio.create_task(one.link.ready("second"))
    await settle()
    assert one.link.state is InstanceState.INSUBSTANTIATING_SUBSTANTIATING

    waiting.cancel()  # Its end is recorded before it leaves the worker.
    await settle()
    gate.open()
    await settle()
    one.link.release()
    await settle()

    assert one.machine.started == ["first"]
    assert one.refused == []
    assert not caplog.records
    assert one.link.state is InstanceState.NOT_SUBSTANTIATED


class SlowInstanceStore(MemoryInstanceStore):
    """Has a row some time before anybody hears of it, as a database has."""

    def __init__(self) -> None:
        super().__init__()
        self.inserted = asyncio.Event()
        self.may_return = asyncio.Event()

    async def begin(self, worker: Worker, master_id: MasterId, reason: str) -> InstanceRecord:
        record = await super().begin(worker, master_id, reason)
        self.inserted.set()
        await self.may_return.wait()
        return record


async def test_a_machine_that_is_given_up_while_it_is_recorded_is_recorded_as_stopped() -> None:
    store = SlowInstanceStore()
    one = OneMachine(store)
    one.machine.missing_timeout = 0.01
    one.link.take()
    with pytest.raises(WorkerNotStarted, match=r"did not return within 0\.01 s"):
        await one.link.ready("build")
    one.link.release()
    await settle()
    assert one.machine.stops == 0
    store.may_return.set()
    await settle()

    assert one.machine.started == []
    assert one.link.state is InstanceState.NOT_SUBSTANTIATED
    assert [record.state for record in store.records.values()] == [RecordedState.STOPPED]


async def test_a_build_that_is_stopped_as_its_machine_may_start_starts_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = OneMachine()
    one.link.take()
    await one.link.ready("first")
    gate = Gate(one.machine, "stop")
    one.link.release()
    await gate.asked.wait()
    one.link.take()
    waiting = asyncio.create_task(one.link.ready("second"))
    await settle()

    gate.open()
    while one.link.state is InstanceState.INSUBSTANTIATING_SUBSTANTIATING:
        await asyncio.sleep(0)
    waiting.cancel()
    await settle()
    one.link.release()
    await settle()

    assert one.refused == []
    assert not caplog.records
    assert one.link.state is InstanceState.NOT_SUBSTANTIATED


async def test_a_session_of_a_machine_that_is_lost_while_it_is_recorded_serves_no_build() -> None:
    machine, store = Machine(), MemoryWorkerStore()
    links: list[DirectLink] = []

    def link(config: Any, registry: Any) -> DirectLink:
        links.append(DirectLink(config, registry))
        return links[-1]

    fleet = Fleet(
        store=store, instances=MemoryInstanceStore(), master_id=MasterId(1), links={"fake": link}
    )
    await fleet.reconfigure([config("w", instance=machine)], {})
    gate = Gate(store, "connected")
    session = fleet.reserve("w")
    starting = asyncio.create_task(session.begin("a build"))
    await gate.asked.wait()
    losing = asyncio.create_task(links[0].lose())
    await settle()
    gate.open()
    await losing
    await settle()

    assert not starting.done()
    await links[0].start()
    await starting
    assert session is not None
    assert session.state is SessionState.CONNECTED
    fleet.release("w")
    await fleet.close()


async def test_a_machine_that_ends_while_left_ones_are_looked_for_is_not_stopped_again() -> None:
    live = {"used"}
    machine = Machine()
    machine.found = [FoundInstance(name=name, handle=None) for name in ("used", "left")]
    books = Books(store=MemoryInstanceStore(), master_id=MasterId(1), clock=SystemClock())
    left = LeftInstances(books=books, live=lambda: live)
    gate = Gate(machine, "find")
    looking = asyncio.create_task(left.sweep([machine]))
    await gate.asked.wait()
    live.clear()
    gate.open()
    await looking

    assert machine.stopped == ["left"]


# Expectations


async def test_what_could_not_be_saved_is_saved_the_next_time() -> None:
    state, tasks = MemoryStateStore(), Tasks("test")
    expectations = Expectations(state=state, tasks=tasks)
    expectations.learn("a", {"compile": Expected(1.0)})
    working = state.set

    async def broken(*_: Any) -> None:
        raise OSError("the database is away")

    state.set = broken
    with pytest.raises(OSError, match="away"):
        await expectations.save()
    state.set = working
    await expectations.save()

    assert await state.get("builds", "chargehand.Expectations", "a", None)
    await tasks.close()


# Commands


class QuickMaster:
    """Answers questions about one request, whose build begins and ends between two of them."""

    def __init__(self) -> None:
        self.is_ended = False

    @contextlib.asynccontextmanager
    async def listening(self, paths: Sequence[str]) -> AsyncIterator[SilentEvents]:
        yield SilentEvents()

    async def all(self, kind: type, path: str, **_: Any) -> list[Any]:
        is_ended, self.is_ended = self.is_ended, True
        rows: list[dict[str, Any]] = []
        if kind is Request:
            common = {"buildrequestid": 3, "buildsetid": 1, "builderid": 1, "priority": 0}
            rows = [{**common, "claimed": is_ended, "complete": is_ended, "submitted_at": 0.0}]
        elif kind is Build and is_ended:
            common = {"buildid": 7, "number": 1, "builderid": 1, "buildrequestid": 3}
            ended = {"complete": True, "complete_at": 1.0, "state_string": "build successful"}
            rows = [{**common, **ended, "workerid": 1, "started_at": 0.0, "results": 0}]
        return [msgspec.convert({"results": None, **row}, kind) for row in rows]


class SilentEvents:
    """No event comes."""

    async def add(self, path: str) -> None:
        pass

    async def next(self) -> str | None:
        await asyncio.Event().wait()
        return None


async def test_a_build_that_begins_and_ends_between_two_questions_is_followed() -> None:
    output = io.StringIO()
    follower = Follower(QuickMaster(), Console(file=output))

    async with asyncio.timeout(PATIENCE):
        build = await follower.request(3, "tests")

    assert build is not None
    assert build.buildid == 7
    assert "build successful" in output.getvalue()
