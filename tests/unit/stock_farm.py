"""A fleet of one stock worker in the test's own process, behind an open port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from pb_worker import PbWorker
from waiting import PATIENCE

from buildbot._border.reactor import install_reactor
from chargehand.config.model import (
    BuilderConfig,
    HostedInstance,
    MasterConfig,
    WorkerConfig,
    WorkerPort,
)
from chargehand.domain.command import Command, CommandUpdate, Output, Value
from chargehand.domain.identifiers import CommandId, MasterId
from chargehand.domain.session import Receipt, Session
from chargehand.fleet.remote import RemoteWorkers
from chargehand.fleet.rules import WorkerState
from chargehand.fleet.service import Fleet
from chargehand.kit.clock import SystemClock
from chargehand.links.doors import WorkerPorts
from chargehand.links.msgpack.door import MsgpackDoor
from chargehand.links.pb.door import PbDoor
from chargehand.logs.segments import lines_of
from chargehand.testing.fleet import MemoryInstanceStore, MemoryWorkerStore

PB = "pb"
MSGPACK = "msgpack_experimental_v7"


async def pb_farm() -> AsyncIterator[Farm]:
    """Open a farm for Perspective Broker; a fixture where it is one."""
    install_reactor(asyncio.get_running_loop())
    made = Farm()
    await made.open()
    yield made
    await made.close()


class Farm:
    """A fleet behind an open port for one protocol."""

    def __init__(self, protocol: str = PB) -> None:
        self.port = WorkerPort(protocol=protocol, address=("127.0.0.1", 0), text="tcp:0")
        self.store = MemoryWorkerStore()
        self.workers = RemoteWorkers(clock=SystemClock())
        links = {"remote": self.workers}
        self.fleet = Fleet(
            store=self.store, instances=MemoryInstanceStore(), master_id=MasterId(1), links=links
        )
        make = PbDoor if protocol == PB else MsgpackDoor
        self.door = make(workers=self.workers)
        self.ports = WorkerPorts({protocol: self.door})
        self.stock: list[PbWorker] = []
        self.instance: HostedInstance | None = None
        """The machine of the worker, if it is started on demand."""

    async def open(self, **settings: Any) -> None:
        await self.configure("tests", **settings)
        await self.ports.listen([self.port])
        await self.ports.serve()

    async def configure(self, *builders: str, **settings: Any) -> None:
        """Have the worker, and these builders, whose directories have their names."""
        worker = WorkerConfig(
            name="arm-7",
            kind="remote",
            password="right",
            settings=settings,
            instance=self.instance,
        )
        made = [
            BuilderConfig(
                name=name, worker_names=("arm-7",), plan=None, builddir=name, worker_builddir=name
            )
            for name in builders
        ]
        self.workers.reconfigure(MasterConfig(workers=(worker,), builders=tuple(made)))
        await self.fleet.reconfigure([worker], {})

    async def close(self) -> None:
        for stock in self.stock:
            stock.disconnect()
        await self.ports.close()
        await self.door.close()
        await self.fleet.close()

    async def connect(self, stock: PbWorker | None = None, **login: str) -> PbWorker:
        stock = stock or PbWorker()
        self.stock.append(stock)
        await stock.connect(self.number, **login)
        return stock

    @property
    def number(self) -> int:
        """The number of the port."""
        return self.ports.number(self.port)

    @property
    def session(self) -> Session:
        session = self.fleet.reserve("arm-7")
        assert session is not None
        return session

    async def until(self, state: WorkerState) -> None:
        changed = asyncio.Event()
        self.fleet.on_change(lambda _: changed.set())
        async with asyncio.timeout(PATIENCE):
            while self.fleet.state("arm-7") is not state:
                await changed.wait()
                changed.clear()


class Received:
    """What a command has brought."""

    def __init__(self) -> None:
        self.updates: list[CommandUpdate] = []

    def __call__(self, update: CommandUpdate) -> Receipt | None:
        self.updates.append(update)
        return None

    @property
    def values(self) -> dict[str, Any]:
        return {one.key: one.value for one in self.updates if isinstance(one, Value)}

    @property
    def content(self) -> bytes:
        found = [o.value for o in self.updates if isinstance(o, Value) and o.key == "content"]
        return b"".join(found)

    def text(self, log: str = "stdio") -> bytes:
        outputs = [one for one in self.updates if isinstance(one, Output) and one.log == log]
        return b"".join(lines_of(one.segment) for one in outputs)


def command(
    name: str = "shell", number: int = 1, builddir: str = "tests", **arguments: Any
) -> Command:
    given = {"command": ["true"], **arguments} if name == "shell" else arguments
    return Command(id=CommandId(f"c{number}"), name=name, arguments=given, builddir=builddir)


async def eventually(is_so: Callable[[], bool]) -> None:
    """Let the loop run until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0)
