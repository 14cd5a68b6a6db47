"""A worker on another machine, as far as one machine goes: real processes, and TCP between them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import zstandard
from aiohttp import web
from waiting import PATIENCE, until

from chargehand.app.worker_doors import WorkerDoors
from chargehand.config.model import BuilderConfig, MasterConfig, WorkerConfig, WorkerPort
from chargehand.domain.build import Segment
from chargehand.domain.command import Command, CommandUpdate, Origin, Output
from chargehand.domain.identifiers import BuildId, CommandId, LogId, StepId
from chargehand.domain.session import Session, SessionState
from chargehand.fleet.remote import RemoteWorkers
from chargehand.kit.clock import SystemClock
from chargehand.links.native.native_port import NativePort
from chargehand.links.native.session import NativeSession
from chargehand.links.native.worker_door import WorkerDoor

NAME, PASSWORD = "arm-7", "open sesame"
AGENT = Path(sys.modules[WorkerDoor.__module__].__file__ or "").parents[3] / "chargehand_worker"


class Heard:
    """What a command said, and the numbers of its segments."""

    def __init__(self) -> None:
        self.text = b""
        self.values: dict[str, Any] = {}

    def receive(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            text = zstandard.ZstdDecompressor().decompress(update.segment.data)
            assert len(text) == update.segment.size
            self.text += text
        else:
            self.values[update.key] = update.value

    @property
    def written(self) -> bytes:
        """What the command itself wrote."""
        lines = self.text.split(b"\n")
        return b"".join(line[1:] + b"\n" for line in lines if line[:1] == b"o")


class Registry:
    """Keeps the sessions of the only worker."""

    def __init__(self) -> None:
        self.attached: asyncio.Queue[NativeSession] = asyncio.Queue()
        self.states: list[SessionState] = []
        self.refusals: list[str] = []
        self.stops = 0
        self.has_builds = False

    async def attach(self, session: Session) -> None:
        assert isinstance(session, NativeSession)
        self.attached.put_nowait(session)

    def changed(self, session: Session) -> None:
        self.states.append(session.state)

    def not_started(self, worker_name: str, reason: str) -> None:
        raise AssertionError(reason)

    def is_idle(self, worker_name: str) -> bool:
        return not self.has_builds

    def login_refused(self, worker_name: str, reason: str) -> None:
        self.refusals.append(reason)

    async def stop_requested(self, worker_name: str) -> None:
        self.stops += 1

    async def detach(self, session: Session, reason: str) -> None:
        pass


class KeptOutput:
    """Takes what a worker kept for the next master, of which *stored* is there already."""

    def __init__(self, stored: int = 0) -> None:
        self.heard = Heard()
        self.numbers: list[int] = []
        self.is_finished = False
        self._stored = stored

    async def resume(
        self, origin: Origin, name: str, slug: str, command_id: CommandId
    ) -> tuple[LogId, int]:
        return LogId(origin.step_id), self._stored

    def append(self, log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        assert segment.source is not None
        self.numbers.append(segment.source.number)
        self.heard.receive(Output(log="stdio", segment=segment))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def finish(self, log_id: LogId) -> None:
        self.is_finished = True


class Master:
    """As much of a master as a worker sees: the door in its web server."""

    def __init__(
        self,
        *,
        keepalive: float | None = None,
        own_port: WorkerPort | None = None,
        kept: KeptOutput | None = None,
    ) -> None:
        self._own_port = own_port
        self.config = WorkerConfig(
            name=NAME, kind="remote", password=PASSWORD, settings={"keepalive_interval": keepalive}
        )
        self.registry = Registry()
        self.workers = RemoteWorkers(clock=SystemClock())
        self.kept = kept or KeptOutput()
        self.door = WorkerDoor(workers=self.workers, kept_logs=lambda _: self.kept)
        self._doors = WorkerDoors(workers=self.workers, others={"native": NativePort(self.door)})
        self._server: asyncio.Server | None = None
        self._web = web.Server(lambda request: self.door.serve(request, None))
        self.port = 0

    def configure(self, *builders: str) -> MasterConfig:
        """Have these builders from now on."""
        ports = () if self._own_port is None else (self._own_port,)
        config = MasterConfig(
            workers=(self.config,),
            builders=tuple(
                BuilderConfig(
                    name=name, worker_names=(NAME,), plan=None, builddir=name, worker_builddir=name
                )
                for name in builders
            ),
            worker_ports=ports,
        )
        self.workers.reconfigure(config)
        return config

    async def open(self) -> None:
        config = self.configure("b")
        await self._doors.reconfigure(config)
        await self._doors.serve()
        self.link = self.workers(self.config, self.registry)
        await self.link.start()
        self._server = await asyncio.get_running_loop().create_server(
            self._web, "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Be gone without a word, as if killed."""
        assert self._server is not None
        self._server.close()
        if isinstance(session := self.link.session, NativeSession):
            session.cut()
        await self._web.shutdown(0)

    async def close(self) -> None:
        await self.link.stop()
        await self.door.close()
        await self._doors.close()
        assert self._server is not None
        self._server.close()
        await self._web.shutdown(0.1)


