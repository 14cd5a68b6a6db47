"""A fleet with a real store and real local workers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from waiting import PATIENCE

from buildbot.worker.local import LocalLatentWorker
from chargehand.config.model import WorkerConfig
from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Receive, Session, StartsOnDemand, WorkerLost
from chargehand.events.messages import Event, WorkerConnected, WorkerDisconnected
from chargehand.fleet.ports import LinkMaker
from chargehand.fleet.rules import WorkerState
from chargehand.fleet.service import Fleet
from chargehand.links.native.local import LocalLinks
from chargehand.links.native.local_listener import LocalListener
from chargehand.store.store import Store


class Farm:
    """A fleet, and what it told."""

    def __init__(self, fleet: Fleet, events: list[Event]) -> None:
        self.fleet = fleet
        self.events = events
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        fleet.on_change(self._note)

    def _note(self, _: str) -> None:
        task = asyncio.ensure_future(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def reserved(self, name: str) -> Session:
        """Wait for a free slot, as dispatching does."""
        async with asyncio.timeout(PATIENCE), self._changed:
            while (session := self.fleet.reserve(name)) is None:
                await self._changed.wait()
            return session

    async def until(self, look: Callable[[], bool]) -> None:
        """Wait until a change of a worker has made it true."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(look)

    def names_of(self, kind: type[WorkerConnected] | type[WorkerDisconnected]) -> list[str]:
        return [event.worker.name for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    events: list[Event] = []
    store = Store(url="sqlite:///state.sqlite", basedir=tmp_path, publish=events.extend)
    await store.open()
    links: dict[str, LinkMaker] = {}
    fleet = Fleet(
        store=store.workers,
        instances=store.instances,
        master_id=await store.masters.start("m"),
        links=links,
    )
    reception = LocalListener(tmp_path / "agents")
    links["local"] = LocalLinks(reception=reception, directory=tmp_path / "workers")
    yield Farm(fleet, events)
    await fleet.close()
    await reception.close()
    await store.close()


def told(spoken: list[bytes]) -> Receive:
    def receive(update: CommandUpdate) -> None:
        if isinstance(update, Output):
            spoken.append(zstandard.ZstdDecompressor().decompress(update.segment.data))

    return receive


async def spoken_by(session: Session, id_: str, script: str) -> list[str]:
    spoken: list[bytes] = []
    arguments = {"workdir": "build", "command": script, "logEnviron": False}
    command = Command(id=CommandId(id_), name="shell", arguments=arguments, builddir="b")
    await session.run(command, told(spoken))
    lines = b"".join(spoken).decode().splitlines()
    return [line[1:] for line in lines if line.startswith("o")]


async def test_configured_workers_connect_and_run_commands(farm: Farm, tmp_path: Path) -> None:
    workers = [WorkerConfig(name=name, kind="local", max_builds=2) for name in ("a", "b")]
    await farm.fleet.reconfigure(workers, {})

    sessions = [await farm.reserved(name) for name in ("a", "b")]
    where = await asyncio.gather(*(spoken_by(session, "1", "pwd") for session in sessions))

    assert where == [[str(tmp_path / "workers" / name / "b" / "build")] for name in ("a", "b")]
    assert sorted(farm.names_of(WorkerConnected)) == ["a", "b"]


async def test_a_worker_that_was_killed_is_lost_and_comes_back(farm: Farm) -> None:
    await farm.fleet.reconfigure([WorkerConfig(name="a", kind="local", max_builds=1)], {})
    session = await farm.reserved("a")
    [agent] = await spoken_by(session, "1", "echo $PPID")
    running = asyncio.ensure_future(spoken_by(session, "2", "sleep 600"))
    await asyncio.sleep(0)

    os.kill(int(agent), signal.SIGKILL)
    with pytest.raises(WorkerLost):
        await running
    farm.fleet.release("a")
    again = await farm.reserved("a")

    assert again is not session
    assert await spoken_by(again, "2", "echo back") == ["back"]
    assert farm.names_of(WorkerDisconnected) == ["a"]


async def test_a_removed_worker_finishes_what_it_runs(farm: Farm) -> None:
    await farm.fleet.reconfigure([WorkerConfig(name="a", kind="local")], {})
    session = await farm.reserved("a")
    running = asyncio.ensure_future(spoken_by(session, "1", "sleep 0.3; echo done"))

    await farm.fleet.reconfigure([], {})
    result = await running
    farm.fleet.release("a")
    await farm.fleet.close()

    assert result == ["done"]
    assert farm.fleet.reserve("a") is None


async def test_a_stopped_fleet_leaves_no_process(farm: Farm) -> None:
    await farm.fleet.reconfigure([WorkerConfig(name="a", kind="local")], {})
    session = await farm.reserved("a")
    [agent] = await spoken_by(session, "1", "echo $PPID")

    await farm.fleet.close()

    assert not Path(f"/proc/{agent}").exists()
    assert farm.names_of(WorkerDisconnected) == ["a"]


async def test_a_latent_worker_has_an_agent_only_while_it_is_used(farm: Farm) -> None:
    configured = LocalLatentWorker("a", build_wait_timeout=0)._as_worker_config()
    await farm.fleet.reconfigure([configured], {})
    assert farm.names_of(WorkerConnected) == []

    agents = []
    for _ in range(2):
        session = await farm.reserved("a")
        assert isinstance(session, StartsOnDemand)
        await session.begin(SimpleNamespace(build=None))
        assert session.info.basedir.endswith("/workers/a")
        agents += [int(pid) for pid in await spoken_by(session, "1", "echo $PPID")]
        farm.fleet.release("a")
        await farm.until(lambda: farm.fleet.state("a") is WorkerState.ON_DEMAND)

    await farm.fleet.close()
    assert len(set(agents)) == 2
    for agent in agents:
        with pytest.raises(ProcessLookupError):
            os.kill(agent, 0)
