"""The OpenAPI document is valid, and a master with content answers as it says."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from written import started

from chargehand.resources.endpoints import ENDPOINTS, Endpoint
from chargehand.testing.world import World
from chargehand.testing.world.client import Refused
from chargehand.web.rest.openapi import document, template
from chargehand.web.rest.order_parameters import ORDERS
from chargehand.web.rest.reading import resolved_path

_CONFIGURATION = """
class Tells(steps.BuildStep):
    name = 'tells'
    async def run(self):
        await self.addURL('report', 'https://example.org/report')
        self.setStatistic('tests', 7)
        self.setProperty('got_revision', 'r1', 'Tells')
        await self.setBuildData('size', b'123', 'Tells')
        number = await self.addTestResultSet('results', 'test_pass', 'boolean')
        self.addTestResult(number, '1', test_name='adds', line=3, duration_ns=5)
        return util.SUCCESS

c['projects'] = [util.Project(name='p', slug='p', description='all of it')]
add('b', Tells(), sh('make', name='compile'), project='p', tags=['fast'], description='builds')
add('parent', steps.Trigger(schedulerNames=['children'], waitForFinish=True))
add('held', blocking('held'))
c['schedulers'] += [
    schedulers.SingleBranchScheduler(name='main', builderNames=['b'],
        change_filter=util.ChangeFilter(branch='main')),
    schedulers.Triggerable(name='children', builderNames=['b']),
    schedulers.ForceScheduler(name='form', builderNames=['b'], properties=[
        util.NestedParameter(name='more', fields=[
            util.IntParameter(name='number', default=3),
            util.ChoiceStringParameter(name='kind', choices=['a', 'b'], default='a'),
        ]),
    ]),
]
"""

_VALUES: dict[str, list[str]] = {
    "n": ["1", "2", "3"],
    "buildername": ["b"],
    "step_name": ["compile", "tells"],
    "log_slug": ["stdio"],
    "schedulername": ["force", "form"],
    "projectname": ["p"],
    "name": ["local", "size"],
}
_MOST = 6
"""So many things of each path are looked at."""


def _paths(endpoint: Endpoint) -> list[str]:
    choices = []
    for segment in endpoint.path.split("/"):
        letter, _, name = segment.partition(":")
        choices.append(
            [segment]
            if not name
            else _VALUES["n" if letter == "n" else name]
            if letter == "n" or name in _VALUES
            else ["x"]
        )
    return ["/".join(one) for one in itertools.islice(itertools.product(*choices), _MOST)]


def _exact(schema: Any) -> Any:
    """Return a schema that allows no fields but those that it has."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _exact(part) for name, part in schema.items()}
    if isinstance(found.get("properties"), dict) and "params" not in found["properties"]:
        found.setdefault("additionalProperties", False)
    return found


async def _filled(ci: World) -> None:
    ci.worker("local").on("make", output="making\na.c:1:2: error: x\n", rc=2)
    await ci.push(files=("a.c",), properties={"of": ("change", "Change")})
    await ci.until_idle()
    await ci.build("parent")
    await ci.build("b", scheduler="form", reason="again")
    await ci.force("held")
    await ci.sleep(1)
    await ci.force("held")


async def test_the_document_is_valid_openapi():
    found = document("https://ci.example.org/api/v2")

    validate(json.loads(json.dumps(found)))


async def test_every_endpoint_and_order_is_in_it():
    found = document("")

    for endpoint in ENDPOINTS:
        item = found["paths"][template(endpoint)]
        assert ("post" in item) >= (
            not endpoint.is_collection
            and endpoint.form != "value"
            and any(kind == endpoint.kind for kind, _ in ORDERS)
        ), endpoint
        names = [one["name"] for one in item.get("parameters", ())]
        assert template(endpoint).count("{") == len(names) == endpoint.path.count(":")
    operations = [
        item[verb]["operationId"]
        for item in found["paths"].values()
        for verb in ("get", "post")
        if verb in item
    ]
    assert len(operations) == len(set(operations))


