"""What visitors may take of the master: connections, time, bytes, subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields
from waiting import PATIENCE
from web_site import Site, visited, with_web

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors
from chargehand.config.web_limits import WebLimits
from chargehand.web.live.limits import LimitExceeded, LiveUsage, checked_pattern
from chargehand.web.protocol import hand_over

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def limited(**limits: float) -> AsyncIterator[Site]:
    """Run the site with limits of its own."""
    async with visited(with_web(limits=WebLimits(**limits))) as site:  # type: ignore[arg-type]
        yield site


async def _connect(site: Site, text: bytes = b"") -> Connection:
    reader, writer = await asyncio.open_connection(*site.server.addresses[0])
    writer.write(text)
    return reader, writer


async def _closed(connection: Connection) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await connection[0].read(1) == b""
    except ConnectionError:
        return True


async def _status(site: Site, path: str) -> int:
    async with site.session.get(path) as answer:
        return answer.status


async def _settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


# Connections


async def test_idle_connections_give_way_to_who_asks():
    async with limited(connections=5, pending_connections=5) as site:
        idle = [await _connect(site) for _ in range(50)]

        for _ in range(3):
            assert (await site.get("/builds/1"))[0] == 200

        assert await _closed(idle[0])
        for _, writer in idle:
            writer.close()


async def test_requests_under_way_do_not_give_way(caplog):
    async with limited(connections=2, head_seconds=0.05) as site:
        sockets = [await site.session.ws_connect("/ws") for _ in range(2)]

        reader, writer = await _connect(site, b"GET / HTTP/1.0\r\n\r\n")
        assert b" 503 " in await reader.readline()
        writer.close()

        assert "all 2 connections of the web server are in use" in caplog.text
        for socket in sockets:
            await socket.send_json({"cmd": "ping", "_id": 1})
            assert (await socket.receive_json())["msg"] == "pong"


async def test_connections_that_were_handed_over_take_no_place_of_visitors():
    let_go = asyncio.Event()

    async def worker(request: web.BaseRequest, _visitor: object) -> web.StreamResponse:
        hand_over(request)
        await let_go.wait()
        return web.Response(text="worked")

    limits = WebLimits(connections=2, head_seconds=1)
    async with visited(with_web(limits=limits), routes={"worker": worker}) as site:
        workers = [await _connect(site, b"GET /worker HTTP/1.0\r\n\r\n") for _ in range(70)]

        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                assert (await site.get("/builds/1"))[0] == 200
        let_go.set()

        for reader, writer in workers:
            assert (await reader.read()).endswith(b"worked")
            writer.close()


async def test_workers_take_nothing_of_what_visitors_at_their_address_may_ask_for():
    connected: list[web.BaseRequest] = []
    gone = asyncio.Event()

    async def worker(request: web.BaseRequest, _visitor: object) -> web.StreamResponse:
        connected.append(request)
        await gone.wait()
        return web.Response()

    async with visited(with_web(), routes={"worker": worker}) as site:
        workers = [asyncio.ensure_future(_status(site, "/worker/v1")) for _ in range(5)]
        async with asyncio.timeout(PATIENCE):
            while len(connected) < len(workers):
                await asyncio.sleep(0)

        gone.set()
        assert await asyncio.gather(*workers) == [200] * len(workers)
        assert list(site.server._allowances._kept) == []
        assert (await site.get("/builds/1"))[0] == 200
        assert list(site.server._allowances._kept) == ["127.0.0.1"]


async def test_what_waits_for_its_client_gives_way_to_a_whole_request(monkeypatch, caplog):
    monkeypatch.setattr("chargehand.web.connections._GRACE_SECONDS", 0.0)
    async with limited(connections=5) as site:
        slow = [await _connect(site, _post("forceschedulers/force", 5_000_000)) for _ in range(9)]
        while site.server.connections < 9:
            await asyncio.sleep(0)

        for _ in range(3):
            async with asyncio.timeout(PATIENCE):
                assert (await site.get("/builds/1"))[0] == 200

        assert "Traceback" not in caplog.text
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nA"])
async def test_a_head_that_does_not_end_has_its_time(head: bytes):
    async with limited(head_seconds=0.05) as site:
        assert await _closed(await _connect(site, head))


async def test_a_head_that_does_not_end_has_its_size():
    async with visited() as site:
        connection = await _connect(site, b"GET / HTTP/1.1\r\n")
        try:
            for number in range(120):
                connection[1].write(b"A%d: %s\r\n" % (number, b"x" * 10_000))
                await connection[1].drain()
                await _settled()
        except ConnectionError:
            pass

        assert await _closed(connection)


async def test_a_client_that_reads_nothing_is_cut_off():
    async with limited(stall_seconds=0.05) as site:
        site.logs.texts[8] = b"o" + b"x" * 50_000_000 + b"\n"
        head = b"GET /api/v2/logs/8/raw HTTP/1.1\r\nHost: localhost\r\n\r\n"
        reader, writer = await _connect(site, head)
        transport = writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

        async with asyncio.timeout(PATIENCE):
            while site.server.connections:
                await asyncio.sleep(0)
        transport.resume_reading()

        assert len(await _rest(reader)) < 50_000_000


async def _rest(reader: asyncio.StreamReader) -> bytes:
    found = b""
    try:
        while data := await reader.read(1_000_000):
            found += data
    except ConnectionError:
        pass
    return found


# Bodies


def _post(path: str, length: int) -> bytes:
    return (
        f"POST /api/v2/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("path", ["no/such/path", "builds/1", "forceschedulers", "builds", ""])
async def test_a_large_body_is_refused_unread_where_none_is_expected(path: str):
    async with visited() as site:
        reader, writer = await _connect(site, _post(path, 10_000_000))

        assert b" 413 " in await reader.readline()
        writer.close()


async def test_a_body_may_be_so_large():
    async with limited(body_bytes=1_000_000) as site:
        assert (await site.call("/forceschedulers/force", "force", text="x" * 900_000))[0] == 200
        assert (await site.call("/forceschedulers/force", "force", text="x" * 1_000_000))[0] == 413


async def test_a_body_whose_length_is_not_announced_may_be_so_large():
    async with limited(body_bytes=1_000_000) as site:

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 100_000

        try:
            async with site.session.post("/api/v2/forceschedulers/force", data=endless()) as answer:
                assert answer.status == 413
        except ConnectionError:
            pass  # It is refused while it is still being sent.


async def test_large_bodies_share_what_there_is_and_small_ones_need_none_of_it():
    async with limited(bodies_bytes=1_000_000) as site:
        slow = [await _connect(site, _post("forceschedulers/force", 5_000_000)) for _ in range(3)]
        for _, writer in slow[:2]:
            writer.write(b"x" * 900_000)
        answers = [asyncio.ensure_future(reader.readline()) for reader, _ in slow[:2]]
        (refused,), (waits,) = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)

        assert (await refused).split()[1] == b"503"
        assert (await site.call("/forceschedulers/force", "force", text="x" * 1000))[0] == 200
        assert not waits.done()
        waits.cancel()
        for _, writer in slow:
            writer.close()


async def test_a_body_that_does_not_end_has_its_time():
    async with limited(body_seconds=0.05) as site:
        reader, writer = await _connect(site, _post("builds/1", 100) + b"{")

        assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_client_that_leaves_while_it_sends_is_no_failure(caplog):
    async with visited() as site:
        _, writer = await _connect(site, _post("builds/1", 100) + b"{")
        while not site.server.connections:
            await asyncio.sleep(0)
        await _settled()
        writer.transport.abort()

        async with asyncio.timeout(PATIENCE):
            while site.server.connections:
                await asyncio.sleep(0)
        await _settled()

        assert "failed" not in caplog.text


async def test_a_body_has_so_many_elements():
    async with visited() as site:
        many = [[]] * 1_000_001

        status, answer = await site.call("/forceschedulers/force", "force", many=many)

        assert (status, answer["error"]["message"]) == (
            413,
            "the request has more than 1000000 elements",
        )


# Live events


async def test_a_subscription_is_no_longer_than_any_key():
    async with visited() as site, site.session.ws_connect("/ws") as socket:
        for path in ("a/" * 17, "a" * 1025, "0/" + "a/" * 30_000):
            await socket.send_json({"cmd": "startConsuming", "path": path, "_id": 1})
            assert (await socket.receive_json())["code"] == 400
            await socket.send_json({"cmd": "stopConsuming", "path": path, "_id": 1})
            assert (await socket.receive_json())["code"] == 400
        async with site.session.get("/sse/listen/" + "a/" * 17) as response:
            assert response.status == 400


async def test_there_are_so_many_subscriptions_of_one_and_in_all():
    async with (
        limited(subscriptions_per_connection=3, subscriptions=5) as site,
        site.session.ws_connect("/ws") as one,
        site.session.ws_connect("/ws") as other,
    ):
        codes = []
        for socket in (one, other):
            for number in range(4):
                path = f"builds/{number}/*"
                await socket.send_json({"cmd": "startConsuming", "path": path, "_id": 1})
                codes.append((await socket.receive_json())["code"])
        assert codes == [200, 200, 200, 400, 200, 200, 400, 400]
        async with site.session.get("/sse/listen/builds/9/*") as response:
            assert response.status == 400

        await one.close()
        await other.send_json({"cmd": "startConsuming", "path": "builds/9/*", "_id": 1})
        assert (await other.receive_json())["code"] == 200


async def test_there_are_so_many_live_connections():
    async with (
        limited(live_connections=2) as site,
        site.session.ws_connect("/ws"),
        site.session.get("/sse/listen/builds/1/*"),
    ):
        for path in ("/ws", "/sse/listen/builds/1/*"):
            upgrade = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            }
            async with site.session.get(path, headers=upgrade) as response:
                assert response.status == 503
                assert "Retry-After" in response.headers
        assert (await site.get("/builds/1"))[0] == 200


class LiveOne:
    """A live connection that is only counted."""

    def __init__(self, usage: LiveUsage, address: str = "", *, lag: int = 0) -> None:
        self._usage = usage
        self.address = address
        self.lag = lag
        self.is_listening = True
        self.is_dropped = False

    def drop_as_slow(self) -> None:
        self._usage.lag(-self.lag)
        self.give_up()

    def give_up(self) -> None:
        self.is_dropped = True


async def test_a_live_connection_lets_other_requests_begin(monkeypatch):
    monkeypatch.setattr("chargehand.web.turns._AT_ONCE", 2)
    monkeypatch.setattr("chargehand.web.turns._TURN_SECONDS", 1000.0)
    async with visited() as site, asyncio.timeout(PATIENCE):
        sockets = [await site.session.ws_connect("/ws") for _ in range(2)]
        streams = [await site.session.get("/sse/listen/builds/1/*") for _ in range(2)]

        assert (await site.get("/builds/1"))[0] == 200
        for socket in sockets:
            await socket.close()
        for stream in streams:
            stream.close()


def test_the_slowest_gives_way_when_all_lag_too_far_behind():
    limits = WebLimits(live_bytes=100)
    usage = LiveUsage(lambda: limits)
    all_of_them = [LiveOne(usage, lag=lag) for lag in (60, 30, 20)]
    for one in all_of_them:
        usage.join(one, 0)
        usage.lag(one.lag)

    assert [one.lag for one in all_of_them if one.is_dropped] == [60]


def test_live_connections_are_shared_among_addresses():
    limits = WebLimits(live_connections=4)
    usage = LiveUsage(lambda: limits)
    all_of_them = []
    for address in "aaaab":
        assert usage.make_room(address, now=10)
        usage.join(one := LiveOne(usage, address), 10)
        all_of_them.append(one)

    assert [one.is_dropped for one in all_of_them] == [True, False, False, False, False]
    assert not usage.make_room("a", now=100)
    assert usage.make_room("b", now=100)
    assert all_of_them[1].is_dropped


def test_a_live_connection_that_listens_to_nothing_gives_way_after_a_moment():
    limits = WebLimits(live_connections=2)
    usage = LiveUsage(lambda: limits)
    silent, listening = LiveOne(usage, "a"), LiveOne(usage, "a")
    silent.is_listening = False
    usage.join(listening, 0)
    usage.join(silent, 0)

    assert not usage.make_room("a", now=1)
    assert usage.make_room("a", now=2)
    assert (silent.is_dropped, listening.is_dropped) == (True, False)


@given(st.text(max_size=3000))
def test_no_path_is_a_failure(path: str):
    try:
        pattern = checked_pattern(path)
    except LimitExceeded:
        return
    assert 1 <= len(pattern) <= 16
    assert sum(map(len, pattern)) <= 1024


# Configuration


def _limits(directory: Path, text: str) -> WebLimits:
    path = directory / "master.cfg"
    path.write_text(
        "from buildbot.plugins import *\n"
        f"c = BuildmasterConfig = {{'www': {{'port': 8010, 'limits': {text}}}}}\n"
        "c['workers'] = [worker.LocalWorker('w')]\n"
        "c['builders'] = [util.BuilderConfig(name='b', workernames=['w'],\n"
        "                                    factory=util.BuildFactory())]\n"
        "c['schedulers'] = [schedulers.ForceScheduler(name='f', builderNames=['b'])]\n"
    )
    return Reader(Document(path, directory), EngineAccess()).read().web.limits


def test_limits_are_configured(tmp_path: Path):
    assert _limits(tmp_path, "{}") == WebLimits()
    assert _limits(tmp_path, "{'connections': 9, 'head_seconds': 1.5}") == WebLimits(
        connections=9, head_seconds=1.5
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'conections': 9}", 'has no limit "conections"; did you mean "connections"?'),
        ("{'connections': 0}", "must be a positive number, not 0"),
        ("{'connections': 1.5}", "must be a whole number, not 1.5"),
        ("{'subscriptions': True}", "must be a positive number, not True"),
        ("{'head_seconds': float('nan')}", "must be a positive number, not nan"),
        ("{3: 4}", 'has no limit "3"'),
        ("[]", "c['www']['limits'] must be a dictionary"),
    ],
)
def test_wrong_limits_are_errors(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigErrors) as errors:
        _limits(tmp_path, text)

    assert message in str(errors.value)


def test_every_limit_is_documented():
    page = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text()
    section = page.partition("## Limits of the web server")[2].partition("\n## ")[0]
    rows = section.splitlines()
    documented = {row.split("`")[1]: row for row in rows if row.startswith("| `")}

    assert documented.keys() == {one.name for one in fields(WebLimits)}
    for one in fields(WebLimits):
        assert f"| {one.default:,.10g} |" in documented[one.name], one.name


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 5000, bytes(5000), b"GET / HTTP/9\r\nx: " + b"y" * 9000]
)
async def test_garbage_is_not_sent_back(garbage: bytes):
    async with limited() as site:
        reader, _ = await _connect(site, garbage + b"\r\n\r\n")

        async with asyncio.timeout(5):
            heard = await reader.read()

        assert heard.startswith(b"HTTP/1.0 400 ")
        assert len(heard) < 1000
