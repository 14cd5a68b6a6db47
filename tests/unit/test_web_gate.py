"""What is asked of every request first: whether the master is ready, and whether it is meant."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_site import CONFIG, visited, with_web

from chargehand.web.access.hosts import Hosts

_CALL = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {}}


@pytest.mark.parametrize(
    "path", ["/", "/api/v2/builds", "/api", "/config", "/ws", "/sse/listen/builds/*/*", "/nope"]
)
async def test_a_foreign_name_is_refused_everywhere(path: str):
    async with visited() as site:
        headers = {"Host": "rebound.evil:8010"}

        async with site.session.get(path, headers=headers) as response:
            text = await response.text()

        assert response.status == 421
        assert "rebound.evil" in text
        assert "c['www']['allowed_hosts']" in text


async def test_a_foreign_name_orders_nothing():
    async with visited() as site:
        headers = {"Host": "rebound.evil"}

        async with site.session.post("/api/v2/builds/1", json=_CALL, headers=headers) as response:
            body = await response.json()

        assert response.status == 421
        assert body["error"]["code"] == -32600
        assert site.controls.orders == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("ci.example.org", 200),
        ("CI.Example.org.:443", 200),
        ("localhost:8010", 200),
        ("ci.localhost", 200),
        ("127.0.0.1", 200),
        ("10.1.2.3:8010", 200),
        ("[::1]:8010", 200),
        (f"{socket.gethostname()}:8010", 200),
        ("mirror.example.com", 200),
        ("example.com", 421),
        ("ci.example.org.evil.com", 421),
        ("evil.com@localhost", 421),
        ("localhost/evil", 421),
        ("notlocalhost", 421),
        ("1.2.3.4.evil.com", 421),
        ("2130706433", 421),
    ],
)
async def test_the_site_has_several_names(host: str, status: int):
    async with (
        visited(with_web(allowed_hosts=("*.example.com",))) as site,
        site.session.get("/api/v2/builds", headers={"Host": host}) as response,
    ):
        assert response.status == status


@given(st.text(max_size=30))
def test_no_header_is_a_failure(host: str):
    assert Hosts(site_url="http://ci.example.org/", patterns=()).allow(host) in {True, False}


@given(
    st.from_regex(
        r"[a-z]([a-z0-9-]{0,8}[a-z])?(\.[a-z]([a-z0-9-]{0,8}[a-z])?){1,3}", fullmatch=True
    )
)
def test_only_known_names_are_allowed(name: str):
    hosts = Hosts(site_url="http://ci.example.org/", patterns=())

    is_own = name in {"ci.example.org", socket.gethostname()} or name.endswith(".localhost")
    assert hosts.allow(name) is is_own
    assert hosts.allow(f"{name}:80") is is_own


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /api/v2/builds HTTP/1.0\r\n\r\n", b" 200 "),
        ("GET /api/v2/builds HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", b" 400 "),
        ("GET http://evil/api/v2/builds HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 400 "),
    ],
)
async def test_what_no_browser_sends(head: str, status: bytes):
    async with visited() as site:
        reader, writer = await asyncio.open_connection(*site.server.addresses[0])
        writer.write(head.encode())

        assert status in await reader.readline()
        writer.close()


async def test_only_health_checks_are_answered_while_the_master_stops():
    async with visited() as site:
        for change, stage, ready in (
            (site.server.open, "ready", 200),
            (site.server.close, "stopping", 503),
        ):
            change()
            assert await _status(site.session, "/health") == (200, {"status": "ok"}, None)
            status, body, later = await _status(site.session, "/ready")
            failed = {"failed": []} if stage == "ready" else {}
            assert (status, body) == (ready, {"status": stage, **failed})
            assert bool(later) is (ready == 503)
            for path in ("/", "/api/v2/builds", "/api", "/ws", "/static/site.css"):
                async with site.session.get(path) as response:
                    is_served = response.status != 503
                    assert is_served is (ready == 200)
                    assert ("Retry-After" in response.headers) is not is_served
            async with site.session.post("/api/v2/builds/1", json=_CALL) as response:
                assert response.status == ready
        assert len(site.controls.orders) == 1


async def _status(session: aiohttp.ClientSession, path: str) -> tuple[int, object, str | None]:
    async with session.get(path, headers={"Host": "balancer"}) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


async def test_the_names_are_those_of_the_running_configuration():
    async with visited() as site:
        await site.server.reconfigure(with_web(allowed_hosts=("other",)))

        headers = {"Host": "other"}
        async with site.session.get("/api/v2/builds", headers=headers) as response:
            assert response.status == 200
        await site.server.reconfigure(CONFIG)
        async with site.session.get("/api/v2/builds", headers=headers) as response:
            assert response.status == 421
