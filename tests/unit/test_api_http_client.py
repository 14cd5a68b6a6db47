"""The HTTP client for plug-ins, against a real server."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from twisted.internet import defer

from buildbot._border import bridge
from buildbot.util.httpclientservice import HTTPClientService, HTTPSession


@pytest.fixture
async def address():
    bridge.install(asyncio.get_running_loop())

    async def tell(request):
        return web.json_response(
            {
                "method": request.method,
                "path": request.path_qs,
                "body": (await request.read()).decode(),
                "own": request.headers.get("X-Own"),
                "auth": request.headers.get("Authorization"),
            },
            status=418 if request.path.endswith("/tea") else 200,
        )

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", tell)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/base/"
    await runner.cleanup()


@pytest.mark.parametrize("method", ["get", "put", "post", "patch", "delete"])
async def test_a_plugin_can_send_requests(address, method):
    @defer.inlineCallbacks
    def ask():
        http = yield HTTPClientService.getService(None, address, headers={"X-Own": "1"})
        response = yield getattr(http, method)("/x", params={"q": "1"}, json={"a": 1})
        found = yield response.json()
        return response.code, found

    code, found = await bridge.inward(ask)

    assert code == 200
    assert (found["method"], found["path"]) == (method.upper(), "/base/x?q=1")
    assert (found["body"], found["own"]) == ('{"a": 1}', "1")


@pytest.mark.filterwarnings("error::DeprecationWarning")
async def test_a_session_sends_its_authentication(address):
    async def ask():
        session = HTTPSession(None, address, auth=("user", "password"))
        response = await session.get("/x")
        return await response.json()

    assert (await bridge.inward(ask))["auth"] == "Basic dXNlcjpwYXNzd29yZA=="


async def test_an_error_s_code_can_be_raised(address):
    async def ask():
        return await HTTPSession(None, address).get("/tea")

    response = await bridge.inward(ask)

    assert response.code == 418
    with pytest.raises(ValueError, match="/tea answered 418"):
        response.raise_for_status()


async def test_an_address_that_does_not_answer_fails_the_request():
    bridge.install(asyncio.get_running_loop())

    async def ask():
        return await HTTPSession(None, "http://127.0.0.1:1").get("/x")

    with pytest.raises(OSError):
        await bridge.inward(ask)
