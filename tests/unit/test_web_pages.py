"""The plain pages, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from web_site import FORM, site_rows, visited, with_web

from chargehand.domain.refused_login import RefusedLogin
from chargehand.kit.durations import ago, duration
from chargehand.resources.policy import NoOrders
from chargehand.testing.web import MemoryResources
from chargehand.web.pages.phrases import moment, web_link

_FILES = (
    ("site.css", "text/css"),
    ("live.js", "text/javascript"),
    ("log.js", "text/javascript"),
)


async def _page(site, path: str) -> tuple[int, str]:
    async with site.session.get(f"/plain{path}") as response:
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
        root = "../" * path.count("/")

        assert status == 200
        assert "<title>quick one #1 · Our &lt;builds&gt;</title>" in text
        assert '<span class="name">compile</span>' in text
        assert f'<a href="{root}api/v2/logs/8/raw_inline"' in text
        assert ">w1</a>" in text


async def test_a_builder_has_a_page_of_its_own_builds():
    async with visited() as site:
        for path in ("/builders/1", "/builders/quick%20one"):
            status, text = await _page(site, path)

            assert status == 200
            assert "quick one #2" in text


async def test_refused_logins_of_workers_are_shown_with_their_addresses():
    async with visited() as site:
        _, before = await _page(site, "/workers")
        login = RefusedLogin(
            name="arm-<8>",
            address="10.0.0.3:4711",
            reason="wrong password",
            refused_at=1000.5,
            count=3,
        )
        site.explanations.logins.append(login)
        _, page = await _page(site, "/workers")
        status, told = await site.get("/refused_logins?name=arm-%3C8%3E")

    assert "Refused logins" not in before
    assert "wrong password (from 10.0.0.3:4711; 3 times)" in page
    assert "arm-&lt;8&gt;" in page
    assert status == 200
    assert told["refused_logins"] == [
        {
            "name": "arm-<8>",
            "address": "10.0.0.3:4711",
            "reason": "wrong password",
            "refused_at": 1000.5,
            "count": 3,
        }
    ]


async def test_builders_workers_and_changes_have_lists_and_pages():
    change = {
        "changeid": 7,
        "author": "Ann <ann@x>",
        "comments": "Mend it\n\nAll of it.",
        "branch": "main",
        "revision": "f" * 40,
        "repository": "",
        "codebase": "",
        "files": ["<a>"],
        "revlink": "javascript:alert(1)",
        "when_timestamp": 1000,
    }
    source = {
        "changesourceid": 1,
        "name": "poller",
        "state": "failing",
        "state_since": 900,
        "state_string": "cannot reach <it>",
    }
    rows = site_rows() | {"changes": [change], "changesources": [source]}
    async with visited() as site:
        site.resources.rows = MemoryResources(rows).rows
        pages = {
            path: (await _page(site, path))[1]
            for path in ("/builders", "/workers", "/workers/1", "/changes", "/changes/7")
        }

        assert '<a class="name" href="builders/1">quick one</a>' in pages["/builders"]
        assert '<span class="tag">fast</span>' in pages["/builders"]
        assert '<a class="name" href="workers/1">w1</a>' in pages["/workers"]
        assert "quick one #3" in pages["/workers/1"]
        assert '<a href="changes/7">Mend it</a>' in pages["/changes"]
        assert "cannot reach &lt;it&gt;" in pages["/changes"]
        assert (
            '<code title="ffffffffffffffffffffffffffffffffffffffff">ffffffffff</code>'
            in (pages["/changes"])
        )
        assert "All of it." in pages["/changes/7"]
        assert "&lt;a&gt;" in pages["/changes/7"]
        assert "javascript:" not in pages["/changes/7"]
        assert "<li>no scheduler of this master builds changes</li>" in pages["/changes/7"]


@pytest.mark.parametrize("path", ["/nothing", "/builds/99", "/builds", "/api/", "/static/nothing"])
async def test_a_page_that_is_not_there_says_so(path: str):
    async with visited() as site:
        status, text = await _page(site, path)

        assert status == 404
        assert "Not found" in text


def _field(name: str, *, default: str) -> dict[str, Any]:
    return {"fullName": name, "label": name.title(), "required": True, "default": default}


async def test_the_first_page_offers_to_force_what_needs_no_answers():
    async with visited() as site:
        nested = {"fullName": "a", "fields": [_field("branch", default="main")]}
        site.forms[:] = [
            FORM | {"all_fields": [nested]},
            FORM | {"name": "off", "enabled": False},
            FORM | {"name": "release", "all_fields": [_field("version", default="")]},
        ]

        _, text = await _page(site, "/")
        _, builder = await _page(site, "/builders/1")

        assert 'data-path="forceschedulers/force"' in text
        assert (
            "&#34;branch&#34;:&#34;main&#34;,&#34;builderNames&#34;:[&#34;quick one&#34;]" in text
        )
        assert "forceschedulers/off" not in text + builder
        assert "forceschedulers/release" not in text + builder
        assert "needs a value for “Version”" in builder


async def test_a_page_with_very_many_builders_stays_small():
    async with visited() as site:
        site.forms[:] = [FORM | {"builder_names": [f"b{n:05}" for n in range(5000)]}]

        _, text = await _page(site, "/")

        assert text.count("<option") == 200
        assert "4800 more" in text


async def test_what_took_less_than_ten_seconds_is_said_with_a_decimal():
    rows = site_rows() | {"build_times": [{"buildid": 1, "seconds": 1.26}]}
    async with visited() as site:
        site.resources.rows = MemoryResources(rows).rows

        _, text = await _page(site, "/")

        assert "took 1.3 s" in text
        assert "took 16 min 38 s" in text


async def test_a_page_that_fails_says_so_and_the_log_says_why(caplog):
    async with visited() as site:
        site.resources.rows["builds"] = [{"wrong": True}]

        status, text = await _page(site, "/")

        assert status == 500
        assert "Something went wrong" in text
        assert "GET /plain/ failed" in caplog.text


async def test_what_pages_use_is_served_here():
    async with visited() as site:
        for name, kind in _FILES:
            async with site.session.get(f"/static/{name}") as response:
                assert response.status == 200
                assert response.headers["Content-Type"].startswith(kind)


async def test_pages_are_only_read():
    async with visited() as site, site.session.post("/", data=b"") as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.04, "< 0.1 s"),
        (2.34, "2.3 s"),
        (9.96, "10 s"),
        (59.9, "1 min 0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3660, "1 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_two_units(seconds: int, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s ago"), (59.9, "59 s ago"), (61, "1 min ago"), (7300, "2 h ago"), (9e4, "1 d ago")],
)
def test_how_long_ago_is_said_in_one_unit(seconds: float, words: str):
    assert ago(seconds) == words


def test_a_moment_is_said_in_full():
    assert moment(0) == "1970-01-01 00:00:00 UTC"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://x.org/a", "https://x.org/a"),
        ("relative/page", "relative/page"),
        ("javascript:alert(1)", ""),
        (" JavaScript:alert(1)", ""),
        ("\x01java\tscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[broken", ""),
    ],
)
def test_only_links_of_the_web_are_followed(url: str, link: str):
    assert web_link(url) == link


async def test_pages_offer_no_orders_that_would_be_refused():
    refusing = with_web(policy=NoOrders("nobody can log in"))
    async with visited() as open_site, visited(refusing) as site:
        for path in ("/", "/builders/1", "/builds/1", "/builds/3"):
            assert "data-order=" in (await _page(open_site, path))[1]
            text = (await _page(site, path))[1]
            assert "data-order=" not in text
            assert "data-force" not in text
        path = "/builders/1/forceschedulers"
        assert "data-answers" in (await _page(open_site, path))[1]
        assert "data-answers" not in (await _page(site, path))[1]
        status, body = await site.call("/builds/3", "stop")

        assert status == 403
        assert body["error"]["message"] == (
            "you are not allowed to stop builds/3: nobody can log in"
        )
        assert site.controls.orders == []
        assert (await site.get("/builds/3"))[0] == 200
