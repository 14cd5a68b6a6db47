"""Live events over real websockets and event streams."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from waiting import PATIENCE
from web_site import BUILDS, LOGS, STEP, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildPropertiesUpdated,
    BuildStarted,
    LogAppended,
    StepStarted,
)
from chargehand.resources.announcements import Key
from chargehand.resources.builds import BUILD
from chargehand.resources.policy import NoOrders
from chargehand.resources.visibility import EVERYTHING
from chargehand.testing.web import MemoryResources
from chargehand.web.access.events import SeenEvents
from chargehand.web.live.broadcast import LiveEvents
from chargehand.web.live.client import Client, Format


async def _ask(socket: aiohttp.ClientWebSocketResponse, **frame: Any) -> Any:
    await socket.send_json(frame)
    return await socket.receive_json(timeout=PATIENCE)


async def test_commands_are_answered_with_their_id():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        assert await _ask(socket, cmd="ping", _id=1) == {"msg": "pong", "code": 200, "_id": 1}
        assert await _ask(socket, cmd="startConsuming", path="a/*/b", _id="x") == {
            "msg": "OK",
            "code": 200,
            "_id": "x",
        }
        assert (await _ask(socket, cmd="stopConsuming", path="a/*/b", _id=2))["code"] == 200


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{", 400, "a websocket frame must be JSON"),
        (
            r'["\ud800"]',
            400,
            "a websocket frame must be JSON: lone surrogate \\ud800 (byte 2) is not valid Unicode",
        ),
        ("[]", 400, "no '_id' or 'type' in websocket frame"),
        ("{}", 400, "no '_id' or 'type' in websocket frame"),
        ('{"_id":1}', 400, "no 'cmd' in websocket frame"),
        ('{"_id":1,"cmd":"nope"}', 404, "no such command type 'nope'"),
        ('{"_id":1,"cmd":[]}', 404, "no such command type '[]'"),
        ('{"_id":1,"cmd":"startConsuming"}', 400, "Invalid method argument: 'path' is missing"),
        ('{"_id":1,"cmd":"startConsuming","path":7}', 400, "invalid path format '7'"),
        ('{"_id":1,"cmd":"stopConsuming","path":"a/b"}', 400, "path was not consumed 'a/b'"),
    ],
)
async def test_a_wrong_command_is_refused_and_the_connection_lives(
    text: str, code: int, message: str
):
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await socket.send_str(text)
        answer = await socket.receive_json(timeout=PATIENCE)

        assert (answer["code"], answer["error"]) == (code, message)
        assert (await _ask(socket, cmd="ping", _id=1))["msg"] == "pong"


async def test_events_come_under_each_of_their_keys():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        for number, path in enumerate(
            ("builds/*/*", "builders/1/builds/*/*", "workers/1/builds/3/new", "steps/*/*")
        ):
            await _ask(socket, cmd="startConsuming", path=path, _id=number)

        site.bus.publish([BuildStarted(build=BUILDS[2]), StepStarted(step=STEP)])

        received = [await socket.receive_json(timeout=PATIENCE) for _ in range(4)]
        assert [event["k"] for event in received] == [
            "builders/1/builds/3/new",
            "builds/3/new",
            "workers/1/builds/3/new",
            "steps/5/started",
        ]
        assert received[0]["m"] == BUILD.shown(BUILDS[2])


async def test_passwords_in_addresses_are_not_told():
    url = "https://user:{}@host/x.git"
    properties = {"url": ([url.format("hunter2")], "step")}
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await _ask(socket, cmd="startConsuming", path="*/*/*/*", _id=1)

        site.bus.publish([BuildPropertiesUpdated(build_id=BUILDS[0].id, properties=properties)])

        event = await socket.receive_json(timeout=PATIENCE)
        assert event["m"] == {"url": [[url.format("***")], "step"]}


async def test_a_client_gets_an_event_once_however_many_patterns_match():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        for path in ("builds/*/new", "builds/3/*", "*/*/*", "builds/3/new", "builds/3/new"):
            await _ask(socket, cmd="startConsuming", path=path, _id=1)

        site.bus.publish([BuildStarted(build=BUILDS[2]), BuildFinished(build=BUILDS[2])])

        assert [(await socket.receive_json(timeout=PATIENCE))["k"] for _ in range(2)] == [
            "builds/3/new",
            "builds/3/finished",
        ]


async def test_after_stop_consuming_nothing_more_comes():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await _ask(socket, cmd="startConsuming", path="builds/*/*", _id=1)
        await _ask(socket, cmd="stopConsuming", path="builds/*/*", _id=2)

        site.bus.publish([BuildStarted(build=BUILDS[2])])

        assert await _ask(socket, cmd="ping", _id=3) == {"msg": "pong", "code": 200, "_id": 3}
        assert not site.bus.has_listeners(BuildStarted)


async def test_log_and_property_events_have_buildbots_keys():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        for path in ("steps/5/logs/*/*", "logs/8/append", "builds/1/properties/update"):
            await _ask(socket, cmd="startConsuming", path=path, _id=1)

        site.bus.publish(
            [
                LogAppended(log=LOGS[0]),
                BuildPropertiesUpdated(build_id=BUILDS[0].id, properties={"a": (1, "Test")}),
            ]
        )

        assert [await socket.receive_json(timeout=PATIENCE) for _ in range(3)] == [
            {"k": key, "m": {**message}}
            for key, message in (
                ("logs/8/append", _log()),
                ("steps/5/logs/stdio/append", _log()),
                ("builds/1/properties/update", {"a": [1, "Test"]}),
            )
        ]


def _log() -> dict[str, Any]:
    return {
        "logid": 8,
        "name": "stdio",
        "slug": "stdio",
        "stepid": 5,
        "complete": False,
        "num_lines": 3,
        "type": "s",
    }


async def test_nobody_is_listened_to_when_nobody_listens():
    async with visited() as site:
        assert not site.bus.has_listeners(BuildStarted)
        async with site.session.ws_connect("/ws") as socket:
            await _ask(socket, cmd="startConsuming", path="builds/*/*", _id=1)
            assert site.bus.has_listeners(BuildStarted)
            await socket.close()
        async with asyncio.timeout(PATIENCE):
            while site.bus.has_listeners(BuildStarted):
                await asyncio.sleep(0)


async def test_the_bus_is_listened_to_for_what_somebody_may_want_only():
    kinds = (BuildFinished, BuildStarted, LogAppended)
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await _ask(socket, cmd="startConsuming", path="builds/*/finished", _id=1)
        wanted = [site.bus.has_listeners(kind) for kind in kinds]
        assert wanted == [True, False, False]

        await _ask(socket, cmd="startConsuming", path="builds/*/new", _id=2)
        await _ask(socket, cmd="startConsuming", path="builds/7/finished", _id=3)
        await _ask(socket, cmd="stopConsuming", path="builds/*/finished", _id=4)
        wanted = [site.bus.has_listeners(kind) for kind in kinds]
        assert wanted == [True, True, False]

        await _ask(socket, cmd="stopConsuming", path="builds/7/finished", _id=5)
        assert not site.bus.has_listeners(BuildFinished)
        assert site.bus.has_listeners(BuildStarted)


async def test_a_page_of_another_site_may_not_listen():
    async with visited() as site:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await site.session.ws_connect("/ws", headers={"Origin": "http://evil.com"})
        assert refused.value.status == 403


async def test_a_plain_request_for_the_socket_is_told_to_upgrade():
    async with visited() as site, site.session.get("/ws") as response:
        assert response.status == 426


async def test_stopping_the_server_closes_live_connections():
    async with visited() as site:
        socket = await site.session.ws_connect("/ws")
        stream = await site.session.get("/sse/listen/builds/*/*")
        await stream.content.readuntil(b"\n\n")

        await site.server.stop()

        assert (await socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.CLOSE
        assert await stream.content.read() == b""


async def test_another_policy_ends_connections_because_it_may_hide_what_they_are_told():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        stream = await site.session.get("/sse/listen/builds/*/*")
        await stream.content.readuntil(b"\n\n")

        await site.server.reconfigure(with_web(allowed_origins=("https://x.org",)))
        assert (await _ask(socket, cmd="ping", _id=1))["msg"] == "pong"
        await site.server.reconfigure(with_web(policy=NoOrders("not yet")))

        assert (await socket.receive(timeout=PATIENCE)).type is not aiohttp.WSMsgType.TEXT
        with pytest.raises(aiohttp.ClientPayloadError):
            await stream.content.read()


async def test_a_client_that_does_not_keep_up_is_given_up(caplog):
    aborted = asyncio.Event()
    bus = Bus()
    limits = WebLimits(live_bytes_per_connection=1000)
    events = SeenEvents(resources=MemoryResources({}))
    live = LiveEvents(bus=bus, events=events, limits=lambda: limits)
    client = Client(
        name="slow",
        sees=EVERYTHING,
        sent_as=Format(event=lambda _key, body, _id: body),
        abort=aborted.set,
        allowance=live.allowance,
        beat=live.beat,
    )
    live.add(client, ("builds", "*", "*"))

    bus.publish([BuildStarted(build=BUILDS[2])] * 10)

    assert await client.next() is None
    assert aborted.is_set()
    assert "slow does not keep up" in caplog.text


async def test_a_socket_that_is_not_read_is_closed_and_forgotten(caplog):
    async with visited() as site:
        for path in ("/ws", "/sse/listen/builds/1/properties/update"):
            host, port = site.server.addresses[0]
            reader, writer = await asyncio.open_connection(host, port, limit=1024)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{_UPGRADE}\r\n".encode())
            if path == "/ws":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_masked(b'{"cmd":"startConsuming","path":"builds/*/*/*","_id":1}'))
            async with asyncio.timeout(PATIENCE):
                while not site.bus.has_listeners(BuildPropertiesUpdated):
                    await asyncio.sleep(0)
            large = BuildPropertiesUpdated(
                build_id=BUILDS[0].id, properties={"a": ("x" * 1_000_000, "Test")}
            )

            async with asyncio.timeout(PATIENCE):
                while site.bus.has_listeners(BuildPropertiesUpdated):
                    site.bus.publish([large])
                    await asyncio.sleep(0)

            writer.close()
        assert caplog.text.count("does not keep up with its live events") == 2


_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def _masked(text: bytes) -> bytes:
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


async def test_event_streams_begin_with_a_handshake_and_can_be_changed():
    async with visited() as site:
        async with site.session.get("/sse/listen/builds/*/new") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            identifier = await _handshake(stream)

            assert await _text(site, f"/sse/add/{identifier}/steps/*/*") == (200, "ok\n")
            assert await _text(site, f"/sse/remove/{identifier}/builds/*/new") == (200, "ok\n")
            site.bus.publish([BuildStarted(build=BUILDS[2]), StepStarted(step=STEP)])

            event, data = (await stream.content.readuntil(b"\n\n")).decode().split("\n")[:2]
            assert event == "event: event"
            assert json.loads(data.removeprefix("data: "))["key"] == ["steps", "5", "started"]

        assert await _text(site, "/sse/add/x/builds") == (400, "unknown uuid\n")
        assert await _text(site, "/sse/other/x") == (400, "invalid path\n")


async def test_removing_what_a_stream_does_not_listen_to_is_an_error():
    async with visited() as site, site.session.get("/sse/listen") as stream:
        identifier = await _handshake(stream)

        assert await _text(site, f"/sse/remove/{identifier}/builds/*/new") == (
            404,
            "consumer is not listening to this event\n",
        )
        assert (await _text(site, f"/sse/add/{identifier}"))[0] == 400


async def _handshake(stream: aiohttp.ClientResponse) -> str:
    event, data = (await stream.content.readuntil(b"\n\n")).decode().split("\n")[:2]
    assert event == "event: handshake"
    return data.removeprefix("data: ")


async def _text(site: Any, path: str) -> tuple[int, str]:
    async with site.session.get(path) as response:
        return response.status, await response.text()


async def test_clients_that_ask_for_it_get_events_together():
    async with visited() as site, site.session.ws_connect("/ws?together") as socket:
        await socket.send_json({"cmd": "startConsuming", "path": "builds/*/*", "_id": 1})
        await socket.send_json({"cmd": "startConsuming", "path": "steps/*/*", "_id": 2})
        answers = await _together(socket, 2)

        site.bus.publish([BuildStarted(build=BUILDS[2])])
        site.bus.publish([StepStarted(step=STEP), BuildFinished(build=BUILDS[2])])

        assert [answer["_id"] for answer in answers] == [1, 2]
        assert [event["k"] for event in await socket.receive_json(timeout=PATIENCE)] == [
            "builds/3/new",
            "steps/5/started",
            "builds/3/finished",
        ]


async def _together(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        found += await socket.receive_json(timeout=PATIENCE)
    return found


@pytest.mark.parametrize("size", [10, 300, 100_000])
async def test_frames_of_every_size_can_be_read(size: int):
    properties = {"a": ("x" * size, "Test")}
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        await _ask(socket, cmd="startConsuming", path="*/*/*/*", _id=1)

        site.bus.publish([BuildPropertiesUpdated(build_id=BUILDS[0].id, properties=properties)] * 2)

        for _ in range(2):
            event = await socket.receive_json(timeout=PATIENCE)
            assert event["m"] == {"a": ["x" * size, "Test"]}


async def test_clients_of_one_kind_get_the_same_bytes():
    bus = Bus()
    live = LiveEvents(bus=bus, events=SeenEvents(resources=MemoryResources({})))
    made: list[str] = []

    def event(_key: Key, _body: bytes, identifier: str) -> bytes:
        made.append(identifier)
        return b"x"

    shared = Format(event=event)
    clients = [
        Client(
            name=str(number),
            sees=EVERYTHING,
            sent_as=shared,
            abort=lambda: None,
            allowance=live.allowance,
            beat=live.beat,
        )
        for number in range(20)
    ]
    for client in clients[:10]:
        live.add(client, ("builds", "*", "*"))
    for client in clients[10:]:
        live.resume(client, ("builds", "*", "*"), "")

    bus.publish([BuildStarted(build=BUILDS[2])] * 3)

    assert [await client.next() for client in clients] == [b"xxx"] * 20
    assert len(made) == 2 * 3
    assert len(set(made)) == 1 + 3
