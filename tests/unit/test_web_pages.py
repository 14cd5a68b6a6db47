"""The plain pages, over HTTP."""

from __future__ import annotations

import pytest
from web_site import visited

from chargehand.web.pages import duration, web_link


async def _page(site, path: str) -> tuple[int, str]:
    async with site.session.get(path) as response:
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        return response.status, await response.text()


async def test_the_first_page_lists_recent_builds_and_what_waits_and_why():
    async with visited() as site:
        status, text = await _page(site, "/")

        assert status == 200
        assert "<title>Our &lt;builds&gt;</title>" in text
        assert '<a class="name" href="builds/3">quick one #3</a>' in text
        assert '<span class="mark running"' in text
        assert '<span class="mark warnings"' in text
        assert "none of its workers is connected: w1" in text
        assert text.index("builds/3") < text.index("builds/2")


@pytest.mark.parametrize(
    "path", ["/builds/1", "/builders/1/builds/1", "/builders/quick%20one/builds/1"]
)
async def test_a_build_has_a_page_with_its_steps_and_logs(path: str):
    async with visited() as site:
        status, text = await _page(site, path)
        root = "../" * (path.count("/") - 1)

        assert status == 200
        assert "<title>quick one #1 · Our &lt;builds&gt;</title>" in text
        assert '<span class="name">compile</span>' in text
        assert f'<a href="{root}api/v2/logs/8/raw_inline">view</a>' in text
        assert "on w1" in text


async def test_a_builder_has_a_page_of_its_own_builds():
    async with visited() as site:
        for path in ("/builders/1", "/builders/quick%20one"):
            status, text = await _page(site, path)

            assert status == 200
            assert "quick one #2" in text


@pytest.mark.parametrize("path", ["/nothing", "/builds/99", "/builds", "/api/", "/static/nothing"])
async def test_a_page_that_is_not_there_says_so(path: str):
    async with visited() as site:
        status, text = await _page(site, path)

        assert status == 404
        assert "Not found" in text


async def test_a_page_that_fails_says_so_and_the_log_says_why(caplog):
    async with visited() as site:
        site.resources.rows["builds"] = [{"wrong": True}]

        status, text = await _page(site, "/")

        assert status == 500
        assert "Something went wrong" in text
        assert "GET / failed" in caplog.text


async def test_what_pages_use_is_served_here():
    async with visited() as site:
        for name, kind in (("site.css", "text/css"), ("live.js", "text/javascript")):
            async with site.session.get(f"/static/{name}") as response:
                assert response.status == 200
                assert response.headers["Content-Type"].startswith(kind)


async def test_pages_are_only_read():
    async with visited() as site, site.session.post("/", data=b"") as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3660, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_a_duration_is_said_in_two_units(seconds: int, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://x.org/a", "https://x.org/a"),
        ("relative/page", "relative/page"),
        ("javascript:alert(1)", "#"),
        (" JavaScript:alert(1)", "#"),
        ("data:text/html,x", "#"),
        ("http://[broken", "#"),
    ],
)
def test_only_links_of_the_web_are_followed(url: str, link: str):
    assert web_link(url) == link
