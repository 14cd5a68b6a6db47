"""Adoption: real agents that outlive their master, and what they kept for the next one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from store_workshop import Workshop
from waiting import until

from chargehand.domain.build import Log, LogType
from chargehand.domain.command import Command, CommandUpdate, Origin, Output
from chargehand.domain.identifiers import BuildId, CommandId
from chargehand.domain.session import Receipt, Receive
from chargehand.domain.worker import WorkerInfo
from chargehand.kit.tasks import Tasks
from chargehand.links.native.adoption import Adoption
from chargehand.links.native.agent_process import AgentOrder, AgentProcess
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.session import NativeSession
from chargehand_wire.messages import Hello


class DoomedMaster:
    """A master with one agent, which runs one command; it dies without a word to the agent."""

    def __init__(self, workshop: Workshop, directory: Path) -> None:
        self.workshop = workshop
        self.reception = LocalListener(directory / "agents")
        self.order = AgentOrder(
            worker_name="w",
            basedir=directory / "w",
            places=self.reception.places,
            environment=os.environ,
            patience=60.0,
        )
        self.tasks = Tasks("doomed")
        self.session: asyncio.Future[NativeSession] = asyncio.get_running_loop().create_future()
        self.agent: AgentProcess
        self.log: Log

    def _arrived(self, hello: Hello) -> NativeSession:
        session = NativeSession(
            worker_name="w",
            incarnation=hello.incarnation,
            info=msgspec.convert(hello.info, WorkerInfo),
            patience=60.0,
            changed=lambda: None,
        )
        self.session.set_result(session)
        return session

    async def begin(self) -> None:
        step = await self.workshop.step(await self.workshop.build())
        self.log = await self.workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        self.order.clear_up()
        await self.reception.open()
        self.reception.expect("w", self._arrived)
        self.agent = await self.order.start(self.tasks)

    async def run(self, script: str, receive: Receive) -> None:
        """Start a command; its updates go to *receive*."""
        step_id = self.log.step_id
        command = Command(
            id=CommandId(f"{step_id}-1"),
            name="shell",
            arguments={"workdir": "b", "command": script, "logEnviron": False},
            origin=Origin(build_id=BuildId(1), step_id=step_id),
            routes={"stdio": "stdio"},
        )
        session = await self.session
        self.tasks.spawn(session.run(command, receive), name="command")

    async def die(self) -> None:
        """Close the door and the connection, and forget."""
        await self.reception.close()
        self.reception.forget("w")
        (await self.session).cut()

    async def lines(self) -> list[str]:
        found = await self.workshop.store.logs.lines(self.log.id, 0, None)
        return [line[1:] for line in found.decode().splitlines() if line.startswith("o")]


@pytest.fixture
async def doomed(workshop: Workshop, tmp_path: Path) -> AsyncIterator[DoomedMaster]:
    master = DoomedMaster(workshop, tmp_path)
    await master.begin()
    yield master
    await master.agent.end()
    await master.tasks.close()


async def test_a_segment_that_was_appended_and_not_acknowledged_is_not_appended_again(
    doomed: DoomedMaster, tmp_path: Path
) -> None:
    logs = doomed.workshop.store.logs
    appended = asyncio.Event()

    def append_and_die(update: CommandUpdate) -> Receipt:
        if isinstance(update, Output) and not appended.is_set():
            appending = logs.append(doomed.log.id, update.segment)
            appending.add_done_callback(lambda _: appended.set())
        return asyncio.get_running_loop().create_future()  # It is never said to be safe.

    go, done = tmp_path / "go", tmp_path / "done"
    script = f"seq 3; while [ ! -e {go} ]; do sleep 0.02; done; seq 4 6; sleep 0.2; touch {done}"
    await doomed.run(f"{script}; exec sleep 600", append_and_die)
    await appended.wait()
    await doomed.die()
    go.touch()
    await until(done.exists)

    await Adoption(reception=LocalListener(tmp_path / "agents"), logs=logs).run()

    assert await doomed.lines() == ["1", "2", "3", "4", "5", "6"]
    await doomed.agent.ended


async def test_an_agent_that_does_not_connect_is_killed_with_all_it_runs(
    doomed: DoomedMaster, tmp_path: Path
) -> None:
    def ignore(update: CommandUpdate) -> None:
        """Have it acknowledged."""

    await doomed.run(f"echo $PPID $$ > {tmp_path}/running; exec sleep 600", ignore)
    running = tmp_path / "running"
    await until(lambda: running.exists() and bool(running.read_text().strip()))
    agent, command = map(int, running.read_text().split())
    os.kill(agent, signal.SIGSTOP)
    await doomed.die()

    logs = doomed.workshop.store.logs
    reception = LocalListener(tmp_path / "agents")
    await Adoption(reception=reception, logs=logs, connecting_seconds=0.2).run()

    await doomed.agent.ended
    assert not _is_alive(command)
    assert reception.places.living() == []


async def test_a_master_without_agents_does_not_wait(workshop: Workshop, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    await Adoption(reception=LocalListener(tmp_path / "none"), logs=workshop.store.logs).run()

    assert loop.time() - began < 1
    assert not (tmp_path / "none").exists()


def _is_alive(process_id: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
