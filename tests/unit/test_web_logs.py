"""Logs over HTTP: ranges of lines, downloads."""

from __future__ import annotations

import json

import aiohttp
import pytest
from web_site import visited

from chargehand.domain.raw_log import RawLog

_STDIO = (
    b"Builder: quick one\nBuild number: 1\nWorker name: w1\nmake all\nh\xc3\xa9llo \xff\noops\n"
)


@pytest.mark.parametrize(
    "path",
    [
        "/logs/8",
        "/steps/5/logs/stdio",
        "/builds/1/steps/0/logs/stdio",
        "/builds/1/steps/compile/logs/stdio",
        "/builders/1/builds/1/steps/compile/logs/stdio",
        "/builders/quick%20one/builds/1/steps/0/logs/stdio",
    ],
)
async def test_a_log_is_found_by_every_path(path: str):
    async with visited() as site:
        status, body = await site.get(f"{path}/contents?offset=1&limit=1")

        assert status == 200
        assert body == {
            "logchunks": [{"logid": 8, "firstline": 1, "content": "oh\xe9llo \ufffd\n"}],
            "meta": {},
        }
        async with site.session.get(f"/api/v2{path}/raw") as response:
            assert await response.read() == _STDIO


async def test_contents_are_the_whole_log_unless_cut():
    async with visited() as site:
        _, body = await site.get("/logs/8/contents")

        assert body["logchunks"][0]["content"] == "hmake all\noh\xe9llo \ufffd\neoops\n"


async def test_a_download_names_its_file_and_its_size():
    async with visited() as site:
        async with site.session.get("/api/v2/logs/8/raw") as response:
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert response.headers["Content-Length"] == str(len(_STDIO))
            assert response.headers["Content-Disposition"] == (
                "attachment; filename=quick_one_build_1_step_compile_log_stdio"
            )
        async with site.session.get("/api/v2/logs/8/raw_inline") as response:
            assert "Content-Disposition" not in response.headers
            assert await response.read() == _STDIO
        async with site.session.head("/api/v2/logs/8/raw") as response:
            assert response.headers["Content-Length"] == str(len(_STDIO))
            assert await response.read() == b""


async def test_the_markup_of_a_log_may_not_act():
    async with visited() as site, site.session.get("/api/v2/logs/9/raw_inline") as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert await response.read() == b"<script>alert(1)</script>\n"


async def test_a_download_that_fails_in_the_middle_breaks_the_connection(caplog):
    async with visited() as site:

        async def pieces():
            yield b"x" * 1000
            raise OSError("the disk is gone")

        async def raw(log_id: int) -> RawLog:
            return RawLog(size=5000, chunks=pieces())

        site.logs.raw = raw
        with pytest.raises(aiohttp.ClientError):
            async with site.session.get("/api/v2/logs/8/raw") as response:
                await response.read()

        assert "GET /api/v2/logs/8/raw failed" in caplog.text
        assert (await site.get("/builds/1"))[0] == 200


_LONG = b"".join(b'o%d \xff\xc3\xa9 "quoted"\\\n' % number for number in range(90_000))


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("path", ["contents", "contents?offset=2&limit=89000"])
async def test_a_long_log_is_sent_while_it_is_read(accept: str, path: str):
    async with visited() as site:
        site.logs.texts[8] = _LONG
        url, headers = f"/api/v2/logs/8/{path}", {"Accept": accept}
        async with site.session.get(url, headers=headers) as response:
            body = await response.text()
        first, count = (0, 90_000) if path == "contents" else (2, 89_000)
        lines = _LONG.decode(errors="replace").splitlines(keepends=True)
        chunk = {
            "logid": 8,
            "firstline": first,
            "content": "".join(lines[first : first + count]),
        }

        assert json.loads(body) == {"logchunks": [chunk], "meta": {}}
        assert "ETag" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"
        async with site.session.get("/api/v2/logs/8/contents?limit=2") as short:
            assert "ETag" in short.headers


async def test_a_long_answer_looks_like_a_short_one():
    async with visited() as site:
        async with site.session.get("/api/v2/logs/8/contents") as response:
            short = await response.text()
        site.logs.texts[8] = _LONG
        async with site.session.get("/api/v2/logs/8/contents") as response:
            long = await response.text()
        shown = json.dumps("hmake all\noh\xe9llo \ufffd\neoops\n", ensure_ascii=False)
        begin, end = short.split(shown)

        assert long.startswith(begin)
        assert long.endswith(end)


async def test_a_long_log_that_cannot_be_read_to_its_end_breaks_the_connection(caplog):
    async with visited() as site:

        async def pieces(log_id: int, first: int, count: int | None):
            yield _LONG
            raise OSError("the disk is gone")

        site.logs.lines_in_pieces = pieces
        with pytest.raises(aiohttp.ClientError):
            async with site.session.get("/api/v2/logs/8/contents") as response:
                await response.read()

        assert "GET /api/v2/logs/8/contents failed" in caplog.text
        assert (await site.get("/builds/1"))[0] == 200
