"""HTTPS: certificates, clients that do not encrypt, and what browsers are told."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from certificates import Authority
from waiting import PATIENCE, until

from chargehand.config.model import MasterConfig, WebConfig
from chargehand.config.tls_files import TlsFiles
from chargehand.config.web_limits import WebLimits
from chargehand.events.bus import Bus
from chargehand.testing.credentials import MemorySessions, MemoryTokens
from chargehand.testing.web import (
    MemoryControls,
    MemoryExplanations,
    MemoryForms,
    MemoryLogs,
    MemoryResources,
)
from chargehand.web import certificate as web_certificate
from chargehand.web.listening import CannotListen
from chargehand.web.server import WebServer

ADDRESS = ("127.0.0.1", 0)
_YEAR = 365 * 24 * 3600.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


class HttpsSite:
    """A web server with a certificate that can be replaced."""

    def __init__(self, directory: Path, authority: Authority, **limits: Any) -> None:
        self.directory, self.authority = directory, authority
        self.files = TlsFiles(
            certificate=str(directory / "site.pem"), key=str(directory / "site.key")
        )
        self.install("first")
        self.context = ssl.create_default_context(cafile=authority.certificate)
        self.config = MasterConfig(
            web=WebConfig(
                listen=(ADDRESS,),
                tls={ADDRESS: self.files},
                hsts_seconds=_YEAR,
                limits=WebLimits(**limits),
            )
        )
        self.server = WebServer(
            config=self.config,
            resources=MemoryResources({}),
            logs=MemoryLogs({}, without_letters=set()),
            controls=MemoryControls(builds=set(), workers=set()),
            explanations=MemoryExplanations({}),
            forms=MemoryForms([]),
            sessions=MemorySessions(),
            tokens=MemoryTokens(),
            bus=Bus(),
        )

    def install(self, name: str) -> None:
        """Put another certificate into its place."""
        certificate, key = self.authority.signed(name)
        shutil.copy(certificate, self.files.certificate)
        shutil.copy(key, self.files.key)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server.port is not None
        return self.server.port

    async def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text of an answer, on a connection of its own."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://127.0.0.1:{self.port}{path}", ssl=self.context) as answer,
        ):
            return answer.status, dict(answer.headers), await answer.text()

    async def shown(self) -> str:
        """Return the name in the certificate that is shown."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context)
        found = writer.get_extra_info("peercert")
        writer.transport.abort()
        return str(dict(part[0] for part in found["subject"])["commonName"])


@asynccontextmanager
async def serving(directory: Path, authority: Authority, **limits: Any) -> AsyncIterator[HttpsSite]:
    """Run a site for a while."""
    site = HttpsSite(directory, authority, **limits)
    await site.server.start()
    try:
        yield site
    finally:
        await site.server.stop()


async def test_pages_and_the_api_are_served_with_the_certificate(
    tmp_path: Path, authority: Authority
):
    async with serving(tmp_path, authority) as site:
        assert site.server.urls == [f"https://127.0.0.1:{site.port}/"]
        status, headers, text = await site.get("/plain/")
        assert (status, "</html>" in text) == (200, True)
        assert headers["Strict-Transport-Security"] == f"max-age={_YEAR:.0f}"
        status, _, text = await site.get("/api/v2/builders")
        assert (status, '"builders"' in text) == (200, True)
        assert site.server.connections <= 2


async def test_one_connection_serves_many_requests_and_bodies(tmp_path: Path, authority: Authority):
    async with serving(tmp_path, authority) as site, aiohttp.ClientSession() as session:
        base = f"https://127.0.0.1:{site.port}"
        for number in range(3):
            async with session.get(f"{base}/api/v2/builders", ssl=site.context) as answer:
                assert answer.status == 200
            order = {"jsonrpc": "2.0", "id": number, "method": "no", "params": {"a": "x" * 20_000}}
            async with session.post(
                f"{base}/api/v2/builds/1", json=order, ssl=site.context
            ) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (501, -32601)
        assert site.server.connections == 1


