"""Orders by JSON-RPC over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from web_site import visited, with_web

from chargehand.domain.result import Result
from chargehand.domain.user import User
from chargehand.resources.policy import Facts
from chargehand.resources.visibility import EVERYTHING, Visibility
from chargehand.store.errors import DatabaseUnavailable


async def test_every_order_reaches_the_controls():
    async with visited() as site:
        assert (await site.call("/forceschedulers/force", "force", builderid=1))[1]["result"] == [
            7,
            {"1": 12},
        ]
        assert (await site.call("/builds/1", "rebuild"))[1]["result"] == [8, {"1": 13}]
        for path, method, parameters in (
            ("/builds/2", "stop", {"reason": "enough", "results": 2}),
            ("/builders/quick%20one/builds/3", "stop", {}),
            ("/buildrequests/4", "cancel", {"reason": "no more"}),
            ("/buildrequests/4", "set_priority", {"priority": "5"}),
            ("/schedulers/6", "enable", {"enabled": False}),
            ("/workers/w1", "pause", {"reason": "repairs"}),
            ("/workers/1", "unpause", {}),
            ("/workers/1", "stop", {}),
            ("/masters/1/workers/w1", "kill", {}),
        ):
            status, body = await site.call(path, method, **parameters)
            assert (status, body) == (200, {"jsonrpc": "2.0", "id": 1, "result": None})

        assert site.controls.orders == [
            ("force", "force", {"builderid": 1}, ""),
            ("rebuild", 1, ""),
            ("stop_build", 2, "enough", Result.FAILURE, ""),
            ("stop_build", 3, "no reason", Result.CANCELLED, ""),
            ("cancel_request", 4, "no more", ""),
            ("set_priority", 4, 5, ""),
            ("enable_scheduler", 6, False),
            ("control_worker", "w1", "pause", "repairs", ""),
            ("control_worker", 1, "unpause", "", ""),
            ("control_worker", 1, "stop", "", ""),
            ("control_worker", "w1", "kill", "", ""),
        ]


@pytest.mark.parametrize(
    ("path", "method", "parameters", "status", "code", "message"),
    [
        ("/builds/1", "nope", {}, 501, -32601, "action: nope is not supported"),
        ("/builds", "stop", {}, 501, -32601, "action: stop is not supported"),
        ("/builders/1", "x", {}, 501, -32601, "action: x is not supported"),
        ("/nope", "stop", {}, 404, -32600, "Invalid path: nope"),
        ("/builds/99", "stop", {}, 404, -32600, "there is no build 99"),
        ("/workers/w9", "stop", {}, 404, -32600, "there is no worker w9"),
        ("/forceschedulers/no", "force", {}, 404, -32600, "there is no force scheduler no"),
        (
            "/forceschedulers/force",
            "force",
            {"number": "x"},
            400,
            -32602,
            {"number": "is not a number"},
        ),
        ("/builds/1", "stop", {"reason": 3}, 400, -32602, {"reason": "must be a string"}),
        ("/builds/1", "stop", {"results": 9}, 400, -32602, {"results": "must be a result, 0 to 6"}),
        (
            "/builds/1",
            "stop",
            {"results": []},
            400,
            -32602,
            {"results": "must be a result, 0 to 6"},
        ),
        ("/buildrequests/4", "set_priority", {}, 400, -32602, {"priority": "must be an integer"}),
        ("/schedulers/6", "enable", {}, 400, -32602, {"enabled": "must be true or false"}),
    ],
)
async def test_an_order_that_cannot_be_carried_out_is_refused(
    path: str, method: str, parameters: dict[str, Any], status: int, code: int, message: Any
):
    async with visited() as site:
        assert await site.call(path, method, **parameters) == (
            status,
            {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}},
        )
        assert site.controls.orders == []


@pytest.mark.parametrize(
    ("content_type", "body", "code", "message"),
    [
        ("text/plain", "{}", -32600, "Invalid content-type (use application/json)"),
        ("application/x-www-form-urlencoded", "a=1", -32600, "Invalid content-type"),
        ("application/json", "", -32700, "JSON parse error: "),
        ("application/json", "{", -32700, "JSON parse error: "),
        ("application/json", r'{"x":"\ud800"}', -32700, "JSON parse error: lone surrogate "),
        ("application/json", '"\xff"', -32700, "JSON parse error: "),
        ("application/json", "[" * 100_000, -32700, "JSON parse error: "),
        ("application/json", "[" * 101 + "]" * 101, -32600, "nested too deeply"),
        (
            "application/json",
            f'{{"jsonrpc":"2.0","id":1,"method":"x","params":{"[" * 100}{"]" * 100}}}',
            -32600,
            "nested too deeply: there may be 100 levels of arrays and objects",
        ),
        (
            "application/json",
            f'{{"jsonrpc":"2.0","id":1,"method":3,"params":{"[" * 99}{"]" * 99}}}',
            -32600,
            "'method' must be a string",
        ),
        ("application/json", "[]", -32600, "JSONRPC batch requests are not supported"),
        ("application/json", '"x"', -32600, "JSONRPC root object must be an object"),
        ("application/json", "{}", -32600, "missing key 'jsonrpc'"),
        (
            "application/json; charset=utf-8",
            '{"jsonrpc":"1.0","id":1,"method":"stop","params":{}}',
            -32600,
            "only JSONRPC 2.0 is supported",
        ),
        (
            "application/json",
            '{"jsonrpc":"2.0","id":1,"params":{}}',
            -32600,
            "missing key 'method'",
        ),
        (
            "application/json",
            '{"jsonrpc":"2.0","id":1,"method":3,"params":{}}',
            -32600,
            "'method' must be a string",
        ),
        (
            "application/json",
            '{"jsonrpc":"2.0","id":1,"method":"stop"}',
            -32600,
            "missing key 'params'",
        ),
        (
            "application/json",
            '{"jsonrpc":"2.0","id":1,"method":"stop","params":[]}',
            -32600,
            "'params' must be an object",
        ),
        (
            "application/json",
            '{"jsonrpc":"2.0","id":[1],"method":"stop","params":{}}',
            -32600,
            "'id' must be a string, number, or null",
        ),
    ],
)
async def test_a_malformed_call_is_refused(content_type: str, body: str, code: int, message: str):
    async with (
        visited() as site,
        site.session.post(
            "/api/v2/builds/1",
            data=body.encode("latin-1"),
            headers={"Content-Type": content_type},
        ) as response,
    ):
        answer = await response.json()

        assert response.status == 400
        assert answer["error"]["code"] == code
        assert answer["error"]["message"].startswith(message)
        assert "id" not in answer


async def test_what_the_policy_forbids_is_not_done():
    class OnlyStopping:
        needs_facts = False

        def visibility(self, user: User) -> Visibility:
            return EVERYTHING

        def refusal(self, user: User, action: str, path: str) -> str | None:
            return None if (action, path) == ("stop", "builds/1") else "ask somebody else"

        async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
            return self.refusal(user, action, path)

    async with visited(with_web(policy=OnlyStopping())) as site:
        assert (await site.call("/builds/1", "stop"))[0] == 200
        status, body = await site.call("/builds/1", "rebuild")

        assert status == 403
        assert body["error"] == {
            "code": 403,
            "message": "you are not allowed to rebuild builds/1: ask somebody else",
        }
        assert [order[0] for order in site.controls.orders] == ["stop_build"]


async def test_an_unexpected_failure_is_told_and_logged(caplog):
    async with visited() as site:

        async def fail(*_: object) -> None:
            raise RuntimeError("SELECT secret")

        site.controls.cancel_request = fail

        status, body = await site.call("/buildrequests/4", "cancel")

        assert status == 500
        assert body["error"] == {
            "code": -32603,
            "message": "internal error (RuntimeError); see the master's log for details",
        }
        assert "POST /api/v2/buildrequests/4 failed" in caplog.text


async def test_during_an_outage_of_the_database_an_order_may_be_repeated_later(caplog):
    async with visited() as site:

        async def fail(*_: object) -> None:
            raise DatabaseUnavailable("the connection to 10.0.0.7 was lost")

        site.controls.cancel_request = site.resources.fetch = fail

        for path, body in (
            ("/api/v2/buildrequests/4", {"method": "cancel", "params": {}}),
            ("/api/v2/builds", None),
            ("/plain/builders/1", None),
        ):
            call = body and {"jsonrpc": "2.0", "id": 1, **body}
            verb = "POST" if body else "GET"
            async with site.session.request(verb, path, json=call) as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "5")
                assert "10.0.0.7" not in await response.text()
        assert "Traceback" not in caplog.text
        assert "the connection to 10.0.0.7 was lost" in caplog.text


class _Only:
    """A policy that lets everybody stop, and only b2 be forced."""

    needs_facts = True

    def visibility(self, user: User) -> Visibility:
        return EVERYTHING

    def refusal(self, user: User, action: str, path: str) -> str | None:
        return None

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        if action == "force" and [one.builder for one in facts.things] == ["quick one"]:
            return None
        return None if action == "stop" else f"nobody may {action} {path}"


async def test_actions_are_what_the_policy_says_of_the_orders() -> None:
    async with visited(with_web(policy=_Only())) as site:
        for path in ("/builds/1", "/builders/quick%20one", "/forceschedulers/force"):
            status, body = await site.get(f"{path}/actions")
            assert status == 200
            for row in body["actions"]:
                status, answer = await site.call(path, row["action"], reason="x")
                if "builders" in path:
                    assert row == {"action": "force", "is_allowed": True, "reason": None}
                    continue
                assert (status != 403) is row["is_allowed"], row
                if not row["is_allowed"]:
                    assert row["reason"] in answer["error"]["message"]

        names = [row["action"] for row in (await site.get("/builds/1/actions"))[1]["actions"]]
        allowed = (await site.get("/builds/1/actions?is_allowed=true"))[1]["actions"]

    assert names == ["stop", "rebuild"]
    assert [row["action"] for row in allowed] == ["stop"]


async def test_the_actions_of_a_force_scheduler_may_be_about_one_of_its_builders() -> None:
    async with visited(with_web(policy=_Only())) as site:
        site.forms[0] = {**site.forms[0], "builder_names": ["quick one", "other"]}
        of_all, of_one, wrong = [
            await site.get(f"/forceschedulers/force/actions{question}")
            for question in ("", "?builderid=1", "?builderid=x")
        ]

    assert not of_all[1]["actions"][0]["is_allowed"]
    assert of_one[1]["actions"] == [{"action": "force", "is_allowed": True, "reason": None}]
    assert wrong[0] == 400


@pytest.mark.parametrize("path", ["/builds/99", "/builders/99", "/forceschedulers/nope"])
async def test_what_is_not_there_has_no_actions(path: str) -> None:
    async with visited() as site:
        assert (await site.get(f"{path}/actions"))[0] == 404
