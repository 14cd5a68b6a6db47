"""Requests that came before, byte for byte, are answered where they arrive, and as before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import PATIENCE
from web_site import Site, visited, with_web

from chargehand.config.web_limits import WebLimits
from chargehand.web.listening import Listeners
from chargehand.web.protocol import PIECE, Protocol, head_of
from chargehand.web.rest.api import RestApi

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _get(path: str, *headers: str, host: str = "localhost") -> bytes:
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", "")
    return "\r\n".join(lines).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return head, without its date, and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    return re.sub(rb"Date: .*? GMT", b"", head), await reader.readexactly(int(length[1]))


async def _asked(streams: Streams, request: bytes) -> tuple[bytes, bytes]:
    reader, writer = streams
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        return await _answer(reader)


@pytest.fixture
def worked_on(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The targets that the REST API worked on, as opposed to those answered at once."""
    found: list[bytes] = []
    serve = RestApi.serve

    async def counted(self: RestApi, request: web.BaseRequest, *args: Any) -> object:
        found.append(request.raw_path.encode())
        return await serve(self, request, *args)

    monkeypatch.setattr(RestApi, "serve", counted)
    return found


async def _connected(site: Site) -> Streams:
    return await asyncio.open_connection(*site.server.addresses[0])


async def _taught(site: Site, request: bytes) -> tuple[Streams, tuple[bytes, bytes]]:
    """Return a connection on which this request is answered at once, and the answer."""
    streams = await _connected(site)
    first = await _asked(streams, request)
    for _ in range(2):
        await _asked(streams, request)
    return streams, first


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
@pytest.mark.parametrize("path", ["builds", "builds?limit=1&order=-buildid", "builders/1"])
async def test_the_answer_is_the_same_and_nothing_works_on_it(
    path: str, accept: str, worked_on: list[bytes]
):
    async with visited() as site:
        request = _get(f"/api/v2/{path}", f"Accept: {accept}")
        streams, first = await _taught(site, request)
        before = len(worked_on)

        again = [await _asked(streams, request) for _ in range(3)]

        assert again == [first] * 3
        assert first[0].startswith(b"HTTP/1.1 200 OK\r\n")
        assert len(worked_on) == before
        other = await _connected(site)
        assert [await _asked(other, request) for _ in range(3)] == [first] * 3
        assert len(worked_on) == before + 1  # the first request of a connection


async def test_it_is_as_new_as_any_other(worked_on: list[bytes]):
    async with visited() as site:
        request = _get("/api/v2/builds/1?field=state_string")
        streams, first = await _taught(site, request)

        site.resources.rows["builds"][0] |= {"state_string": "other"}
        site.resources.touch("builds")

        changed = await _asked(streams, request)
        assert b"other" in changed[1] and b"other" not in first[1]
        before = len(worked_on)
        assert await _asked(streams, request) == changed
        assert len(worked_on) == before


async def test_a_name_that_is_no_longer_allowed_is_refused():
    async with visited(with_web(allowed_hosts=("mirror",))) as site:
        request = _get("/api/v2/builds/1", host="mirror")
        streams, first = await _taught(site, request)
        assert b" 200 " in first[0]

        await site.server.reconfigure(with_web(allowed_hosts=()))

        other = await _connected(site)
        for _ in range(3):
            assert b" 421 " in (await _asked(other, request))[0]
            assert b" 421 " in (await _asked(streams, request))[0]


async def test_a_master_that_stops_says_so():
    async with visited() as site:
        request = _get("/api/v2/builds/1")
        streams, _ = await _taught(site, request)

        site.server.close()

        assert b" 503 " in (await _asked(streams, request))[0]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Origin: https://a.example.net", b"Access-Control-Allow-Origin: https://a.example.net"),
        ("Origin: https://evil.example", b"400 Bad Request"),
        ("Connection: close", b"Connection: close"),
    ],
)
async def test_what_depends_on_more_is_worked_on(header: str, expected: bytes):
    async with visited() as site:
        await _taught(site, _get("/api/v2/builds/1"))
        for _ in range(3):
            streams = await _connected(site)
            await _asked(streams, _get("/api/v2/builds/1"))

            assert expected in (await _asked(streams, _get("/api/v2/builds/1", header)))[0]


