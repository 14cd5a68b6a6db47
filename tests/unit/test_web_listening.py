"""Listening: addresses, unix sockets, ports in use, reconfiguration."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from waiting import PATIENCE
from web_site import visited, with_web

from chargehand.web.listening import CannotListen


async def test_a_port_in_use_is_said_clearly():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(
            CannotListen, match=f"cannot listen on 127.0.0.1:{port}: Address already"
        ):
            async with visited(with_web(listen=(("127.0.0.1", port),))):
                pass


async def test_it_listens_on_a_unix_socket_and_takes_over_an_abandoned_one(tmp_path):
    path = str(tmp_path / "web.sock")
    abandoned = socket.socket(socket.AF_UNIX)
    abandoned.bind(path)
    abandoned.close()

    async with visited(with_web(listen=(("127.0.0.1", 0), path))) as site:
        connector = aiohttp.UnixConnector(path)
        async with (
            aiohttp.ClientSession("http://localhost", connector=connector) as session,
            session.get("/api/v2/builds/1") as response,
        ):
            assert response.status == 200
        with pytest.raises(CannotListen, match="cannot listen on"):
            async with visited(with_web(listen=(path,))):
                pass
        assert site.server.addresses[1] == path
    assert not (tmp_path / "web.sock").exists()


async def test_no_address_is_no_server():
    async with visited() as site:
        await site.server.reconfigure(with_web(listen=()))

        assert site.server.addresses == []


async def test_reconfiguring_keeps_what_did_not_change(tmp_path):
    async with visited() as site:
        before = site.server.addresses
        async with site.session.ws_connect("/ws") as socket_:
            await site.server.reconfigure(
                with_web(listen=(("127.0.0.1", 0), str(tmp_path / "s")), allowed_origins=("*",))
            )

            await socket_.send_json({"cmd": "ping", "_id": 1})
            assert (await socket_.receive_json(timeout=PATIENCE))["msg"] == "pong"
        assert site.server.addresses == [*before, str(tmp_path / "s")]
        async with site.session.get("/api/v2/builds/1", headers={"Origin": "http://any"}) as answer:
            assert answer.status == 200


async def test_a_failed_reconfiguration_changes_nothing(tmp_path):
    async with visited() as site:
        before = site.server.addresses
        with (
            socket.create_server(("127.0.0.1", 0)) as other,
            pytest.raises(CannotListen),
        ):
            await site.server.reconfigure(
                with_web(listen=(str(tmp_path / "s"), ("127.0.0.1", other.getsockname()[1])))
            )

        assert site.server.addresses == before
        assert (await site.get("/builds/1"))[0] == 200


async def test_garbage_on_the_wire_is_answered_and_others_go_on():
    async with visited() as site:
        host, port = site.server.addresses[0]
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"\x00\xffnonsense\r\n\r\n")

        assert (await reader.readline()).startswith(b"HTTP/1.0 400")

        writer.close()
        assert (await site.get("/builds/1"))[0] == 200