_QUESTIONS = {
    "matches": "?text=e",
    "search": "?q=b",
    "builders": "?recent=3&cause=true",
    "builds": "?cause=true",
}
"""What has to be asked for, or is answered more fully."""


async def test_a_master_with_content_answers_as_the_document_says():
    seen: set[str] = set()
    async with started(_CONFIGURATION) as ci:
        await _filled(ci)
        served = json.loads(await ci.fetch("api/v2/openapi.json"))
        components = {"schemas": _exact(served["components"]["schemas"])}
        for endpoint in ENDPOINTS:
            answers = served["paths"][template(endpoint)]["get"]["responses"]
            schema = answers["200"]["content"].get("application/json", {}).get("schema")
            checks = Draft202012Validator({**(schema or {}), "components": components})
            failed = Draft202012Validator(
                {"$ref": "#/components/schemas/Error", "components": components}
            )
            for path in _paths(endpoint):
                question = _QUESTIONS.get(endpoint.kind, "")
                try:
                    body = await ci.fetch(f"api/v2/{path}{question}")
                except Refused as error:
                    assert str(error.status) in answers, path
                    failed.validate(error.answer)
                    continue
                if schema is None:
                    continue
                answer = json.loads(body)
                checks.validate(answer)
                if answer.get(endpoint.key):
                    seen.add(endpoint.plural)
    assert seen >= {
        "_properties",
        "actions",
        "build_data",
        "builders",
        "buildrequests",
        "builds",
        "buildsets",
        "changes",
        "first_errors",
        "forceschedulers",
        "logchunks",
        "logs",
        "masters",
        "matches",
        "projects",
        "properties",
        "rootlinks",
        "schedulers",
        "search",
        "sourcestamps",
        "specs",
        "statistics",
        "steps",
        "test_result_sets",
        "test_results",
        "waiting_groups",
        "why",
        "workers",
    }


@pytest.mark.parametrize(
    ("path", "method", "parameters"),
    [
        ("builds/1", "rebuild", {}),
        ("builds/1", "stop", {"reason": "because", "results": 6}),
        ("builds/1", "stop", {"reason": 7}),
        ("builds/77", "stop", {}),
        ("builds/1", "nothing", {}),
        ("forceschedulers/form", "force", {"builderNames": ["b"], "more_number": 4}),
        ("forceschedulers/form", "force", {"builderNames": ["nowhere"]}),
        ("workers/1", "pause", {"reason": "because"}),
        ("workers/local", "unpause", {}),
        ("schedulers/1", "enable", {"enabled": True}),
        ("schedulers/1", "enable", {}),
    ],
)
async def test_orders_are_taken_and_answered_as_the_document_says(
    path: str, method: str, parameters: dict[str, Any]
):
    async with started(_CONFIGURATION) as ci:
        await ci.build("b")
        served = json.loads(await ci.fetch("api/v2/openapi.json"))
        components = {"schemas": served["components"]["schemas"]}
        found = served["paths"][template(resolved_path(path).endpoint)]["post"]
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}

        def is_valid(schema: dict[str, Any], value: object) -> bool:
            return Draft202012Validator({**schema, "components": components}).is_valid(value)

        try:
            answer = json.loads(await ci.fetch(f"api/v2/{path}", call))
            schema = found["responses"]["200"]["content"]["application/json"]["schema"]
            assert is_valid(found["requestBody"]["content"]["application/json"]["schema"], call)
        except Refused as error:
            answer = error.answer
            assert str(error.status) in found["responses"]
            schema = {"$ref": "#/components/schemas/OrderError"}
        assert is_valid(schema, answer), answer


def test_every_answer_names_its_type():
    types = {
        kind
        for item in document("http://localhost/")["paths"].values()
        for method in ("get", "post")
        for response in item.get(method, {}).get("responses", {}).values()
        for kind in response.get("content", {})
    }

    assert types == {"application/json", "application/octet-stream", "text/html", "text/plain"}
