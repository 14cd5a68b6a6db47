"""The world: a master and its workers, and what a test does to them and asks of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from chargehand.app.master import Master
from chargehand.config.model import MasterConfig, WorkerConfig
from chargehand.domain.build import Build, Step
from chargehand.domain.buildset import BuildRequest
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import RequestId
from chargehand.domain.properties import Property
from chargehand.domain.trust import TrustLevel
from chargehand.fleet.ports import LinkMaker, Registry
from chargehand.kit.values import replace
from chargehand.links.native.local_listener import LocalListener
from chargehand.store.engine.batches import Batches
from chargehand.store.engine.writer import Settle
from chargehand.testing.world.client import Client, Json, Row, quoted
from chargehand.testing.world.directory import Configuration, WorldDirectory
from chargehand.testing.world.history import History
from chargehand.testing.world.link import WorldLink
from chargehand.testing.world.notes import Notes
from chargehand.testing.world.outcomes import Outcome, usual_outcome
from chargehand.testing.world.virtual_time import VirtualClock, VirtualTimeLoop
from chargehand.testing.world.worker import WorldWorker
from chargehand.testing.world.writing import WriterInTheLoop

T = TypeVar("T")

PATIENCE = 86_400.0
"""Virtual seconds that a world may take to come to what a test waits for."""
_FAREWELLS = 20


class StillBusy(AssertionError):
    """What a test waited for did not come; the message says what is still going on."""


class World:
    """One master (restarted as often as a test wants) and all its workers."""

    def __init__(
        self,
        *,
        directory: WorldDirectory,
        loop: VirtualTimeLoop,
        notes: Notes,
        usual: Callable[[str], Outcome],
    ) -> None:
        self.history = History()
        self._usual = usual
        self._directory = directory
        self._loop = loop
        self._notes = notes
        self._clock = VirtualClock(loop)
        self._workers: dict[str, WorldWorker] = {}
        self._writer: WriterInTheLoop | None = None
        self._master: Master | None = None
        self._client: Client | None = None
        self._before: set[asyncio.Task[object] | None] = {*asyncio.all_tasks()}

    # Its life

    async def start(self, configuration: Configuration | None = None) -> None:
        """Start a master on this world's directory. Raises what the master raises."""
        if configuration is not None:
            self._directory.write(configuration)
        socket = self._directory.new_socket()
        master = Master(
            basedir=self.path,
            config_path=self._directory.config_path,
            adjust=lambda config: _listening_at(socket, config),
            clock=self._clock,
            make_links=self._make_links,
            make_writer=self._make_writer,
        )
        self.history.listen(master.bus)
        await master.start()
        self._master, self._client = master, Client(socket)
        await self.settle()

    async def stop(self) -> None:
        """Stop the master in good order."""
        master, self._master = self._master, None
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        if master is not None:
            await master.stop()

    async def restart(self, configuration: Configuration | None = None) -> None:
        """Stop the master in good order, and start one on the same store."""
        await self.stop()
        await self.start(configuration)

    async def crash(self) -> None:
        """Lose the master's process: from here on it writes nothing, and its connections are cut.

        What was written is there for the next one (`start`). Users' services are not told.
        """
        assert self._writer is not None
        self._writer.die()
        for worker in self._workers.values():
            worker.forget_master()
        if self._client is not None:
            await self._client.close()
        self._master, self._client = None, None
        survivors = self._before | {asyncio.current_task()}
        for worker in self._workers.values():
            survivors |= worker.tasks
        for _ in range(_FAREWELLS):  # what cleans up after a cancellation is cancelled, too
            for task in asyncio.all_tasks() - survivors:
                task.cancel()
            await asyncio.sleep(0)

    async def reconfigure(self, configuration: Configuration) -> str:
        """Have the master read another configuration; return its summary."""
        self._directory.write(configuration)
        summary = await self.master.reconfigure()
        await self.settle()
        return summary

    # What happens to it

    async def push(
        self,
        *,
        branch: str | None = "main",
        revision: str | None = None,
        author: str = "somebody",
        files: Sequence[str] = ("file",),
        comments: str = "",
        repository: str = "",
        project: str = "",
        codebase: str = "",
        category: str | None = None,
        properties: Mapping[str, Property] | None = None,
        trust: TrustLevel = TrustLevel.TRUSTED,
    ) -> Change:
        """Let a change arrive."""
        change = await self.master.add_change(
            NewChange(
                author=author,
                files=tuple(files),
                comments=comments,
                branch=branch,
                revision=revision,
                repository=repository,
                project=project,
                codebase=codebase,
                category=category,
                properties=dict(properties or {}),
                trust=trust,
            )
        )
        await self.settle()
        return change

    async def force(self, builder: str, scheduler: str = "force", **parameters: Json) -> RequestId:
        """Force a build as the form does; return its request."""
        found = await self.one(f"builders/{quoted(builder)}")
        given = {"builderid": found["builderid"], **parameters}
        answer = await self.order(f"forceschedulers/{scheduler}", "force", **given)
        assert isinstance(answer, list)
        requests = answer[1]
        assert isinstance(requests, dict)
        await self.settle()
        return RequestId(int(str(next(iter(requests.values())))))

    def worker(self, name: str) -> WorldWorker:
        """Return a worker; before it is configured one may say what its commands do."""
        if name not in self._workers:
            basedir = self.path / "workers" / name
            self._workers[name] = WorldWorker(name=name, basedir=basedir, usual=self._usual)
        return self._workers[name]

    # Time

    async def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        await self._loop.at_rest()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)
        await self.settle()

    async def until_idle(self, within: float = PATIENCE) -> None:
        """Wait until every request is complete and no build runs. Raises StillBusy."""

        async def look() -> bool:
            return not self.history.is_anything_unfinished

        await self.until("nothing to be left to do", look, within)

    async def until(
        self, what: str, look: Callable[[], Awaitable[T | None]], within: float = PATIENCE
    ) -> T:
        """Look at each moment at which something may have happened, until there is something true.

        Raises StillBusy when that takes longer than *within*.
        """
        deadline = self._loop.time() + within
        while True:
            await self.settle()
            if found := await look():
                return found
            if self._loop.time() >= deadline:
                raise StillBusy(f"waited {within:g} s for {what}:\n{await self._described()}")
            await self._loop.time_passed()

    async def finished(self, request_id: RequestId, within: float = PATIENCE) -> BuildRequest:
        """Wait until a request is complete, and return it. Raises StillBusy."""

        async def look() -> BuildRequest | None:
            request = self.history.requests[request_id]
            return request if request.complete else None

        return await self.until(f"the end of request {request_id}", look, within)

    async def build(self, builder: str, scheduler: str = "force", **parameters: Json) -> Build:
        """Force a build, wait for its end, and return it."""
        request_id = await self.force(builder, scheduler, **parameters)
        await self.finished(request_id)
        return self.builds_of(request_id)[-1]

    async def waits(self, request_id: RequestId, kind: str) -> str:
        """Return the sentence that says why a request waits; the reason must be of this kind."""
        found = await self.one(f"buildrequests/{request_id}/why")
        assert found["kind"] == kind, found
        return str(found["sentence"])

    @property
    def now(self) -> float:
        """The time of day in seconds since 1970."""
        return self._clock.timestamp()

    def set_clock(self, by: float) -> None:
        """Set the machine's clock so many seconds forward, or back."""
        self._clock.set(by)

    # What it has

    @property
    def path(self) -> Path:
        """The master's directory."""
        return self._directory.path

    @property
    def log(self) -> str:
        """What the masters logged so far."""
        return self._notes.text

    @property
    def master(self) -> Master:
        """The master that runs."""
        if self._master is None:
            raise RuntimeError("no master runs")
        return self._master

    def builds(self, builder: str | None = None) -> list[Build]:
        """Return the builds so far, of one builder or all, oldest first."""
        of_builder = None if builder is None else self.master.builder_id(builder)
        return self.history.builds_of(builder=of_builder)

    def last_build(self, builder: str) -> Build:
        """Return the builder's newest build."""
        builds = self.builds(builder)
        if not builds:
            raise LookupError(f"builder {builder!r} has no builds")
        return builds[-1]

    def builds_of(self, request_id: RequestId) -> list[Build]:
        """Return the builds of a request, oldest first."""
        return self.history.builds_of(request=request_id)

    def steps(self, build: Build) -> list[Step]:
        """Return the build's own steps, in order, without the preparation."""
        return self.history.steps_of(build)

    def step(self, build: Build, name: str) -> Step:
        """Return a step by its name. Raises LookupError."""
        for step in self.steps(build):
            if step.name == name:
                return step
        raise LookupError(f"build {build.id} has no step {name!r}")

    async def text(self, build: Build, step: str, log: str = "stdio") -> str:
        """Return a log of a step, with its channel letters."""
        logs = self.history.logs_of(self.step(build, step))
        (log_id,) = [one.id for one in logs if log in (one.name, one.slug)]
        return (await self.master.read_lines(log_id, 0, None)).decode(errors="replace")

    async def properties(self, build: Build) -> Row:
        """Return the build's properties: value and source by name."""
        return await self.one(f"builds/{build.id}/properties")

    # REST

    async def get(self, path: str) -> list[Row]:
        """Return the resources at a path below ``/api/v2``. Raises Refused."""
        return await self._connected.rows(path.removeprefix("/api/v2/"))

    async def one(self, path: str) -> Row:
        """Return the only resource at a path."""
        (found,) = await self.get(path)
        return found

    async def order(self, path: str, method: str, **parameters: Json) -> Json:
        """Call a control method, and return its result. Raises Refused."""
        answer = await self._connected.call(path, method, parameters)
        await self.settle()
        return answer

    async def fetch(self, path: str, body: Json = None) -> bytes:
        """Return what the server answers at any path. Raises Refused."""
        return await self._connected.fetch(path, body)

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("no master runs")
        return self._client

    # What the master is made of

    def _make_links(self, _reception: LocalListener, _directory: Path) -> Mapping[str, LinkMaker]:
        def link(config: WorkerConfig, registry: Registry) -> WorldLink:
            return WorldLink(worker=self.worker(config.name), registry=registry)

        return {"local": link, "remote": link, "latent": link}

    def _make_writer(self, batches: Batches, settle: Settle) -> WriterInTheLoop:
        self._writer = WriterInTheLoop(batches, settle)
        return self._writer

    async def _described(self) -> str:
        lines = [
            f"build {b.number} of builder {b.builder_id} runs: {b.state}"
            for b in self.builds()
            if not b.complete
        ]
        for worker in self._workers.values():
            lines += [f"worker {worker.name} runs {line}" for line in worker.running]
        for request_id in sorted(self.history.waiting):
            for reason in await self.get(f"buildrequests/{request_id}/why"):
                lines.append(f"request {request_id} waits: {reason.get('sentence')}")
        return "\n".join(lines) or "nothing is running or waiting"


@asynccontextmanager
async def world(
    configuration: Configuration,
    *,
    path: Path | None = None,
    usual: Callable[[str], Outcome] = usual_outcome,
) -> AsyncIterator[World]:
    """Start a master with this configuration, and remove all traces of it at the end.

    *path* is the master's directory, where a test wants to put something there beforehand; *usual*
    says what a command does of which the test says nothing to its worker.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        raise RuntimeError("a world needs virtual time: run the test in a VirtualTimeLoop")
    directory = WorldDirectory(path)
    with contextlib.closing(directory), Notes(logging.INFO) as notes:
        found = World(directory=directory, loop=loop, notes=notes, usual=usual)
        try:
            await found.start(configuration)
            yield found
        finally:
            await found.stop()


def _listening_at(socket: Path, config: MasterConfig) -> MasterConfig:
    return replace(config, web=replace(config.web, listen=(str(socket),)), worker_ports=())
