"""The web and the real store fit: every endpoint is answered, with the fields that it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from stored_site import LINES, stored_site

from chargehand.domain.result import Result
from chargehand.domain.worker import Standing
from chargehand.resources.audit import RESTRICTED
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS
from chargehand.web.server import WebServer

_VALUES = {"s:buildername": "builder 0", "i:step_name": "compile", "i:log_slug": "stdio"} | {
    "i:name": "w1",
    "n:step_number": "0",
}

_COMPARED = {"integer": "1", "datetime": "1", "float": "1.5", "boolean": "true"}


def _path(path: str) -> str:
    return "/".join(
        _VALUES.get(part, "1") if part[1:2] == ":" else part for part in path.split("/")
    )


def _session(server: WebServer) -> aiohttp.ClientSession:
    host, port = server.addresses[0]
    return aiohttp.ClientSession(f"http://{host}:{port}", headers={"Accept": "application/json"})


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(f"/api/v2/{path}") as response:
        assert response.status == 200, (path, await response.text())
        return await response.json(content_type=None)


_QUESTIONS = {"matches": "text=e", "failures": "buildid=1"}
"""What must be asked, by kind."""


async def test_every_endpoint_is_answered_with_exactly_its_fields(tmp_path: Path):
    seen: set[str] = set()
    async with stored_site(tmp_path) as (server, _), _session(server) as session:
        for endpoint in ENDPOINTS:
            question = _QUESTIONS.get(endpoint.kind, "")
            async with session.get(f"/api/v2/{_path(endpoint.path)}?{question}") as response:
                if endpoint.kind in RESTRICTED:
                    assert response.status == 403, endpoint
                    continue
                assert response.status in {200, 404}, (endpoint, await response.text())
                if response.status == 404 or endpoint.form in {"raw", "raw_inline", "value"}:
                    continue
                body = await response.json(content_type=None)
            for row in body[endpoint.key] if KINDS[endpoint.plural].types() else ():
                assert set(row) == set(KINDS[endpoint.plural].types()), endpoint
                seen.add(endpoint.plural)
    assert seen >= {
        "_properties",
        "actions",
        "builders",
        "buildrequests",
        "builds",
        "buildsets",
        "changes",
        "logchunks",
        "logs",
        "masters",
        "matches",
        "sourcestamps",
        "steps",
        "workers",
    }


async def test_every_field_that_can_be_compared_is_filtered_and_sorted_by(tmp_path: Path):
    async with stored_site(tmp_path) as (server, _), _session(server) as session:
        for endpoint in ENDPOINTS:
            if not endpoint.is_collection or ":" in endpoint.path:
                continue
            if endpoint.kind in RESTRICTED:
                continue
            for name, field in KINDS[endpoint.plural].types().items():
                value = {"integer": "1", "datetime": "1", "float": "1.5", "boolean": "true"}.get(
                    field.word, "x"
                )
                operator = "contains" if field.is_list else "eq"
                if field.word in {"jsonobject", "sourcedproperties"} or field.word in {
                    "master",
                    "patch",
                    "sourcestamp",
                    "master_id",
                    "master_builder",
                    "waiting_builder",
                }:
                    continue
                asked = f"{endpoint.path}?{_QUESTIONS.get(endpoint.kind, '')}"
                await _get(session, f"{asked}&{name}__{operator}={value}")
                if not field.is_list:
                    await _get(session, f"{asked}&order=-{name}&limit=1")


async def test_a_change_in_the_store_is_seen_at_once(tmp_path: Path):
    async with stored_site(tmp_path) as (server, store), _session(server) as session:
        for path in ("workers/w1", "builders", "builds/1?property=*", "masters"):
            await _get(session, path)

        await store.workers.set_state(
            (await _get(session, "workers/w1"))["workers"][0]["workerid"],
            Standing(paused=True, pause_reason="repairs"),
        )

        assert (await _get(session, "workers/w1"))["workers"][0]["pause_reason"] == "repairs"


async def test_the_log_of_the_store_is_read_and_downloaded(tmp_path: Path):
    async with stored_site(tmp_path) as (server, _), _session(server) as session:
        contents = await _get(session, "builders/builder%200/builds/1/steps/0/logs/stdio/contents")
        async with session.get("/api/v2/logs/1/raw") as response:
            raw = await response.read()

        assert contents["logchunks"][0]["content"] == LINES.decode()
        assert raw.endswith(b"Worker name: w1\nmake all\nhello\noops\n")
        assert response.headers["Content-Length"] == str(len(raw))


async def test_properties_and_results_are_as_buildbot_has_them(tmp_path: Path):
    async with stored_site(tmp_path) as (server, _), _session(server) as session:
        [build] = (await _get(session, "builds/1?property=got_revision"))["builds"]
        [request] = (await _get(session, "buildrequests/1?property=owner"))["buildrequests"]
        [properties] = (await _get(session, "builds/1/properties"))["properties"]

        assert build["properties"] == {"got_revision": ["r1", "Git"]}
        assert build["results"] == Result.SUCCESS
        assert request["properties"] == {"owner": ["me", "Force"]}
        assert properties["got_revision"] == ["r1", "Git"]


async def test_the_pages_show_what_the_store_has(tmp_path: Path):
    async with stored_site(tmp_path) as (server, _), _session(server) as session:
        for path in ("/plain/", "/plain/builders/1", "/plain/builds/1"):
            async with session.get(path) as response:
                assert response.status == 200
                assert "builder 0" in await response.text()
