"""Steps that send HTTP requests, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from step_workshop import StepWorkshop
from twisted.internet import defer

from buildbot.plugins import steps, util
from chargehand.domain.result import Result

hanging: list[asyncio.Event] = []
"""Set when a request hangs, by those who wait for it."""


def _tell_that_it_hangs() -> None:
    for event in hanging:
        event.set()


async def _answer(request: web.Request) -> web.StreamResponse:
    if request.path == "/hangs":
        _tell_that_it_hangs()
        await asyncio.Event().wait()
    if request.path == "/stops":
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"so far")
        await asyncio.Event().wait()
    if request.path == "/cut":
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"so far")
        request.transport.close()
        return response
    if request.path == "/loop":
        raise web.HTTPFound("/loop")
    if request.path == "/moved":
        raise web.HTTPFound("/rich")
    if request.path == "/rich":
        rich = web.Response(body="Gr\u00fc\u00dfe\nzwei".encode("latin-1"))
        rich.headers["Content-Type"] = "text/plain; charset=latin-1"
        rich.headers["Link"] = '<http://x/2>; rel="next"'
        rich.set_cookie("flavour", "oat")
        return rich
    body = await request.text()
    said = f"{request.method} {request.query_string} {request.headers.get('X-Mine')} {body}\n"
    return web.Response(
        text=said, status=int(request.query.get("status", "200")), headers={"X-Answer": "yes"}
    )


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", _answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


@pytest.mark.parametrize(
    ("kind", "arguments", "answer"),
    [
        ("GET", {"params": {"a": "1"}}, "GET a=1 None \n"),
        ("POST", {"data": {"a": "1"}}, "POST  None a=1\n"),
        ("PUT", {"json": {"a": util.Interpolate("%(prop:buildername)s")}}, None),
        ("DELETE", {"headers": {"X-Mine": "mine"}}, "DELETE  mine \n"),
        ("OPTIONS", {"data": "text", "auth": ("user", "secret")}, "OPTIONS  None text\n"),
        ("HEAD", {}, None),
    ],
)
async def test_a_request_of_each_kind_is_sent_and_the_answer_kept(kind, arguments, answer) -> None:
    async with _server() as url:
        workshop = StepWorkshop(getattr(steps, kind)(url, **arguments))

        build = await workshop.run()

    assert build.result is Result.SUCCESS
    assert workshop.outcome()[-1][2] == "Status code: 200"
    log = workshop.logs.text("log")
    assert f"Performing {kind} request to {url}" in log
    assert "X-Answer: yes" in log
    assert "secret" not in log
    assert f"oURL: {url}" in log and "oStatus: 200\n" in log
    for title, given in (("Parameters", {"params"}), ("Data", {"data"})):
        assert (f"h{title}:\n" in log) is bool(given & set(arguments))
    if answer is not None:
        assert workshop.logs.text("content") == f"o{answer}"
        assert log.endswith(f"o ------ Content ------\no{answer}")
    if "auth" in arguments:
        assert "Authorization: <HIDDEN>" in log


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("hangs", Result.EXCEPTION),
        ("stops", Result.FAILURE),
        ("cut", Result.EXCEPTION),
        ("loop", Result.EXCEPTION),
    ],
)
async def test_answers_that_do_not_come_whole_end_as_in_buildbot(path, result) -> None:
    async with _server() as url:
        workshop = StepWorkshop(steps.GET(f"{url}{path}", timeout=0.2))

        build = await workshop.run()

    assert build.result is result
    assert "An exception occurred while performing the request: " in workshop.logs.text("log")


async def test_what_is_no_url_is_an_exception() -> None:
    workshop = StepWorkshop(steps.GET("nonsense"))

    assert (await workshop.run()).result is Result.EXCEPTION


class _Shows(steps.POST):
    async def log_response(self, log, response):
        first = next(response.iter_content(3, decode_unicode=True))
        values = [
            *(response.cookies["flavour"], response.cookies.get_dict(), response.encoding),
            *(response.text, first, list(response.iter_lines(decode_unicode=True))),
            *(response.raw.read(2), response.links, response.apparent_encoding, bool(response)),
            *([one.status_code for one in response.history], response.is_redirect),
            *(response.elapsed.total_seconds() > 0, response.request.method),
            *(response.raise_for_status(), response.close(), repr(response)),
        ]
        await log.addStdout(f"{values}\n")


async def test_a_response_has_what_one_of_requests_has() -> None:
    async with _server() as url:
        workshop = StepWorkshop(_Shows(f"{url}moved"))
        await workshop.run()

    assert (
        "['oat', {'flavour': 'oat'}, 'latin-1', 'Gr\u00fc\u00dfe\\nzwei', 'Gr\u00fc', "
        "['Gr\u00fc\u00dfe', 'zwei'], b'Gr', {'next': {'rel': 'next', 'url': 'http://x/2'}}, "
        "'ISO-8859-1', True, [302], False, True, 'GET', None, None, '<Response [200]>']"
    ) in workshop.logs.text("log")


class _Raises(steps.POST):
    def log_response(self, log, response):
        try:
            response.raise_for_status()
        except OSError as failed:
            return log.addStdout(f"{failed} {failed.response.request.body}\n")


@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (503, {"json": {"a": 1}}, '503 Server Error: Service Unavailable for url: URL {"a": 1}'),
        (404, {"data": {"a": ["b c"]}}, "404 Client Error: Not Found for url: URL a=b+c"),
    ],
)
async def test_a_response_raises_its_status_and_knows_what_was_sent(
    status, arguments, said
) -> None:
    async with _server() as server:
        url = f"{server}?status={status}"
        workshop = StepWorkshop(_Raises(url, **arguments))
        await workshop.run()

    assert said.replace("URL", url) in workshop.logs.text("log")


async def test_an_error_of_the_server_and_none_at_all_are_failures() -> None:
    async with _server() as url:
        workshop = StepWorkshop(
            steps.HTTPStep(url, "GET", params={"status": "404"}, flunkOnFailure=False),
            steps.GET(url, hide_response_headers=["x-answer"], name="hides"),
            steps.GET("http://127.0.0.1:1/", name="nobody"),
        )
        build = await workshop.run()

    assert build.result is Result.FAILURE
    said = [(result, state) for _, result, state in workshop.outcome()]
    assert said == [
        (Result.FAILURE, "Status code: 404 (failure)"),
        (Result.SUCCESS, "Status code: 200"),
        (Result.FAILURE, "request failed (failure)"),
    ]


def test_a_method_that_is_none_is_an_error() -> None:
    with pytest.raises(Exception, match="method must be one of POST, GET"):
        steps.HTTPStep("http://x", "FETCH")


class _Logs(steps.GET):
    @defer.inlineCallbacks
    def log_response(self, log, response):
        yield log.addStdout(f"{response.status_code} {response.ok} {response.request.method}\n")
        yield log.addStdout(f"{response.headers['x-answer']} {response.text}{response.url}\n")
        yield super().log_response(log, response)


async def test_a_subclass_may_log_the_response_as_it_likes() -> None:
    async with _server() as url:
        workshop = StepWorkshop(_Logs(f"{url}?status=404"))

        build = await workshop.run()

    log = workshop.logs.text("log")
    assert build.result is Result.FAILURE
    assert "o404 False GET\noyes GET status=404 None \n" in log
    assert "eStatus: 404" in log
    assert workshop.logs.text("content") == "oGET status=404 None \n"


class _Fails(steps.GET):
    def log_response(self, log, response):
        raise (TimeoutError if self.name == "late" else FileNotFoundError)("my own")


async def test_what_a_subclass_raises_is_no_failure_of_the_request() -> None:
    async with _server() as url:
        for name, words in (("late", "TimeoutError: my own"), ("none", "FileNotFoundError")):
            workshop = StepWorkshop(_Fails(url, name=name))

            build = await workshop.run()

            assert build.result is Result.EXCEPTION
            assert words in workshop.logs.text("err.text")


class _Waits(steps.GET):
    async def log_response(self, log, response):
        _tell_that_it_hangs()
        await asyncio.Event().wait()


@pytest.mark.parametrize(("kind", "path"), [(steps.GET, "hangs"), (_Waits, "")])
async def test_a_build_that_is_stopped_waits_for_no_answer(
    kind: type[steps.GET], path: str
) -> None:
    hanging[:] = [asyncio.Event()]
    async with _server() as url:
        workshop = StepWorkshop(kind(f"{url}{path}", timeout=600))
        running = asyncio.create_task(workshop.run())
        await hanging[0].wait()
        workshop.service.stop(1, "enough")

        assert (await running).result is Result.CANCELLED
