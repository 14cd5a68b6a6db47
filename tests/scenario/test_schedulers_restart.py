"""What schedulers must not forget, over a real database: a crash loses nothing, repeats nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from buildbot._border.bridge import install
from buildbot.plugins import schedulers, util
from chargehand.app.directory import Directory
from chargehand.config.model import BuilderConfig
from chargehand.domain.change import NewChange
from chargehand.events.bus import Bus
from chargehand.events.messages import BuildsetSubmitted
from chargehand.kit.clock import SystemClock
from chargehand.scheduling.service import Scheduling
from chargehand.store.store import Store


class Master:
    """Schedulers over a database that may be left without a farewell."""

    def __init__(self, basedir: Path) -> None:
        self._bus = Bus()
        self._store = Store(
            url="sqlite:///state.sqlite", basedir=basedir, publish=self._bus.publish
        )
        self.submitted: asyncio.Queue[BuildsetSubmitted] = asyncio.Queue()
        self._bus.subscribe(self.submitted.put_nowait, BuildsetSubmitted)

    async def open(self) -> None:
        """Open the database; no scheduler runs."""
        install(asyncio.get_running_loop())
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def start(self, *given: Any) -> None:
        await self.open()
        self._id = await self._store.masters.start("m")
        names = ("one", "two")
        configs = tuple(
            BuilderConfig(
                name=name, worker_names=("w",), plan=None, builddir=name, worker_builddir=name
            )
            for name in names
        )
        directory = Directory()
        ids = await self._store.builders.sync(configs, self._id)
        directory.update(ids)
        self.scheduling = Scheduling(
            buildsets=self._store.buildsets,
            schedulers=self._store.schedulers,
            changes=self._store.changes,
            state=self._store.state,
            builders=directory,
            bus=self._bus,
            clock=SystemClock(),
            master_id=self._id,
        )
        await self.scheduling.start([scheduler._as_component() for scheduler in given])

    async def change(self, **fields: Any) -> None:
        await self._store.changes.add([NewChange(author="me", **{"branch": "main", **fields})])

    async def next_revisions(self) -> list[str | None]:
        """Wait for a buildset; return the revisions of its source stamps."""
        async with asyncio.timeout(10):
            event = await self.submitted.get()
        return [stamp.stamp.revision for stamp in event.buildset.source_stamps]

    async def crash(self) -> None:
        """Lose the process: nothing of the schedulers' is said or kept any more."""
        await self.scheduling._tasks.close()  # what a dead process does not do either
        self._bus.publish = lambda events: None  # type: ignore[method-assign]
        await self._store.close()

    async def stop(self) -> None:
        await self.scheduling.stop()
        await self._store.close()


@pytest.fixture
async def masters(tmp_path: Path) -> AsyncIterator[Any]:
    running: list[Master] = []

    def make() -> Master:
        running.append(Master(tmp_path))
        return running[-1]

    yield make
    await running[-1].stop()


def on_main(seconds: float | None) -> Any:
    return schedulers.SingleBranchScheduler(
        name="s",
        builderNames=["one", "two"],
        change_filter=util.ChangeFilter(branch="main"),
        treeStableTimer=seconds,
    )


async def test_what_waited_for_the_timer_is_built_after_a_crash(masters: Any) -> None:
    first = masters()
    await first.start(on_main(3600))
    await first.change(revision="1")
    await first.change(revision="2")
    while len(await first._store.schedulers.classified(first.scheduling.running()["s"].id)) < 2:
        await asyncio.sleep(0)
    await first.crash()

    second = masters()
    await second.start(on_main(0.01))

    assert await second.next_revisions() == ["2"]


async def test_what_came_in_the_meantime_is_built_once(masters: Any) -> None:
    first = masters()
    await first.start(on_main(None))
    await first.change(revision="1")
    assert await first.next_revisions() == ["1"]
    await first.crash()

    between = masters()
    await between.open()
    await between.change(revision="2")
    await between.change(revision="3", branch="other")
    await between.close()
    third = masters()
    await third.start(on_main(None))
    assert await third.next_revisions() == ["2"]
    await third.change(revision="4")

    assert await third.next_revisions() == ["4"]


async def test_a_scheduler_that_was_taken_away_for_a_while_begins_anew(masters: Any) -> None:
    first = masters()
    await first.start(on_main(None))
    await first.change(revision="1")
    assert await first.next_revisions() == ["1"]
    await first.stop()

    without = masters()
    await without.start()
    await without.change(revision="2")
    await without.stop()
    third = masters()
    await third.start(on_main(None))
    await third.change(revision="3")

    assert await third.next_revisions() == ["3"]


async def test_a_forced_build_answers_with_its_numbers(masters: Any) -> None:
    master = masters()
    await master.start(schedulers.ForceScheduler(name="f", builderNames=["one", "two"]))

    buildset, requests = await master.scheduling.force("f", {"branch": "b"}, "me")

    assert buildset == 1
    assert len(requests) == 2
    assert await master.next_revisions() == [""]