async def test_an_unchanged_answer_is_still_not_sent_again():
    async with visited() as site:
        first = await site.session.get("/api/v2/builds/1")
        for _ in range(4):
            headers = {"If-None-Match": first.headers["ETag"]}
            async with site.session.get("/api/v2/builds/1", headers=headers) as response:
                assert response.status == 304


async def test_visitors_on_the_local_socket_are_worked_on(tmp_path, worked_on: list[bytes]):
    path = tmp_path / "master.sock"
    async with visited(local_socket=path) as site:
        await site.server.reconfigure(with_web())
        request = _get("/api/v2/builds/1")
        await _taught(site, request)
        streams = await asyncio.open_unix_connection(str(path))
        before = len(worked_on)

        for _ in range(4):
            await _asked(streams, request)

        assert len(worked_on) == before + 4


# The protocol alone, with a handler that tells what it has read


class _Telling:
    """Answers with what was asked, and remembers every request that may be remembered."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[bytes, bytes]] = {}
        self.worked_on = 0
        self.at_once = 0
        self.let_go = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell it."""
        self.worked_on += 1
        if request.path == "/wait":
            await self.let_go.wait()
        read = await request.read()
        body = b"%s %s %s" % (request.method.encode(), request.raw_path.encode(), read)
        sent = head_of(request)
        if sent is not None:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.kept[sent] = (head, body)
        return web.Response(body=body)

    def find(self, request: bytes) -> tuple[bytes, bytes] | None:
        """Return what is kept."""
        found = self.kept.get(request)
        self.at_once += found is not None
        return found


@asynccontextmanager
async def _telling(**limits: Any) -> AsyncIterator[tuple[_Telling, tuple[str, int]]]:
    telling = _Telling()
    allowed = WebLimits(**limits)
    listeners = Listeners(telling.handle, limits=lambda: allowed, kept_answer=telling.find)
    await listeners.listen([("127.0.0.1", 0)])
    address = listeners.addresses[0]
    assert isinstance(address, tuple)
    try:
        yield telling, address
    finally:
        await listeners.close()


_PLAIN = (_get("/a"), _get("/b", "X: 1"), _get("/" + "c" * 50))
_MORE = (
    *_PLAIN,
    *(
        b"POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (len(plain), plain)
        for plain in _PLAIN
    ),
    b"GET /e HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
    *(b"GET /f HTTP/1.1\r\nX: " + plain for plain in _PLAIN),
    b"POST /g HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
)


def _told(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    method, path, _ = head.split(b"\r\n")[0].split(b" ")
    return b"%s %s %s" % (method, path, b"hi" if b"chunked" in head else body)


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.sampled_from(_MORE), min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 1500), max_size=4),
    seams=st.sets(st.integers(0, 30)),
)
def test_requests_are_told_apart_however_they_arrive(
    requests: list[bytes], cuts: list[int], seams: set[int]
):
    async def run() -> None:
        async with _telling() as (telling, address):
            for plain in _PLAIN:
                streams = await asyncio.open_connection(*address)
                for _ in range(3):
                    assert (await _asked(streams, plain))[1] == _told(plain)
            assert telling.at_once == 3
            stream = b"".join(requests)
            # Most of all before and after what looks like a request.
            found = re.finditer(rb"(?=GET )|(?<=\r\n\r\n)", stream)
            at = {one.start() for number, one in enumerate(found) if number in seams}
            at |= {cut for cut in cuts if cut <= len(stream)} | {len(stream)}
            await _check(address, _cut(stream, sorted(at)))

    async def _check(address: tuple[str, int], pieces: Sequence[bytes]) -> None:
        reader, writer = await asyncio.open_connection(*address)
        for piece in pieces:
            writer.write(piece)
            for _ in range(12):
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            told = [(await _answer(reader))[1] for _ in requests]
        assert told == [_told(request) for request in requests]
        writer.close()

    asyncio.run(run())


