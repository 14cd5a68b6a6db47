"""What a master's web server says to those who come to the workers' door."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from remote_worker import NAME, PASSWORD, Master
from waiting import PATIENCE, until

from chargehand.links.native.farewell import CONFIGURED, ENDED, STOPPING, Farewell
from chargehand.links.native.native_port import NativePort
from chargehand_wire.login import login_headers
from chargehand_wire.messages import PROTOCOL_VERSION
from chargehand_wire.websocket import ClientSocket
from chargehand_wire.websocket_frames import Closed
from chargehand_wire.worker_side import WorkerSide

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
RIGHT = {**UPGRADE, **login_headers(NAME, PASSWORD)}
OTHER_VERSION = {"Sec-WebSocket-Protocol": f"chargehand.worker.{PROTOCOL_VERSION + 1}"}


@pytest.fixture
async def master() -> AsyncIterator[Master]:
    master = Master()
    await master.open()
    yield master
    await master.close()


@pytest.mark.parametrize(
    ("path", "headers", "status", "told"),
    [
        ("/worker/v2", RIGHT, 404, "workers connect to /worker/v1"),
        ("/worker/v1", {}, 426, "with a websocket"),
        ("/worker/v1", {**RIGHT, "Origin": "http://evil.example"}, 403, "not for browsers"),
        ("/worker/v1", UPGRADE, 401, "with its name and password"),
        ("/worker/v1", {**UPGRADE, "Authorization": "Basic ?"}, 401, "with its name and password"),
        ("/worker/v1", {**UPGRADE, **login_headers("x", PASSWORD)}, 403, "the name is unknown, or"),
        ("/worker/v1", {**UPGRADE, **login_headers(NAME, "x")}, 403, "or the password is wrong"),
        ("/worker/v1", {**RIGHT, **OTHER_VERSION}, 403, "upgrade the master"),
        ("/worker/v1", {**RIGHT, "Sec-WebSocket-Protocol": "chat"}, 403, "does not say which"),
    ],
)
async def test_who_is_no_worker_is_told_so(
    master: Master,
    path: str,
    headers: dict[str, str],
    status: int,
    told: str,
    caplog: pytest.LogCaptureFixture,
):
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{master.port}{path}", headers=headers) as answer,
    ):
        assert answer.status == status
        assert told in await answer.text()

    assert master.registry.attached.empty()
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


@pytest.mark.parametrize("garbage", [b"\0" * 50, b"\xff" * 50, b"\0\0\0\x02\x91\x05", b""])
async def test_a_worker_that_does_not_follow_the_protocol_is_closed(master: Master, garbage: bytes):
    url = f"http://127.0.0.1:{master.port}/worker/v1"
    headers = login_headers(NAME, PASSWORD)
    offered = [headers.pop("Sec-WebSocket-Protocol")]
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(url, headers=headers, protocols=offered) as socket,
    ):
        assert socket.protocol == offered[0]
        if garbage:
            await socket.send_bytes(garbage)
            assert (await socket.receive(10)).type in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.CLOSE,
            )

    assert master.registry.attached.empty()


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 50, b"\x82\x84\0\0\0\0abcd", b"\x82\x06\0\0\0\2\x91\5"]
)
async def test_a_worker_without_masks_that_does_not_follow_the_protocol_is_closed(
    master: Master, garbage: bytes
):
    reader, writer = await asyncio.open_connection("127.0.0.1", master.port)
    headers = {**RIGHT, "Host": "ci", "Upgrade": "chargehand-worker, websocket"}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(["GET /worker/v1 HTTP/1.1", *lines, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")

    writer.write(garbage)

    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Upgrade: chargehand-worker\r\n" in answer
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    assert master.registry.attached.empty()


@pytest.mark.parametrize("upgrade", ["chargehand-worker, websocket", "websocket"])
async def test_a_connection_that_breaks_before_the_answer_is_no_error_of_the_master(
    master: Master, upgrade: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    arrived, gone = asyncio.Event(), asyncio.Event()
    admit = master.workers.admit

    async def slowly(*arguments: Any, **named: Any) -> Any:
        admitted = await admit(*arguments, **named)
        arrived.set()
        await gone.wait()
        return admitted

    monkeypatch.setattr(master.workers, "admit", slowly)
    port = NativePort(master.door)
    async with await asyncio.get_running_loop().create_server(port, "127.0.0.1", 0) as server:
        number = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", number)
        headers = {**RIGHT, "Host": "ci", "Upgrade": upgrade}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(["GET /worker/v1 HTTP/1.1", *lines, "", ""]).encode())
        await asyncio.wait_for(arrived.wait(), PATIENCE)

        (connection,) = port.connections

        writer.transport.abort()
        await until(lambda: connection.transport is None)
        gone.set()
        await until(lambda: not port.connections)

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert master.registry.attached.empty()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"hello\r\n\r\n", "what it sends is not HTTP"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it speaks HTTP, but does not ask for /worker/v1"),
        (b"GET /worker/v1 HTTP/1.1\r\nHost: x\r\n\r\n", "it speaks HTTP, and wants no websocket"),
    ],
)
async def test_what_comes_to_the_port_of_native_workers_is_told(
    master: Master, said: bytes, told: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    port = NativePort(master.door)
    async with await asyncio.get_running_loop().create_server(port, "127.0.0.1", 0) as server:
        for _ in range(2):
            address = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(said)
            await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()

    (line,) = [one for one in caplog.messages if "closing" in one]
    assert f" to the port of native workers: {told}" in line


@pytest.mark.parametrize("is_unmasked", [True, False])
@pytest.mark.parametrize("farewell", [STOPPING, CONFIGURED, ENDED])
async def test_a_worker_hears_why_its_connection_is_closed(
    master: Master, is_unmasked: bool, farewell: Farewell
):
    reader, writer = await asyncio.open_connection("127.0.0.1", master.port)
    socket = ClientSocket(
        host="ci",
        path="/worker/v1",
        headers=login_headers(NAME, PASSWORD),
        offers_unmasked=is_unmasked,
    )
    side = WorkerSide(name=NAME, incarnation="1", info={})
    writer.write(socket.request())
    while not socket.is_open:
        socket.receive(await reader.read(1))
    side.connect()
    writer.writelines(socket.data(side.take()))
    await asyncio.wait_for(master.registry.attached.get(), PATIENCE)

    if farewell is STOPPING:
        master.door.stopping()
    if farewell is ENDED:
        await master.link.shut_down()
    await master.link.stop()
    while socket.closed is None:
        received = await asyncio.wait_for(reader.read(4096), PATIENCE)
        assert received
        socket.receive(received)

    assert socket.is_unmasked is is_unmasked
    assert socket.closed == Closed(farewell.code, farewell.reason)
    writer.close()
