"""The REST API over HTTP: reading, errors, caching, cross-origin requests."""

from __future__ import annotations

import asyncio
import logging

import pytest
from web_site import visited

from chargehand.resources.query import Filter, Operator, Order, Page, Query
from chargehand.resources.visibility import EVERYTHING


async def test_a_single_resource_comes_in_a_list_with_empty_meta():
    async with visited() as site:
        status, body = await site.get("/builds/1")

        assert status == 200
        assert body["meta"] == {}
        assert body["builds"][0]["buildid"] == 1
        assert body["builds"][0]["started_at"] == 1001
        assert body["builds"][0]["results"] == 1


async def test_a_collection_says_how_many_there_are_in_all():
    async with visited() as site:
        status, body = await site.get("/builds?limit=1&order=-buildid&field=buildid")

        assert (status, body) == (200, {"builds": [{"buildid": 3}], "meta": {"total": 3}})


async def test_programs_get_compact_json_and_people_get_readable_text():
    async with visited() as site:
        async with site.session.get(
            "/api/v2/builds?field=buildid&limit=1", headers={"Accept": "application/json"}
        ) as response:
            assert response.headers["Content-Type"] == "application/json; charset=utf-8"
            assert await response.read() == b'{"builds":[{"buildid":1}],"meta":{"total":3}}'
        async with site.session.get("/api/v2/builds?field=buildid&limit=1") as response:
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert (await response.text()).startswith('{\n  "builds": [\n    {\n      "buildid": 1')


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/builds/99", 404, "not found: /builds/99"),
        ("/nothing", 404, "Invalid path: nothing"),
        ("/builds/abc", 404, "Invalid path: builds/abc"),
        ("/builds/", 404, "Invalid path: builds/"),
        ("/builders/%ff", 404, "Invalid path: builders/%FF"),
        ("/builds?foo=1", 400, "unrecognized query parameter 'foo'"),
        ("/builds?order=foo", 400, "no such field 'foo'"),
        ("/builds?order=", 400, "no such field ''"),
        ("/builds?field=foo", 400, "no such field 'foo'"),
        ("/builds?limit=x", 400, "invalid limit"),
        ("/builds?offset=1.5", 400, "invalid offset"),
        ("/builds?buildid=x", 400, "invalid filter value for buildid"),
        ("/builds?complete=maybe", 400, "invalid filter value for complete"),
        ("/builds?started_at__gt=1e3", 400, "invalid filter value for started_at__gt"),
        ("/builds?properties=x", 400, "invalid filter value for properties"),
        ("/builds?field=buildid&number=1", 400, "cannot filter on un-selected fields"),
        ("/builds?field=buildid&order=number", 400, "cannot order on un-selected fields"),
        ("/builds/1?buildid=1", 400, "this is not a collection"),
        ("/builds?%ff=1", 400, "query parameters must be UTF-8"),
        ("/logs/8/contents?firstline=1", 400, "this is not a collection"),
        ("/logs/8/raw?foo=1", 400, "unrecognized query parameter 'foo'"),
        ("/logs/99/raw", 404, "not found: logs {'logid': 99}"),
        ("/logs/8/contents?offset=3", 404, "not found: the log has fewer lines"),
        ("/logchunks", 404, "not found: no log is named"),
        ("/builds/1/data/nothing/value", 404, "not found: there is no such value"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(path: str, status: int, message: str):
    async with visited() as site:
        assert await site.get(path) == (status, {"error": message})


async def test_paths_and_parameters_reach_the_store_as_one_question():
    async with visited() as site:
        await site.get(
            "/builders/quick%20one/builds?complete=off&number__eq=1&number__eq=2"
            "&started_at__lt=9&order=-number&limit=5&offset=2&property=owner"
        )

        assert site.resources.fetched == [
            Query(
                sees=EVERYTHING,
                kind="builds",
                scope={"buildername": "quick one"},
                filters=(
                    Filter("complete", Operator.EQ, (False,)),
                    Filter("number", Operator.EQ, (1, 2)),
                    Filter("started_at", Operator.LT, (9,)),
                ),
                order=(Order("number", descending=True),),
                limit=5,
                offset=2,
                properties=("owner",),
            )
        ]


async def test_an_unchanged_answer_is_not_asked_of_the_store_again():
    async with visited() as site:
        first = await site.get("/builds")
        again = await site.get("/builds")

        assert first == again
        assert len(site.resources.fetched) == 1

        site.resources.rows["builds"].clear()
        site.resources.touch("builds")

        assert await site.get("/builds") == (200, {"builds": [], "meta": {"total": 0}})


async def test_a_client_that_has_the_answer_already_is_told_so():
    async with visited() as site:
        async with site.session.get("/api/v2/builds") as response:
            tag = response.headers["ETag"]
        async with site.session.get("/api/v2/builds", headers={"If-None-Match": tag}) as response:
            assert response.status == 304
            assert await response.read() == b""
        async with site.session.get(
            "/api/v2/builds", headers={"If-None-Match": tag, "Accept": "application/json"}
        ) as response:
            assert response.status == 200


async def test_a_failure_of_the_store_is_an_error_and_the_server_lives_on(caplog):
    async with visited() as site:
        site.resources.rows["masters"] = [{}]

        status, body = await site.get("/masters?field=name")

        assert status == 500
        assert body == {"error": "internal error (KeyError); see the master's log for details"}
        assert "GET /api/v2/masters?field=name failed" in caplog.text
        assert (await site.get("/builds/1"))[0] == 200


async def test_the_root_and_the_specification_list_what_there_is():
    async with visited() as site:
        _, root = await site.get("")
        _, specification = await site.get("/application.spec?path=builds/n:buildid")

        assert {"name": "builders"} in root["rootlinks"]
        assert root["meta"] == {"total": 14}
        [build] = specification["specs"]
        assert build["type"] == "build"
        assert build["type_spec"]["fields"][8] == {
            "name": "complete_at",
            "type": "datetime or None",
            "type_spec": {"name": "datetime", "can_be_null": True},
        }


async def test_force_schedulers_come_from_the_forms():
    async with visited() as site:
        for path in (
            "/forceschedulers",
            "/builders/1/forceschedulers?order=name",
            "/builders/quick%20one/forceschedulers",
        ):
            status, body = await site.get(path)
            assert (status, body["meta"], len(body["forceschedulers"])) == (200, {"total": 1}, 1)

        assert (await site.get("/forceschedulers/force"))[1]["meta"] == {}
        assert (await site.get("/forceschedulers/nope"))[0] == 404
        assert (await site.get("/builders/99/forceschedulers"))[1]["forceschedulers"] == []


async def test_a_waiting_request_can_say_why():
    async with visited() as site:
        _, body = await site.get("/buildrequests/4/why")

        assert body["why"] == [
            {
                "kind": "no_worker_connected",
                "sentence": "none of its workers is connected: w1",
                "details": {"workers": ["w1"], "reasons": [], "refused": [], "unknown": []},
            }
        ]
        assert (await site.get("/buildrequests/1/why"))[1] == {"why": [], "meta": {"total": 0}}
        assert (await site.get("/buildrequests/99/why"))[0] == 404


async def test_build_data_hides_its_value_except_where_it_is_asked_for():
    async with visited() as site:
        _, body = await site.get("/builds/1/data/size")
        assert body["build_data"][0]["value"] is None

        async with site.session.get("/api/v2/builds/1/data/size/value") as response:
            assert response.headers["Content-Type"] == "application/octet-stream"
            assert await response.read() == b"\xff\x00a"


async def test_head_has_the_headers_and_no_body():
    async with visited() as site:
        async with site.session.get("/api/v2/builds") as response:
            length = response.headers["Content-Length"]
        async with site.session.head("/api/v2/builds") as response:
            assert response.status == 200
            assert response.headers["Content-Length"] == length
            assert await response.read() == b""


async def test_other_methods_are_refused():
    async with visited() as site:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            async with site.session.request(method, "/api/v2/builds/1") as response:
                assert response.status == 400
                assert await response.json(content_type=None) == {"error": "invalid HTTP method"}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://ci.example.org", True),
        ("https://dash.example.net", True),
        ("https://example.net.evil.com", False),
        ("http://evil.com", False),
        ("null", False),
    ],
)
async def test_only_allowed_origins_may_ask(origin: str, allowed: bool):
    async with visited() as site:
        async with site.session.get(
            "/api/v2/builds?field=buildid", headers={"Origin": origin}
        ) as response:
            assert (response.status == 200) is allowed
            assert response.headers.get("Access-Control-Allow-Origin") == (
                origin if allowed else None
            )
        async with site.session.post(
            "/api/v2/builds/1",
            json={"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {}},
            headers={"Origin": origin},
        ) as response:
            assert (response.status == 200) is allowed
        assert bool(site.controls.orders) is allowed


async def test_the_address_that_the_browser_reached_us_at_is_an_allowed_origin():
    async with visited() as site:
        origin = str(site.session._base_url.origin())

        async with site.session.get("/api/v2/builds", headers={"Origin": origin}) as response:
            assert response.status == 200
        async with site.session.get(
            "/api/v2/builds", headers={"Origin": "http://rebound.evil", "Host": "rebound.evil"}
        ) as response:
            assert response.status == 421


async def test_a_browser_may_ask_before_it_posts():
    async with visited() as site:
        headers = {"Origin": "https://ci.example.org", "Access-Control-Request-Method": "POST"}
        async with site.session.options("/api/v2/builds/1", headers=headers) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
        headers["Access-Control-Request-Method"] = "PUT"
        async with site.session.options("/api/v2/builds/1", headers=headers) as response:
            assert response.status == 400


async def test_a_very_long_query_is_answered():
    async with visited() as site:
        many = "&".join(f"builderid__eq={number}" for number in range(5000))

        status, body = await site.get(f"/builds?field=builderid&{many}")

        assert status == 200
        assert body["meta"] == {"total": 3}


async def test_the_versions_and_the_front_end_settings_are_told():
    async with visited() as site:
        async with site.session.get("/api") as response:
            assert await response.json() == {
                "api_versions": {"v2": "https://ci.example.org/api/v2"}
            }
        async with site.session.get("/config") as response:
            settings = await response.json()
        assert settings["title"] == "Our <builds>"
        assert settings["user"] == {"anonymous": True}
        assert settings["auth"] == {"name": "NoAuth"}


async def test_equal_questions_at_the_same_time_are_asked_once():
    async with visited() as site:
        gate = asyncio.Event()
        asked = asyncio.Event()
        fetch = site.resources.fetch

        async def slowly(query: Query) -> Page:
            asked.set()
            await gate.wait()
            return await fetch(query)

        site.resources.fetch = slowly
        clients = [asyncio.ensure_future(site.get("/builds/1")) for _ in range(5)]
        await asked.wait()
        gate.set()

        assert [status for status, _ in await asyncio.gather(*clients)] == [200] * 5
        assert len(site.resources.fetched) == 1


async def test_a_client_sees_what_was_changed_before_it_asked():
    async with visited() as site:
        gate = asyncio.Event()
        asked = asyncio.Event()
        fetch = site.resources.fetch

        async def slowly(query: Query) -> Page:
            page = await fetch(query)
            asked.set()
            await gate.wait()
            return page

        site.resources.fetch = slowly
        early = asyncio.ensure_future(site.get("/builders?field=name"))
        await asked.wait()
        site.resources.rows["builders"].clear()
        site.resources.touch("builders")
        late = asyncio.ensure_future(site.get("/builders?field=name"))
        gate.set()

        assert (await early)[1]["meta"] == {"total": 1}
        assert (await late)[1]["meta"] == {"total": 0}
        assert (await site.get("/builders?field=name"))[1]["meta"] == {"total": 0}


async def test_a_client_that_leaves_in_the_middle_of_a_download_does_no_harm(caplog):
    async with visited() as site:
        site.logs.texts[8] = b"o" + b"x" * 50_000_000 + b"\n"
        response = await site.session.get("/api/v2/logs/8/raw")
        response.close()

        assert (await site.get("/builds/1"))[0] == 200
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