def _cut(stream: bytes, at: Sequence[int]) -> list[bytes]:
    starts = [0, *at]
    return [stream[start:end] for start, end in zip(starts, at, strict=False) if end > start]


async def test_a_slow_client_gets_all_of_a_long_answer():
    body = bytes(range(256)) * (20 * PIECE // 256)
    request = _get("/long")
    async with _telling() as (telling, address):
        reader, writer = await asyncio.open_connection(*address, limit=1000)
        for _ in range(2):
            await _asked((reader, writer), request)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        telling.kept[request] = (head, body)
        telling.kept[_get("/short")] = (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")

        for _ in range(3):
            writer.write(request)
            while telling.at_once == 0:  # The answer has begun; nobody reads.
                await asyncio.sleep(0)
            telling.at_once = 0
            async with asyncio.timeout(PATIENCE):
                assert (await _answer(reader))[1] == body
            assert (await _asked((reader, writer), _get("/short")))[1] == b"ok"
            telling.at_once = 0
        assert telling.worked_on == 2
        writer.close()


async def test_clients_that_do_not_read_hold_little_of_an_answer(monkeypatch):
    body = b"x" * (80 * PIECE)
    request = _get("/long")
    most = 0
    is_answered = Protocol._is_answered

    def watched(self: Protocol, data: bytes) -> bool:
        nonlocal most
        found = is_answered(self, data)
        if self.transport is not None:
            most = max(most, self.transport.get_write_buffer_size())
        return found

    monkeypatch.setattr(Protocol, "_is_answered", watched)
    async with _telling() as (telling, address):
        reader, writer = await asyncio.open_connection(*address, limit=1000)
        await _asked((reader, writer), request)
        await _asked((reader, writer), request)
        telling.kept[request] = (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)

        writer.write(request)
        while telling.at_once == 0:
            await asyncio.sleep(0)

        assert 0 < most <= PIECE + 64 * 1024
        writer.transport.abort()


async def test_it_takes_its_turn_where_others_wait():
    async with _telling() as (telling, address):
        one = await asyncio.open_connection(*address)
        for _ in range(3):
            await _asked(one, _get("/a"))
        waiting = [await asyncio.open_connection(*address) for _ in range(32)]
        before = telling.worked_on
        for _, writer in waiting:
            writer.write(_get("/wait"))
        while telling.worked_on < before + 32:
            await asyncio.sleep(0)

        assert (await _asked(one, _get("/a")))[1] == _told(_get("/a"))

        assert telling.worked_on == before + 33
        telling.let_go.set()
        for reader, writer in waiting:
            await _answer(reader)
            writer.close()


async def test_a_connection_in_use_is_not_idle():
    async with _telling(idle_seconds=0.1) as (telling, address):
        streams = await asyncio.open_connection(*address)
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.4
        while loop.time() < end:
            assert (await _asked(streams, _get("/a")))[1] == _told(_get("/a"))
        assert telling.worked_on <= 2

        async with asyncio.timeout(PATIENCE):
            assert await streams[0].read(1) == b""  # Closed after a while without requests.


async def test_what_is_remembered_has_its_limits(worked_on: list[bytes]):
    async with visited() as site:
        streams = await _connected(site)
        long = _get("/api/v2/builds/1", f"X: {'x' * 3000}")
        for _ in range(4):
            await _asked(streams, long)
        assert len(worked_on) == 4
        streams = await _connected(site)
        for number in range(1200):
            request = _get("/api/v2/builds/1", f"X: {number}")
            await _asked(streams, request)
        before = len(worked_on)

        await _asked(streams, _get("/api/v2/builds/1", "X: 1199"))
        await _asked(streams, _get("/api/v2/builds/1", "X: 0"))

        assert len(worked_on) == before + 1