class Proxy:
    """A cable that can be cut, slowed down, and held."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.port = 0
        self.delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    def hold(self) -> None:
        """Carry nothing, and say nothing: connections are half open."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.flow()
        self.cut()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up, down = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, down}
        for source, target in ((reader, down), (up, writer)):
            task = asyncio.create_task(self._carry(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(random.choice((100, 4096, 65536))):
                await self._flowing.wait()
                await _later(random.uniform(0, self.delay))
                target.write(data)
                await target.drain()
        target.transport.abort()
        self._writers.discard(target)


async def _later(seconds: float) -> None:
    """Be as slow as a cable is."""
    loop = asyncio.get_running_loop()
    late = loop.create_future()
    loop.call_later(seconds, late.set_result, None)
    await late


class RemoteWorker:
    """An agent's directory and its processes."""

    def __init__(
        self,
        directory: Path,
        url: str,
        *,
        password: str = PASSWORD,
        more: str = "",
        **settings: Any,
    ) -> None:
        """*more* is added to its worker.toml."""
        self.directory = directory
        self._options = []
        for name, value in settings.items():
            option = f"--{name.replace('_', '-')}"
            self._options += [option] if value is True else [option, str(value)]
        self.created = self.run("create-worker", *self._options, directory, url, NAME, password)
        assert self.created.returncode == 0, self.created.stderr
        with (directory / "worker.toml").open("a") as file:
            file.write(more)
        self._guard: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", AGENT, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self) -> None:
        with (self.directory / "worker.log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-P", AGENT, "start", "--nodaemon", self.directory],
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def guard(self) -> subprocess.Popen[bytes]:
        assert self._guard is not None
        return self._guard

    @property
    def log(self) -> str:
        return (self.directory / "worker.log").read_text()

    @property
    def agent(self) -> int:
        (agent,) = _children(self.guard.pid)
        return agent

    @property
    def link(self) -> int | None:
        """The link process, if it runs."""
        for child in _children(self.agent):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"link" in line:
                    return child
        return None

    def signal_link(self, number: signal.Signals) -> None:
        if (link := self.link) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(link, number)

    def stop(self) -> int:
        if self.guard.poll() is None:
            self.guard.terminate()
        return self.guard.wait(timeout=PATIENCE)


def _children(process_id: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process_id}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


class Farm:
    """A master, a cable and a worker."""

    def __init__(self, master: Master, proxy: Proxy, worker: RemoteWorker) -> None:
        self.master = master
        self.proxy = proxy
        self.worker = worker
        self._count = 0

    async def session(self) -> NativeSession:
        """Return the next session that is attached."""
        async with asyncio.timeout(PATIENCE):
            return await self.master.registry.attached.get()

    async def begin_again(self) -> KeptOutput:
        """Have another master in the place of one that died; return what it takes over."""
        port = self.master.port
        self.master = Master(kept=KeptOutput())
        self.master.port = port
        await self.master.open()
        return self.master.kept

    def command(self, script: str, **arguments: Any) -> Command:
        self._count += 1
        return Command(
            id=CommandId(f"c{self._count}"),
            origin=Origin(build_id=BuildId(1), step_id=StepId(self._count)),
            routes={"stdio": "stdio"},
            name="shell",
            arguments={
                "workdir": "build",
                "logEnviron": False,
                "command": ["sh", "-c", script],
                **arguments,
            },
        )

    async def shell(self, session: NativeSession, script: str, **arguments: Any) -> Heard:
        heard = Heard()
        await session.run(self.command(script, **arguments), heard.receive)
        return heard


@asynccontextmanager
async def farm(
    directory: Path, *, keepalive: float | None = None, **settings: Any
) -> AsyncIterator[Farm]:
    """Run a master, and a worker that connects to it through a proxy."""
    master = Master(keepalive=keepalive)
    await master.open()
    proxy = Proxy(master.port)
    await proxy.open()
    if keepalive is not None:
        settings["keepalive"] = keepalive
    worker = RemoteWorker(directory / "w", f"127.0.0.1:{proxy.port}", **settings)
    worker.start()
    ci = Farm(master, proxy, worker)
    try:
        yield ci
    finally:
        proxy.flow()
        worker.stop()
        await proxy.close()
        await ci.master.close()


async def connected(session: NativeSession) -> None:
    """Wait until a session is connected."""
    await until(lambda: session.state is SessionState.CONNECTED)
