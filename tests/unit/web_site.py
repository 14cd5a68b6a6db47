"""The site that the web's tests visit, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from chargehand.config.model import MasterConfig, WebConfig
from chargehand.domain.build import Build, Log, LogType, Step
from chargehand.domain.identifiers import (
    BuilderId,
    BuildId,
    LogId,
    MasterId,
    RequestId,
    StepId,
    WorkerId,
)
from chargehand.domain.result import Result
from chargehand.domain.waiting import NoWorkerConnected
from chargehand.events.bus import Bus
from chargehand.kit.values import replace
from chargehand.resources.builds import BUILD, LOG
from chargehand.resources.builds import STEP as STEPS
from chargehand.testing.credentials import MemorySessions, MemoryTokens
from chargehand.testing.web import (
    MemoryControls,
    MemoryExplanations,
    MemoryForms,
    MemoryLogs,
    MemoryResources,
)
from chargehand.web.server import WebServer

BUILDS = tuple(
    Build(
        id=BuildId(number),
        number=number,
        builder_id=BuilderId(1),
        request_id=RequestId(number),
        worker_id=WorkerId(1),
        master_id=MasterId(1),
        started_at=1000.5 + number,
        complete=number < 3,
        complete_at=2000.5 if number < 3 else None,
        result=Result(number) if number < 3 else None,
        state="build successful" if number < 3 else "building",
    )
    for number in (1, 2, 3)
)
STEP = Step(id=StepId(5), build_id=BuildId(1), number=0, name="compile", started_at=1001.0)
LOGS = (
    Log(
        id=LogId(8), step_id=StepId(5), name="stdio", slug="stdio", type=LogType.STDIO, line_count=3
    ),
    Log(id=LogId(9), step_id=StepId(5), name="page", slug="page", type=LogType.HTML, line_count=1),
)
TEXTS = {8: b"hmake all\noh\xc3\xa9llo \xff\neoops\n", 9: b"<script>alert(1)</script>\n"}

_BUILD_PATHS = {"buildername": "quick one", "build_number": 1, "buildid": 1, "builderid": 1}


def site_rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the site's store."""
    return {
        "builders": [
            {
                "builderid": 1,
                "name": "quick one",
                "masterids": [1],
                "description": None,
                "description_format": None,
                "description_html": None,
                "projectid": None,
                "tags": ["fast", "linux"],
                "_scope": {"buildername": "quick one"},
            },
        ],
        "builds": [
            BUILD.shown(build)
            | {"_scope": {"buildername": "quick one", "build_number": build.number}}
            for build in BUILDS
        ],
        "steps": [
            STEPS.shown(STEP)
            | {"_scope": _BUILD_PATHS | {"step_name": "compile", "step_number": 0}}
        ],
        "logs": [
            LOG.shown(log)
            | {
                "_scope": _BUILD_PATHS
                | {"step_name": "compile", "step_number": 0, "log_slug": log.slug}
            }
            for log in LOGS
        ],
        "workers": [
            {
                "workerid": 1,
                "name": "w1",
                "connected_to": [{"masterid": 1}],
                "configured_on": [],
                "workerinfo": {},
                "paused": False,
                "pause_reason": None,
                "graceful": False,
            }
        ],
        "buildrequests": [
            {
                "buildrequestid": 4,
                "buildsetid": 4,
                "builderid": 1,
                "priority": 0,
                "claimed": False,
                "claimed_at": None,
                "claimed_by_masterid": None,
                "complete": False,
                "results": -1,
                "submitted_at": 1000,
                "complete_at": None,
                "waited_for": False,
                "properties": None,
            }
        ],
        "properties": [{"owner": ["me", "Force"], "_scope": {"buildid": 1}}],
        "build_data": [
            {
                "buildid": 1,
                "name": "size",
                "length": 3,
                "value": b"\xff\x00a",
                "source": "step",
            }
        ],
    }


FORM = {
    "name": "force",
    "button_name": "Force",
    "label": "Force",
    "builder_names": ["quick one"],
    "enabled": True,
    "all_fields": [],
}

CONFIG = MasterConfig(
    title="Our <builds>",
    url="https://ci.example.org/",
    web=WebConfig(listen=(("127.0.0.1", 0),), allowed_origins=("https://*.example.net",)),
)


@dataclass
class Site:
    """A running server, and a client's session with it."""

    server: WebServer
    session: aiohttp.ClientSession
    resources: MemoryResources
    controls: MemoryControls
    logs: MemoryLogs
    bus: Bus
    forms: list[dict[str, Any]]
    explanations: MemoryExplanations

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """GET a path below ``/api/v2`` as a program does; returns status and decoded body."""
        headers = {"Accept": "application/json"} | headers
        async with self.session.get(f"/api/v2{path}", headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def call(self, path: str, method: str, **parameters: Any) -> tuple[int, Any]:
        """Order something; returns status and decoded body."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        async with self.session.post(f"/api/v2{path}", json=body) as response:
            return response.status, await response.json()


@asynccontextmanager
async def visited(config: MasterConfig = CONFIG, **other: Any) -> AsyncIterator[Site]:
    """Run the site for a while."""
    resources = MemoryResources(site_rows())
    controls = MemoryControls(builds={1, 2, 3}, workers={1, "w1"})
    logs = MemoryLogs(TEXTS, without_letters={9})
    bus = Bus()
    forms: list[dict[str, Any]] = [FORM]
    waits = NoWorkerConnected(workers=("w1",))
    explanations = MemoryExplanations({4: waits, 1: None})
    server = WebServer(
        config=config,
        resources=resources,
        logs=logs,
        controls=controls,
        explanations=explanations,
        forms=MemoryForms(forms),
        bus=bus,
        **{"sessions": MemorySessions(), "tokens": MemoryTokens(), **other},
    )
    await server.start()
    try:
        host, port = server.addresses[0]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield Site(server, session, resources, controls, logs, bus, forms, explanations)
    finally:
        await server.stop()


def with_web(**changes: Any) -> MasterConfig:
    """Return the site's configuration with other ``www`` settings."""
    return replace(CONFIG, web=replace(CONFIG.web, **changes))
