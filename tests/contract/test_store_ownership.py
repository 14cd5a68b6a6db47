"""Of several masters, some of them stalled, restarted or declared stopped, one runs each build."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from store_workshop import HandClock, Workshop, builder_config, opened

from chargehand.app.recovering import recover
from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.build import Build
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId, WorkerId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.messages import BuildFinished, Event, RequestCompleted
from chargehand.execution.recovery import Cause
from chargehand.store.store import Store

_examples = count(1)
_MASTERS = 3
_REQUESTS = 3


class Life:
    """One process of a master, and the builds that it believes to run."""

    def __init__(self, store: Store, master_id: MasterId) -> None:
        self.store = store
        self.master_id = master_id
        self.running: list[tuple[Build, tuple[RequestId, ...]]] = []


class Farm:
    """Masters on one database. Lives of a master that were followed by another one go on."""

    def __init__(self, url: str, basedir: Path) -> None:
        self.url, self.basedir = url, basedir
        self.clock = HandClock()
        self.events: list[Event] = []
        self.lives: dict[int, list[Life]] = {}
        self.prefix = f"example {next(_examples)}"
        self.requests: list[RequestId] = []
        self.builder_id: BuilderId
        self.worker_id: WorkerId

    async def begin(self) -> None:
        for number in range(_MASTERS):
            await self.start(number)
        first = self.lives[0][0]
        name = f"{self.prefix} builder"
        ids = await first.store.builders.sync([builder_config(name)], first.master_id)
        self.builder_id = ids[name]
        workers = await first.store.workers.sync({"w1": [self.builder_id]}, first.master_id)
        self.worker_id = workers["w1"].id
        submitted = await first.store.buildsets.submit(
            NewBuildset(
                builder_ids=(self.builder_id,) * _REQUESTS,
                source_stamps=(SourceStamp(branch="main"),),
                reason="because",
                scheduler="hand",
            )
        )
        self.requests = [pending.request.id for pending in submitted.requests]

    async def close(self) -> None:
        for lives in self.lives.values():
            for life in lives:
                await life.store.close()

    async def start(self, number: int) -> Life:
        """Start a master, also one of which a process is there already, perhaps stalled."""
        store = Store(
            url=self.url, basedir=self.basedir, publish=self.events.extend, clock=self.clock
        )
        await store.open()
        life = Life(store, await store.masters.start(f"{self.prefix} master {number}"))
        self.lives.setdefault(number, []).append(life)
        return life

    async def perform(self, action: Sequence[object]) -> None:
        """Do something with a master; what the store refuses is as good as not done."""
        name, number, is_newest, choice = action
        assert isinstance(number, int) and isinstance(choice, int)
        life = self.lives[number][-1 if is_newest else 0]
        request = self.requests[choice % _REQUESTS]
        try:
            match name:
                case "build":
                    await self._build(life, (request,))
                case "build two":
                    other = self.requests[(choice + 1) % _REQUESTS]
                    await self._build(life, (request, other))
                case "finish":
                    await self._finish(life, Result.SUCCESS)
                case "retry":
                    await self._finish(life, Result.RETRY)
                case "give back":
                    await life.store.requests.give_back([request], life.master_id)
                case "cancel":
                    await life.store.requests.cancel(request, "not wanted")
                case "collapse":
                    await life.store.requests.complete([request], Result.SKIPPED)
                case "touch":
                    await life.store.masters.touch(life.master_id)
                case "wait":
                    self.clock.seconds += 400
                case "heartbeat":
                    await self._heartbeat(life)
                case "restart":
                    started = await self.start(number)
                    await recover(started.store.masters, started.master_id, Cause.KILLED)
                case "restart and die":
                    await self.start(number)
                case "stop":
                    await life.store.masters.stop(life.master_id)
        except (AlreadyClaimed, NoLongerOurs):
            pass

    async def _build(self, life: Life, requests: tuple[RequestId, ...]) -> None:
        started = await life.store.builds.start_build(
            requests, self.builder_id, self.worker_id, life.master_id
        )
        life.running.append((started.build, requests))

    async def _finish(self, life: Life, result: Result) -> None:
        if life.running:
            build, requests = life.running.pop(0)
            await life.store.builds.finish_build(build, result, "ended", requests)

    async def _heartbeat(self, life: Life) -> None:
        await life.store.masters.touch(life.master_id)
        await life.store.masters.expire(600)
        for stopped in await life.store.masters.with_leftovers():
            await recover(life.store.masters, stopped, Cause.SILENT)

    async def settle(self) -> None:
        """Let a last master take over from all others, and build what is left."""
        self.clock.seconds += 1000
        last = await self.start(_MASTERS)
        await self._heartbeat(last)
        for lives in self.lives.values():
            for life in lives:
                while life.running:
                    with pytest.raises(NoLongerOurs):
                        await self._finish(life, Result.SUCCESS)
        for pending in await last.store.requests.pending([self.builder_id]):
            await self._build(last, (pending.request.id,))
            await self._finish(last, Result.SUCCESS)

    async def rows(self, statement: str) -> list[tuple[int, ...]]:
        def query(connection: Connection) -> list[tuple[int, ...]]:
            found = connection.execute(text(statement), {"builder": self.builder_id})
            return [tuple(row) for row in found]

        return await self.lives[0][0].store.database.read(query)

    async def check(self) -> None:
        """At every moment: a request has one unfinished build at most, and is claimed for it."""
        unfinished = await self.rows(
            "SELECT b.request_id, r.claimed, r.complete, r.claimed_by = b.master_id,"
            " r.claimed_epoch = b.epoch FROM builds b JOIN build_requests r ON r.id = b.request_id"
            " WHERE b.builder_id = :builder AND NOT b.complete"
        )
        assert len({row[0] for row in unfinished}) == len(unfinished)
        assert all(row[1:] == (True, False, True, True) for row in unfinished)

    async def check_end(self) -> None:
        """In the end: each request and each build has one result, and it was told once."""
        requests = await self.rows(
            "SELECT id, complete, result FROM build_requests WHERE builder_id = :builder"
        )
        builds = await self.rows(
            "SELECT id, request_id, complete, result FROM builds WHERE builder_id = :builder"
        )
        completed = Counter(
            event.request.id for event in self.events if isinstance(event, RequestCompleted)
        )
        finished = Counter(
            event.build.id for event in self.events if isinstance(event, BuildFinished)
        )
        assert all(row[1] for row in requests)
        assert completed == Counter(self.requests)
        assert all(row[2] for row in builds)
        assert finished == Counter(row[0] for row in builds)
        final = Counter(row[1] for row in builds if row[3] != Result.RETRY)
        assert all(times == 1 for times in final.values())
        results = {row[0]: row[2] for row in requests}
        assert all(results[request] == Result.SUCCESS for request in final)


_ACTIONS = (
    *("build",) * 4,
    "build two",
    *("finish",) * 3,
    "retry",
    "give back",
    "cancel",
    "collapse",
    "touch",
    *("wait",) * 2,
    *("heartbeat",) * 3,
    "restart",
    "restart and die",
    "stop",
)
_action = st.tuples(
    st.sampled_from(_ACTIONS),
    st.integers(0, _MASTERS - 1),
    st.booleans(),
    st.integers(0, _REQUESTS - 1),
)
_rounds = st.lists(st.lists(_action, min_size=1, max_size=3), min_size=4, max_size=12)


async def _play(url: str, basedir: Path, rounds: list[list[tuple[str, int, bool, int]]]) -> None:
    farm = Farm(url, basedir)
    try:
        await farm.begin()
        for actions in rounds:
            await asyncio.gather(*map(farm.perform, actions))
            await farm.check()
        await farm.settle()
        await farm.check_end()
    finally:
        await farm.close()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=_rounds)
def test_each_build_and_request_has_one_owner_and_one_result(
    database_url: str, tmp_path: Path, rounds: list[list[tuple[str, int, bool, int]]]
) -> None:
    asyncio.run(_play(database_url, tmp_path, rounds))


async def _second_life(workshop: Workshop, tmp_path: Path, url: str) -> None:
    async with opened(url, tmp_path) as other:
        await recover(other.store.masters, other.master_id, Cause.KILLED)


async def test_a_master_that_wakes_up_can_write_nothing_of_what_was_taken_from_it(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as workshop:
        build = await workshop.build()
        step = await workshop.step(build)
        await _second_life(workshop, tmp_path, database_url)
        store = workshop.store

        with pytest.raises(NoLongerOurs):
            await store.masters.touch(workshop.master_id)
        with pytest.raises(NoLongerOurs):
            await workshop.step(build, "next")
        store.steps.set_step_state(step, "still running")
        with pytest.raises(NoLongerOurs):
            await store.builds.finish_build(build, Result.SUCCESS, "done", [build.request_id])
        with pytest.raises(NoLongerOurs):
            await workshop.build()

        (row,) = await workshop.rows("builds")
        assert (row["results"], row["state_string"]) == (
            5,
            'the master was killed during "shell"; retrying',
        )
        (row,) = await workshop.rows("steps")
        assert (row["results"], row["state_string"]) == (5, "running")
        (first, _later) = await workshop.rows("buildrequests")
        assert (first["claimed"], first["complete"]) == (False, False)
