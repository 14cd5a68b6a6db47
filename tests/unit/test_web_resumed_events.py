"""Clients whose connections were interrupted get what they missed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from waiting import PATIENCE
from web_site import BUILDS, STEP, Site, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildPropertiesUpdated,
    BuildStarted,
    StepStarted,
)
from chargehand.resources.query import Page, Query
from chargehand.resources.visibility import Visibility, all_but
from chargehand.testing.web import MemoryResources
from chargehand.web.access.events import SeenEvents
from chargehand.web.live.broadcast import LiveEvents
from chargehand.web.live.client import Client
from chargehand.web.live.websocket import TOGETHER

_STARTED, _FINISHED = BuildStarted(build=BUILDS[2]), BuildFinished(build=BUILDS[2])
_STEP = StepStarted(step=STEP)


async def _start(
    socket: aiohttp.ClientWebSocketResponse, path: str = "builds/*/*", last: str | None = ""
) -> dict[str, Any]:
    frame = {"cmd": "startConsuming", "path": path, "_id": 1}
    await socket.send_json(frame if last is None else frame | {"last_event_id": last})
    return await _next(socket)


async def _next(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    answer: dict[str, Any] = await socket.receive_json(timeout=PATIENCE)
    return answer


async def test_events_have_identifiers_for_those_who_ask():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        answer = await _start(socket)
        assert answer | {"last_event_id": ""} == {
            "msg": "OK",
            "code": 200,
            "_id": 1,
            "last_event_id": "",
            "is_complete": True,
        }
        async with site.session.ws_connect("/ws") as other:
            assert await _start(other, last=None) == {"msg": "OK", "code": 200, "_id": 1}
            site.bus.publish([_STARTED])

            event, plain = await _next(socket), await _next(other)
            assert set(event) == {"k", "m", "id"}
            assert event["id"] not in ("", answer["last_event_id"])
            del event["id"]
            assert event == plain


async def test_what_was_missed_follows_the_answer_and_then_what_is_new():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            await _start(socket)
            site.bus.publish([_STARTED])
            last = (await _next(socket))["id"]
        site.bus.publish([_STEP, _FINISHED])

        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, last=last))["is_complete"]
            site.bus.publish([_STARTED])
            missed, new = await _next(socket), await _next(socket)

        assert (missed["k"], new["k"]) == ("builds/3/finished", "builds/3/new")
        assert missed["m"]["buildid"] == 3

        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, last=missed["id"]))["is_complete"]
            assert (await _next(socket))["k"] == "builds/3/new"


async def test_nothing_is_missed_where_nothing_happened():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            last = (await _start(socket))["last_event_id"]
        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, last=last))["is_complete"]
            site.bus.publish([_FINISHED])
            assert (await _next(socket))["k"] == "builds/3/finished"


async def test_an_answer_says_no_more_than_was_received():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            last = (await _start(socket))["last_event_id"]
            await _start(socket, "steps/*/*")
        site.bus.publish([_STEP])

        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, last=last))["last_event_id"] == last
        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, "steps/*/*", last))["is_complete"]
            assert (await _next(socket))["k"] == "steps/5/started"


async def test_what_waits_for_the_visibility_check_is_still_to_come():
    aborted = asyncio.Event()
    bus = Bus()
    resources = MemoryResources({})
    checking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(query: Query) -> Page:
        checking.set()
        await go_on.wait()
        return Page(rows=[{"buildid": 3, "workerid": 1}], total=1)

    resources.fetch = slow  # type: ignore[method-assign]
    live = LiveEvents(bus=bus, events=SeenEvents(resources=resources))
    pattern = ("builds", "*", "*")

    def client() -> Client:
        return Client(
            name="few",
            sees=Visibility(builders=all_but("hidden")),
            sent_as=TOGETHER,
            abort=aborted.set,
            allowance=live.allowance,
            beat=live.beat,
        )

    first, second = client(), client()
    live.resume(first, pattern, "")
    bus.publish([_STARTED])
    await checking.wait()
    now = live.resume(first, ("steps", "*", "*"), "").last_event_id
    live.forget(first)

    resumed = live.resume(second, pattern, now)
    live.replay(second, resumed.missed)
    go_on.set()

    assert resumed.is_complete
    frame = await second.next() or b""
    assert json.loads(frame[frame.index(b"[") :])[0]["k"] == "builds/3/new"
    live.forget(second)
    await live.close()


async def test_an_event_with_several_keys_is_resumed_after_the_key_that_came_last():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            for path in ("builders/*/builds/*/*", "builds/*/*"):
                await _start(socket, path)
            site.bus.publish([_STARTED])
            first, second = await _next(socket), await _next(socket)
            assert (first["k"], second["k"]) == ("builders/1/builds/3/new", "builds/3/new")

        async with site.session.ws_connect("/ws") as socket:
            await _start(socket, "builders/*/builds/*/*", first["id"])
            await _start(socket, "builds/*/*", first["id"])
            again = await _next(socket)
            site.bus.publish([_STEP, _FINISHED])

            assert again["k"] == "builds/3/new"
            assert (await _next(socket))["k"] == "builders/1/builds/3/finished"


async def test_a_pattern_that_nobody_followed_has_a_gap():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            last = (await _start(socket))["last_event_id"]
            site.bus.publish([_STEP])
            await _start(socket, "steps/*/*")

        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, last=last))["is_complete"]
            assert not (await _start(socket, "steps/*/*", last))["is_complete"]
            assert not (await _start(socket, "workers/*/*", last))["is_complete"]


@pytest.mark.parametrize("last", ["x", "0-0", "00000000-00000000000000000000", "é", "-"])
async def test_an_identifier_of_another_run_has_a_gap(last: str):
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        answer = await _start(socket, last=last)

        assert not answer["is_complete"]
        assert answer["last_event_id"] != last


async def test_an_identifier_is_a_string():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await socket.send_json(
            {"cmd": "startConsuming", "path": "builds/*/*", "_id": 1, "last_event_id": 7}
        )
        assert (await _next(socket))["error"] == "last_event_id must be a string"


async def test_what_takes_too_much_memory_is_forgotten():
    async with visited(with_web(limits=WebLimits(history_bytes=50_000))) as site:
        async with site.session.ws_connect("/ws") as socket:
            await _start(socket, "builds/*/properties/update")
            site.bus.publish([_properties(20_000)])
            last = (await _next(socket))["id"]
            site.bus.publish([_properties(20_000)])
            await _next(socket)
            site.bus.publish([_properties(1_000)])
            await _next(socket)

        async with site.session.ws_connect("/ws") as socket:
            assert (await _start(socket, "builds/*/properties/update", last))["is_complete"]
        site.bus.publish([_properties(40_000)])
        async with site.session.ws_connect("/ws") as socket:
            assert not (await _start(socket, "builds/*/properties/update", last))["is_complete"]


async def test_what_would_overwhelm_a_client_is_a_gap():
    async with visited(with_web(limits=WebLimits(live_bytes_per_connection=50_000))) as site:
        async with site.session.ws_connect("/ws") as socket:
            last = (await _start(socket, "builds/*/properties/update"))["last_event_id"]
        site.bus.publish([_properties(20_000)] * 2)

        async with site.session.ws_connect("/ws") as socket:
            assert not (await _start(socket, "builds/*/properties/update", last))["is_complete"]


def _properties(size: int) -> BuildPropertiesUpdated:
    return BuildPropertiesUpdated(build_id=BUILDS[0].id, properties={"a": ("x" * size, "Test")})


async def test_passwords_are_not_told_later_either():
    url = "https://user:hunter2@host/x.git"
    event = BuildPropertiesUpdated(build_id=BUILDS[0].id, properties={"url": (url, "step")})
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            last = (await _start(socket, "builds/*/properties/update"))["last_event_id"]
        site.bus.publish([event])
        async with site.session.ws_connect("/ws") as socket:
            await _start(socket, "builds/*/properties/update", last)

            assert (await _next(socket))["m"] == {"url": ["https://user:***@host/x.git", "step"]}


async def test_nothing_is_listened_to_or_kept_while_nobody_asks():
    async with visited() as site:
        async with site.session.ws_connect("/ws") as socket:
            await _start(socket, last=None)
        while site.bus.has_listeners(BuildStarted):
            await asyncio.sleep(0)


async def _frame(stream: aiohttp.ClientResponse) -> dict[str, str]:
    text = (await asyncio.wait_for(stream.content.readuntil(b"\n\n"), PATIENCE)).decode()
    fields = (line.partition(": ") for line in text.strip().split("\n"))
    return {name: value for name, _, value in fields}


async def _listen(site: Site, path: str, **headers: str) -> tuple[Any, dict[str, str]]:
    stream = await site.session.get(f"/sse/{path}", headers=headers)
    assert (await _frame(stream))["event"] == "handshake"
    return stream, await _frame(stream)


async def test_browsers_resume_event_streams_by_themselves():
    async with visited() as site:
        path = "listen/builds/*/*?last_event_id="
        stream, resumed = await _listen(site, path)
        assert resumed["event"] == "resumed"
        assert json.loads(resumed["data"]) == {"last_event_id": resumed["id"], "is_complete": True}
        site.bus.publish([_STARTED])
        last = (await _frame(stream))["id"]
        stream.close()
        site.bus.publish([_FINISHED])

        stream, resumed = await _listen(site, path, **{"Last-Event-ID": last})
        missed = await _frame(stream)
        stream.close()

        assert json.loads(resumed["data"])["is_complete"]
        assert json.loads(missed["data"])["key"] == ["builds", "3", "finished"]
        assert missed["id"] != last

        stream, resumed = await _listen(site, path, **{"Last-Event-ID": "x"})
        stream.close()
        assert not json.loads(resumed["data"])["is_complete"]


async def test_streams_of_others_have_no_identifiers():
    async with visited() as site, site.session.get("/sse/listen/builds/*/*") as stream:
        await _frame(stream)
        site.bus.publish([_STARTED])

        assert set(await _frame(stream)) == {"event", "data"}


async def test_a_pattern_that_is_added_to_a_stream_is_resumed_too():
    async with visited() as site:
        stream, resumed = await _listen(site, "listen/builds/*/*?last_event_id=")
        stream.close()
        site.bus.publish([_STARTED])

        stream = await site.session.get("/sse/listen")
        identifier = (await _frame(stream))["data"]
        path = f"/sse/add/{identifier}/builds/*/*?last_event_id={resumed['id']}"
        async with site.session.get(path) as added:
            assert added.status == 200
        assert (await _frame(stream))["event"] == "resumed"
        assert json.loads((await _frame(stream))["data"])["key"] == ["builds", "3", "new"]
        stream.close()
