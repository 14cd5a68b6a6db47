"""``wsgi_dashboards``: WSGI applications under the site, in threads that harm nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from flask import Flask, make_response, request
from web_site import Site, visited, with_web

from chargehand.config.dashboards import Dashboard
from chargehand.domain.user import User
from chargehand.resources.policy import Everybody
from chargehand.resources.visibility import Visibility, all_but
from chargehand.web.plugins import dashboards

_BASE = "/plugins/wsgi_dashboards/dash"


@asynccontextmanager
async def _site(*applications: Any, **web: Any) -> AsyncIterator[Site]:
    made = tuple(
        Dashboard(name=name, application=application)
        for name, application in zip(("dash", "other"), applications, strict=False)
    )
    async with visited(with_web(dashboards=made, **web)) as site:
        yield site


async def _get(site: Site, path: str, **headers: str) -> tuple[int, str]:
    async with site.session.get(path, headers=headers) as answer:
        return answer.status, await answer.text()


def _flask() -> Flask:
    app = Flask("test")

    @app.route("/index.html")
    def main() -> str:
        return "<h1>Hello</h1>"

    @app.route("/environ")
    def environ() -> dict[str, str]:
        return {key: value for key, value in request.environ.items() if isinstance(value, str)}

    @app.route("/echo", methods=["POST"])
    def echo() -> Any:
        made = make_response(request.get_data(), 201)
        made.headers["Content-Security-Policy"] = "default-src 'none'"
        made.set_cookie("mine", "1")
        return made

    @app.route("/fails")
    def fails() -> str:
        raise ValueError("a fault of the application")

    return app


async def test_a_flask_application_answers_below_its_name() -> None:
    async with _site(_flask(), _flask()) as site:
        assert await _get(site, f"{_BASE}/index.html") == (200, "<h1>Hello</h1>")
        assert await _get(site, f"/stock{_BASE}/index.html") == (200, "<h1>Hello</h1>")
        assert (await _get(site, "/plugins/wsgi_dashboards/other/index.html"))[0] == 200
        for missing in (f"{_BASE}/nothing", _BASE, "/plugins/wsgi_dashboards/nobody/index.html"):
            assert (await _get(site, missing))[0] == 404
        status, _ = await _get(site, f"{_BASE}/fails")
        assert status == 500
        assert (await _get(site, f"{_BASE}/index.html"))[0] == 200


async def test_it_knows_the_request_but_not_what_logs_visitors_in_here() -> None:
    async with _site(_flask()) as site:
        cookies = "a=1; chargehand_session_12=secret; __Host-chargehand_login_1=secret; b=2"
        async with site.session.get(
            f"{_BASE}/environ?q=%20x",
            headers={"Cookie": cookies, "Proxy": "evil", "X-Y": "z", "A_B": "spoofed"},
        ) as answer:
            environ = await answer.json()
    assert environ["SCRIPT_NAME"] == _BASE
    assert environ["PATH_INFO"] == "/environ"
    assert environ["QUERY_STRING"] == "q=%20x"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["SERVER_NAME"] == "ci.example.org"
    assert environ["HTTP_X_Y"] == "z"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert "secret" not in str(environ)
    assert {"HTTP_PROXY", "HTTP_AUTHORIZATION", "REMOTE_USER", "HTTP_A_B"} & environ.keys() == set()


async def test_links_of_a_site_below_a_path_are_right() -> None:
    config = with_web(dashboards=(Dashboard(name="dash", application=_flask()),))
    from msgspec.structs import replace

    async with visited(replace(config, url="http://ci.example.org/ci/")) as site:
        _, text = await _get(site, f"{_BASE}/environ")
    assert f'"SCRIPT_NAME":"/ci{_BASE}"' in text


async def test_bodies_status_cookies_and_policies_are_the_applications() -> None:
    async with _site(_flask()) as site:
        async with site.session.post(f"{_BASE}/echo", data=b"sent") as answer:
            assert (answer.status, await answer.read()) == (201, b"sent")
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
            assert answer.cookies["mine"].value == "1"
        async with site.session.get(f"{_BASE}/index.html") as answer:
            # What it does not say is said for it: scripts come from the site only.
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with site.session.head(f"{_BASE}/index.html") as answer:
            assert (answer.status, await answer.read()) == (200, b"")


async def test_pages_of_other_sites_send_it_nothing() -> None:
    async with _site(_flask()) as site:
        headers = {"Origin": "https://pages.example.net"}
        async with site.session.post(f"{_BASE}/echo", data=b"x", headers=headers) as answer:
            assert answer.status == 403
        async with site.session.post(f"{_BASE}/echo", data=b"x" * 300_000) as answer:
            assert answer.status == 413


async def test_those_who_may_not_see_everything_do_not_see_it() -> None:
    class Hiding(Everybody):
        def visibility(self, user: User) -> Visibility:
            return Visibility(builders=all_but("secret"))

    async with _site(_flask(), policy=Hiding()) as site:
        status, text = await _get(site, f"{_BASE}/index.html")
    assert status == 403
    assert "you may not see all of it" in text


Start = Callable[..., Callable[[bytes], object]]


async def test_pieces_arrive_as_they_are_made_and_what_was_opened_is_closed() -> None:
    go, closed = threading.Event(), threading.Event()

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            yield b"first"
            go.wait(30)
            yield b""
            yield b" second"

        def close(self) -> None:
            closed.set()

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])(b"zeroth ")
        return Pieces()

    async with _site(application) as site, site.session.get(_BASE) as answer:
        assert await answer.content.readexactly(12) == b"zeroth first"
        go.set()
        assert await answer.read() == b" second"
        assert await asyncio.to_thread(closed.wait, 30)


async def test_half_of_an_answer_does_not_look_like_all_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        yield b"first"
        raise ValueError("in the middle")

    async with _site(application) as site:
        with pytest.raises(aiohttp.ClientError):
            await _get(site, _BASE)
    assert "dashboard dash failed" in caplog.text
    assert "in the middle" in caplog.text


def _exits(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    raise SystemExit(3)


def _says_nothing(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return [b"x"]


def _says_text(environ: dict[str, Any], start: Start) -> Iterable[Any]:
    start("200 OK", [])
    return ["text"]


def _splits_headers(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("X-Name", "a\r\nSet-Cookie: evil=1")])
    return [b"x"]


def _has_no_status(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("fine", [])
    return [b"x"]


@pytest.mark.parametrize(
    "application",
    [_exits, _says_nothing, _says_text, _splits_headers, _has_no_status, lambda: None],
)
async def test_whatever_it_does_the_master_goes_on(
    application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with _site(application, _flask()) as site:
        status, text = await _get(site, _BASE)
        assert (status, text) == (
            500,
            "The dashboard failed. See the master's log for details.\n",
        )
        assert (await _get(site, "/plugins/wsgi_dashboards/other/index.html"))[0] == 200
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in errors] == ["dashboard dash failed: GET "]


async def test_one_that_hangs_does_not_hold_up_the_site_nor_the_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dashboards, "_SECONDS", 0.2)
    go = threading.Event()
    running: list[int] = []

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        running.append(1)
        go.wait(30)
        start("200 OK", [])
        return [b"late"]

    async with _site(application, _flask()) as site:
        answers = await asyncio.gather(*[_get(site, _BASE) for _ in range(50)])
        begun = time.monotonic()
        assert (await site.get("/builders"))[0] == 200
        assert time.monotonic() - begun < 5
        statuses = sorted(status for status, _ in answers)
        # Some have threads, some waited for one, and too many were not let in.
        assert statuses == [503] * 46 + [504] * 4
        assert len(running) == 4
        go.set()

        async def is_free() -> bool:
            return (await _get(site, "/plugins/wsgi_dashboards/other/index.html"))[0] == 200

        for _ in range(100):
            if await is_free():
                break
        assert await is_free()
    assert "dashboard dash has not answered within 0.2 s" in caplog.text
