"""A store with a master, builders and a worker, and shortcuts to what tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from chargehand.config.model import BuilderConfig
from chargehand.domain.build import Build, Segment, Step
from chargehand.domain.builder import VirtualBuilder
from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.identifiers import BuilderId, MasterId, RequestId, WorkerId
from chargehand.domain.source_stamp import SourceStamp
from chargehand.events.messages import Event
from chargehand.execution.ports import StartedBuild
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.store import Store


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.25

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def timestamp(self) -> float:
        return self.seconds


def builder_config(name: str, **options: Any) -> BuilderConfig:
    return BuilderConfig(
        name=name,
        worker_names=("w1",),
        plan=None,
        builddir=name,
        worker_builddir=name,
        **options,
    )


def segment(text: bytes) -> Segment:
    data = zstandard.ZstdCompressor().compress(text)
    return Segment(data=data, line_count=text.count(b"\n"), size=len(text))


@dataclass
class Workshop:
    store: Store
    clock: HandClock
    events: list[Event] = field(default_factory=list)
    master_id: MasterId = field(init=False)
    builder_ids: dict[str, BuilderId] = field(default_factory=dict)
    worker_id: WorkerId = field(init=False)

    def heard(self, *types: type[Event]) -> list[Any]:
        """Return and forget the events so far; only those of *types*, if any are given."""
        found = [event for event in self.events if not types or type(event) in types]
        self.events.clear()
        return found

    def names(self) -> list[str]:
        """Return and forget the names of the events so far."""
        return [type(event).__name__ for event in self.heard()]

    async def submit(
        self,
        *builders: str,
        stamps: Sequence[Any] = (SourceStamp(branch="main"),),
        **options: Any,
    ) -> SubmittedBuildset:
        new = NewBuildset(
            builder_ids=tuple(self.builder_ids[name] for name in builders or ("b1",)),
            source_stamps=tuple(stamps),
            reason="because",
            scheduler="hand",
            **options,
        )
        return await self.store.buildsets.submit(new)

    async def start(
        self,
        *request_ids: RequestId,
        builder: str = "b1",
        virtual: VirtualBuilder | None = None,
    ) -> Build:
        return (await self.started(*request_ids, builder=builder, virtual=virtual)).build

    async def started(
        self,
        *request_ids: RequestId,
        builder: str = "b1",
        virtual: VirtualBuilder | None = None,
    ) -> StartedBuild:
        return await self.store.builds.start_build(
            request_ids, self.builder_ids[builder], self.worker_id, self.master_id, virtual
        )

    async def build(self, builder: str = "b1", **options: Any) -> Build:
        submitted = await self.submit(builder, **options)
        return await self.start(submitted.requests[0].request.id, builder=builder)

    async def step(self, build: Build, name: str = "shell") -> Step:
        return (await self.store.steps.add_step(build.id, name, "running", started=True)).step

    async def recorded(self) -> None:
        """Wait until what nobody waited for is recorded, too."""
        await self.store.database.recorded()

    async def rows(self, kind: str, **options: Any) -> list[dict[str, Any]]:
        await self.recorded()
        return (await self.store.resources.fetch(Query(sees=EVERYTHING, kind=kind, **options))).rows


@asynccontextmanager
async def opened(url: str, basedir: Path, *, is_shared: bool = False) -> AsyncIterator[Workshop]:
    events: list[Event] = []
    clock = HandClock()
    store = Store(url=url, basedir=basedir, publish=events.extend, clock=clock, is_shared=is_shared)
    await store.open()
    workshop = Workshop(store, clock, events)
    try:
        workshop.master_id = await store.masters.start("here:/master")
        configs = [builder_config("b1"), builder_config("b2")]
        workshop.builder_ids = await store.builders.sync(configs, workshop.master_id)
        ids = list(workshop.builder_ids.values())
        workers = await store.workers.sync({"w1": ids}, workshop.master_id)
        workshop.worker_id = workers["w1"].id
        events.clear()
        yield workshop
    finally:
        await store.close()