async def test_websockets_work_through_tls(tmp_path: Path, authority: Authority):
    async with serving(tmp_path, authority) as site, aiohttp.ClientSession() as session:
        url = f"wss://127.0.0.1:{site.port}/ws"
        async with session.ws_connect(url, ssl=site.context) as socket:
            await socket.send_json({"cmd": "ping", "_id": 1})
            assert await socket.receive_json(timeout=PATIENCE) == {
                "msg": "pong",
                "code": 200,
                "_id": 1,
            }


async def test_a_client_without_tls_is_told_what_to_use(tmp_path: Path, authority: Authority):
    async with (
        serving(tmp_path, authority) as site,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{site.port}/builders") as answer,
    ):
        assert answer.status == 400
        assert "begins with https://" in await answer.text()


async def test_a_renewed_certificate_is_used_without_a_reconfiguration(
    tmp_path: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setattr(web_certificate, "_LOOK_SECONDS", 0.0)
    async with serving(tmp_path, authority) as site:
        assert await site.shown() == "first"
        site.install("second")
        assert await site.shown() == "second"
        Path(site.files.key).write_text("nonsense")
        assert await site.shown() == "second"
        assert "the previous one stays in use" in caplog.text
        site.install("third")
        assert await site.shown() == "third"


async def test_reading_the_configuration_again_changes_between_http_and_https(
    tmp_path: Path, authority: Authority
):
    async with serving(tmp_path, authority) as site:
        port = site.port
        plain = MasterConfig(web=WebConfig(listen=(ADDRESS,)))
        await site.server.reconfigure(plain)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/") as answer,
        ):
            assert answer.status == 200
            assert "Strict-Transport-Security" not in answer.headers
        await site.server.reconfigure(site.config)
        assert (await site.get("/plain/"))[0] == 200


async def test_a_certificate_that_is_missing_keeps_the_server_as_it_is(
    tmp_path: Path, authority: Authority
):
    async with serving(tmp_path, authority) as site:
        missing = TlsFiles(certificate=str(tmp_path / "no.pem"), key=str(tmp_path / "no.pem"))
        web = WebConfig(listen=(ADDRESS,), tls={ADDRESS: missing})
        with pytest.raises(CannotListen, match=r"cannot serve HTTPS with .*no.pem.*: No such file"):
            await site.server.reconfigure(MasterConfig(web=web))
        assert (await site.get("/plain/"))[0] == 200


async def test_handshakes_that_never_end_keep_nobody_out(tmp_path: Path, authority: Authority):
    limits = {"connections": 5, "pending_connections": 10, "head_seconds": 60.0}
    async with serving(tmp_path, authority, **limits) as site:
        silent = []
        for number in range(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            # Half of them begin TLS, and say no more.
            writer.write(b"\x16\x03\x01\x02\x00" if number % 2 else b"")
            silent.append((reader, writer))
        assert (await site.get("/plain/"))[0] == 200
        assert site.server.connections <= 16
        for _, writer in silent:
            writer.transport.abort()


async def test_those_that_encrypt_and_ask_nothing_give_way_in_time(
    tmp_path: Path, authority: Authority
):
    async with serving(tmp_path, authority, head_seconds=0.2) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=site.context)
        async with asyncio.timeout(PATIENCE):
            try:
                assert await reader.read() == b""
            except ConnectionError:
                pass
        writer.transport.abort()
        assert site.server.connections == 0


async def test_descriptors_are_closed_whatever_clients_do(tmp_path: Path, authority: Authority):
    async with serving(tmp_path, authority, head_seconds=0.2) as site:
        before = len(os.listdir("/proc/self/fd"))
        for start in (
            b"",
            b"\x16",
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x00\x01x",
            b"\x00" * 9,
        ):
            for ends in (True, False):
                _, writer = await asyncio.open_connection("127.0.0.1", site.port)
                writer.write(start)
                await asyncio.sleep(0)
                if ends:
                    writer.transport.abort()
                else:
                    asyncio.get_running_loop().call_later(0.5, writer.transport.abort)
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
        assert site.server.connections == 0
