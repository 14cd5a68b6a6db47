"""A web server over the real store, with a little history in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import zstandard

from chargehand.config.model import BuilderConfig, MasterConfig, WebConfig
from chargehand.domain.build import LogType, Segment
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.domain.worker import WorkerInfo
from chargehand.events.bus import Bus
from chargehand.store.store import Store
from chargehand.testing.web import MemoryControls, MemoryExplanations, MemoryForms
from chargehand.web.server import WebServer

LINES = b"hmake all\nohello\neoops\n"


async def fill(store: Store, *, builders: int, builds: int) -> None:
    """Make a master with builders and a worker, a change, and finished builds of the first."""
    master_id = await store.masters.start("here:/base")
    configs = [
        BuilderConfig(
            name=f"builder {number}",
            worker_names=("w1",),
            plan=None,
            builddir=f"b{number}",
            worker_builddir=f"b{number}",
            tags=("fast", "linux"),
        )
        for number in range(builders)
    ]
    builder_ids = list((await store.builders.sync(configs, master_id)).values())
    workers = await store.workers.sync({"w1": builder_ids}, master_id)
    await store.workers.connected(workers["w1"].id, master_id, WorkerInfo(version="4.3.0"))
    await store.changes.add([NewChange(author="me", branch="main", revision="r1", files=("a.c",))])
    for _ in range(builds):
        submitted = await store.buildsets.submit(
            NewBuildset(
                builder_ids=(builder_ids[0],),
                source_stamps=(SourceStamp(branch="main", revision="r1"),),
                reason="because",
                scheduler="force",
                properties={"owner": ("me", "Force")},
            )
        )
        request_id = submitted.requests[0].request.id
        started = await store.builds.start_build(
            [request_id], builder_ids[0], workers["w1"].id, master_id
        )
        build = started.build
        store.builds.set_build_properties(build.id, {"got_revision": ("r1", "Git")})
        step = (await store.steps.add_step(build.id, "compile", "compiling", started=True)).step
        log = await store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        data = zstandard.compress(LINES)
        await store.logs.append(log.id, Segment(data=data, line_count=3, size=len(LINES)))
        await store.logs.finish(log.id)
        store.steps.finish_step(step, Result.SUCCESS, "compiled", False)
        await store.builds.finish_build(build, Result.SUCCESS, "build successful", [request_id])


@asynccontextmanager
async def stored_site(
    basedir: Path, *, builders: int = 2, builds: int = 2, port: int = 0
) -> AsyncIterator[tuple[WebServer, Store]]:
    """Run a web server over a store of its own."""
    bus = Bus()
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=bus.publish)
    await store.open()
    await fill(store, builders=builders, builds=builds)
    server = WebServer(
        config=MasterConfig(web=WebConfig(listen=(("127.0.0.1", port),))),
        resources=store.resources,
        logs=store.logs,
        controls=MemoryControls(builds=set(), workers=set()),
        explanations=MemoryExplanations({1: None}),
        forms=MemoryForms([]),
        sessions=store.web_sessions,
        tokens=store.api_tokens,
        bus=bus,
    )
    await server.start()
    try:
        yield server, store
    finally:
        await server.stop()
        await store.close()
