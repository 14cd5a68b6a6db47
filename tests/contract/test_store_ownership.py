"""Of several masters, some of them stalled, restarted or declared stopped, one runs each build."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from store_workshop import HandClock, Workshop, builder_config, opened, segment

from chargehand.app.heartbeat import Heartbeat
from chargehand.app.recovering import recover
from chargehand.domain.assignment import AlreadyClaimed
from chargehand.domain.build import Build, LogType, NewLog
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId, WorkerId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.messages import (
    BuildFinished,
    BuildPropertiesUpdated,
    Event,
    LogAdded,
    LogFinished,
    RequestCompleted,
)
from chargehand.execution.ports import AddedStep, LogFailed
from chargehand.execution.recovery import Cause, outcomes_of
from chargehand.execution.silence import SilentMasters
from chargehand.store.errors import DatabaseUnavailable
from chargehand.store.store import Store

_examples = count(1)
_MASTERS = 3
_REQUESTS = 3


@dataclass
class Run:
    """A build that a process believes to run."""

    build: Build
    requests: tuple[RequestId, ...]
    steps: list[AddedStep] = field(default_factory=list)


class Life:
    """One process of a master, and the builds that it believes to run."""

    def __init__(self, store: Store, master_id: MasterId) -> None:
        self.store = store
        self.master_id = master_id
        self.running: list[Run] = []
        self.order = asyncio.Lock()
        """A master writes what a build does in its order."""


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
                case "write":
                    await self._write(life)
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
        except (AlreadyClaimed, NoLongerOurs, LogFailed):
            pass

    async def _build(self, life: Life, requests: tuple[RequestId, ...]) -> None:
        started = await life.store.builds.start_build(
            requests, self.builder_id, self.worker_id, life.master_id
        )
        life.running.append(Run(started.build, requests))

    async def _write(self, life: Life) -> None:
        async with life.order:
            await self._write_in_order(life)

    async def _write_in_order(self, life: Life) -> None:
        if life.running:
            run = life.running[0]
            log = NewLog("stdio", "stdio", LogType.STDIO)
            added = await life.store.steps.add_step(
                run.build.id, "shell", "running", started=True, log=log
            )
            assert added.log is not None
            run.steps.append(added)
            life.store.builds.set_build_properties(run.build.id, {"step": (added.step.id, "x")})
            await life.store.logs.append(added.log.id, segment(b"oline\n"))

    async def _finish(self, life: Life, result: Result) -> None:
        async with life.order:
            await self._finish_in_order(life, result)

    async def _finish_in_order(self, life: Life, result: Result) -> None:
        if life.running:
            run = life.running.pop(0)
            for added in run.steps:
                assert added.log is not None
                await life.store.logs.finish(added.log.id)
                life.store.steps.finish_step(added.step, result, "ended", hidden=False)
            await life.store.builds.finish_build(run.build, result, "ended", run.requests)

    async def _heartbeat(self, life: Life) -> None:
        """Like that of a master that watched the others for long enough."""
        masters = life.store.masters
        await masters.touch(life.master_id)
        signs = await masters.signs_of_life()
        before = self.clock.seconds - 600
        await masters.expire({id_: s for id_, s in signs.items() if s.last_active < before})
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
                    with pytest.raises((NoLongerOurs, LogFailed)):
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
        open_logs = await self.rows(
            "SELECT l.id FROM logs l JOIN steps s ON s.id = l.step_id"
            " JOIN builds b ON b.id = s.build_id"
            " WHERE b.builder_id = :builder AND NOT (l.complete AND s.complete)"
        )
        assert not open_logs
        final = Counter(row[1] for row in builds if row[3] != Result.RETRY)
        assert all(times == 1 for times in final.values())
        results = {row[0]: row[2] for row in requests}
        assert all(results[request] == Result.SUCCESS for request in final)


_ACTIONS = (
    *("build",) * 4,
    "build two",
    *("write",) * 2,
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


@pytest.mark.slow_with("postgresql")
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


async def test_logs_and_properties_are_fenced_like_the_build_they_belong_to(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as workshop:
        store = workshop.store
        build = await workshop.build()
        step = await workshop.step(build)
        short = await store.logs.open(step.id, "short", "short", LogType.STDIO)
        long = await store.logs.open(step.id, "long", "long", LogType.STDIO)
        growing = await store.logs.open(step.id, "growing", "growing", LogType.STDIO)
        lines = b"".join(b"o%064x\n" % number**40 for number in range(2000))
        await store.logs.append(short.id, segment(b"oone\n"))
        await store.logs.append(long.id, segment(lines))
        await store.logs.append(growing.id, segment(b"oone\n"))
        store.builds.set_build_properties(build.id, {"a": (1, "x")})
        await workshop.recorded()
        await _second_life(workshop, tmp_path, database_url)
        workshop.events.clear()

        with pytest.raises(LogFailed, match="was taken over"):
            await store.logs.append(short.id, segment(b"otwo\n"))
        with pytest.raises(LogFailed, match="was taken over"):
            await store.logs.append(growing.id, segment(lines))
        await store.logs.finish(long.id)
        await workshop.recorded()
        for log in (short, long, growing):
            with pytest.raises(LogFailed):
                await store.logs.append(log.id, segment(b"otwo\n"))
        with pytest.raises(NoLongerOurs):
            await store.logs.open(step.id, "other", "other", LogType.STDIO)
        store.builds.set_build_properties(build.id, {"a": (2, "x"), "b": (2, "x")})

        found = await workshop.rows("logs")
        assert [(row["name"], row["num_lines"], row["complete"]) for row in found] == [
            ("short", 1, True),
            ("long", 2000, True),
            ("growing", 1, True),
        ]
        assert await store.logs.lines(growing.id, 0, None) == b"oone\n"
        (row,) = await workshop.rows("properties", scope={"buildid": build.id})
        assert row == {"a": [1, "x"]}
        assert not workshop.heard(BuildPropertiesUpdated, LogFinished, LogAdded)


async def test_a_build_ends_with_what_its_stalled_master_added_until_then(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as stalled:
        build = await stalled.build()
        async with opened(database_url, tmp_path) as other:
            left = await other.store.masters.left_behind(other.master_id)
            step = await stalled.step(build)
            await stalled.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)

            await other.store.masters.carry_out(left, outcomes_of(left, Cause.KILLED))

            (row,) = await other.rows("steps")
            assert (row["complete"], row["results"]) == (True, Result.RETRY)
            (row,) = await other.rows("logs")
            assert row["complete"] is True


async def test_a_build_that_was_taken_over_can_be_neither_finished_nor_altered(
    database_url: str, tmp_path: Path
) -> None:
    async with opened(database_url, tmp_path) as workshop:
        build = await workshop.build()
        await _second_life(workshop, tmp_path, database_url)

        with pytest.raises(NoLongerOurs):
            await workshop.store.builds.finish_build(
                build, Result.SUCCESS, "done", [build.request_id]
            )
        workshop.store.builds.set_build_state(build, "still running")

        (row,) = await workshop.rows("builds")
        assert (row["results"], row["state_string"]) == (5, "the master was killed; retrying")
        (row,) = await workshop.rows("buildrequests")
        assert (row["claimed"], row["complete"]) == (False, False)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    outage=st.floats(0, 1e6),
    jump=st.floats(-1e6, 1e9),
    first=st.integers(0, 1),
    is_other_dead=st.booleans(),
)
def test_after_an_outage_that_all_masters_share_only_the_dead_are_declared_stopped(
    database_url: str, tmp_path: Path, outage: float, jump: float, first: int, is_other_dead: bool
) -> None:
    asyncio.run(_share_an_outage(database_url, tmp_path, outage, jump, first, is_other_dead))


async def _share_an_outage(
    url: str, basedir: Path, outage: float, jump: float, first: int, is_other_dead: bool
) -> None:
    async with opened(url, basedir) as workshop:
        clock, masters = workshop.clock, workshop.store.masters
        ids = [workshop.master_id, await masters.start("there:/master")]
        watches = [SilentMasters(heartbeat=60, dead_after=600) for _ in ids]
        elapsed = 0.0

        async def beat(number: int) -> list[MasterId]:
            await masters.touch(ids[number])
            signs = await masters.signs_of_life()
            del signs[ids[number]]
            silent = watches[number].look(signs, elapsed=elapsed, now=clock.seconds)
            return await masters.expire(silent)

        assert await beat(0) == await beat(1) == []
        elapsed += 60 + outage
        clock.seconds += 60 + outage + jump
        expired = []
        for number in range(16):
            expired += await beat(first)
            if number < 4 and not is_other_dead:
                assert await beat(1 - first) == expired == []
            assert number > 1 or not expired
            elapsed += 60
            clock.seconds += 60
        assert expired == [ids[1 - first]]


async def test_a_master_that_gives_a_sign_of_life_meanwhile_is_not_declared_stopped(
    workshop: Workshop,
) -> None:
    masters = workshop.store.masters
    signs = await masters.signs_of_life()
    workshop.clock.seconds += 0.001
    await masters.touch(workshop.master_id)

    assert await masters.expire(signs) == []
    assert await masters.expire(await masters.signs_of_life()) == [workshop.master_id]


async def test_a_registration_that_an_outage_interrupts_is_resumed_at_the_next_heartbeat(
    workshop: Workshop,
) -> None:
    masters = workshop.store.masters
    done: list[str] = []

    async def begin_again() -> None:
        done.append("begin")
        await masters.start("here:/master")

    async def register() -> None:
        done.append("register")
        if done.count("register") == 1:
            raise DatabaseUnavailable("the server is down")

    heartbeat = Heartbeat(
        masters=masters,
        master_id=workshop.master_id,
        clock=workshop.clock,
        every=60,
        dead_after=600,
        begin_again=begin_again,
        register=register,
    )
    await heartbeat.beat()
    assert done == []
    await masters.expire(await masters.signs_of_life())

    with pytest.raises(DatabaseUnavailable):
        await heartbeat.beat()
    await heartbeat.beat()
    await heartbeat.beat()

    assert done == ["begin", "register", "register"]
