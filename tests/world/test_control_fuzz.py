"""Whatever is sent to whatever control method: it is carried out, or refused with a sentence."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import started

from chargehand.testing.world import Refused, VirtualTimeLoop, World

_CONFIGURATION = """
add('b', sh('true'))
c['schedulers'].append(schedulers.ForceScheduler(
    name='full', builderNames=['b'],
    codebases=[util.CodebaseParameter('lib', patch=util.PatchParameter()),
               util.CodebaseParameter('', revision=util.FixedParameter('revision', default=7))],
    properties=[
        util.StringParameter(name='text', maxsize=10), util.IntParameter(name='number'),
        util.BooleanParameter(name='flag'), util.AnyPropertyParameter(name='any'),
        util.ChoiceStringParameter(name='choice', choices=['x', 'y'], default='x'),
        util.ChoiceStringParameter(name='many', choices=['x', 'y'], multiple=True),
        util.WorkerChoiceParameter(), util.FileParameter(name='file'),
        util.NestedParameter(name='nest', fields=[util.StringParameter(name='egg', regex='a*')]),
    ]))
c['schedulers'].append(schedulers.ForceScheduler(
    name='heir', builderNames=['b'], codebases=[''],
    properties=[util.InheritBuildParameter(name='inherit', compatible_builds=lambda m, b: [])]))
"""

_ORDERS = [
    ("forceschedulers/full", "force"),
    ("forceschedulers/force", "force"),
    ("forceschedulers/heir", "force"),
    ("builds/1", "stop"),
    ("builds/1", "rebuild"),
    ("builders/b/builds/1", "stop"),
    ("builders/1/builds/1", "rebuild"),
    ("buildrequests/1", "cancel"),
    ("buildrequests/1", "set_priority"),
    ("schedulers/1", "enable"),
    ("workers/local", "pause"),
    ("workers/1", "unpause"),
    ("workers/9", "stop"),
    ("workers/9", "kill"),
    ("builds/999999999999999999", "stop"),
    ("buildrequests/-1", "cancel"),
    ("masters/1/workers/local", "unpause"),
]
_NAMES = [
    "builderNames",
    "builderid",
    "owner",
    "username",
    "reason",
    "priority",
    "results",
    "enabled",
    "branch",
    "revision",
    "project",
    "repository",
    "lib_branch",
    "lib_revision",
    "lib_patch_body",
    "lib_patch_level",
    "lib_patch_author",
    "lib_patch_subdir",
    "lib_patch_comment",
    "text",
    "number",
    "flag",
    "any_name",
    "any_value",
    "choice",
    "many",
    "inherit",
    "workername",
    "file",
    "nest_egg",
    "self",
    "collector",
    "function",
    "name",
    "fn",
    "kwargs",
    "properties",
    "master",
]

_texts = st.text(max_size=12) | st.sampled_from(
    ["b", "1", "-1", "\0", "'; DROP TABLE builds --", "x@y", "b/1", "9" * 30, "²", "true"]
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, -(2**64), 10**400, 1e300])
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_calls = st.tuples(
    st.sampled_from(_ORDERS), st.dictionaries(st.sampled_from(_NAMES), _values, max_size=6)
)


@settings(max_examples=5, deadline=None)
@given(calls=st.lists(_calls, min_size=50, max_size=80))
def test_no_order_is_an_internal_error(
    calls: list[tuple[tuple[str, str], dict[str, Any]]],
) -> None:
    async def send_all() -> None:
        async with started(_CONFIGURATION) as ci:
            await ci.build("b")
            for (path, method), parameters in calls:
                await _send(ci, path, method, parameters)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(send_all())


async def _send(ci: World, path: str, method: str, parameters: dict[str, Any]) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    body: Any = msgspec.Raw(json.dumps(call).encode())
    try:
        await ci.fetch(f"api/v2/{path}", body)
    except Refused as refused:
        assert refused.status in {400, 404}, (path, method, parameters, refused)
        assert isinstance(refused.answer, dict)
        error = refused.answer["error"]
        assert isinstance(error, dict)
        if error["code"] == -32602:
            assert isinstance(error["message"], dict) and error["message"]


_WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("forceschedulers/full", "force", {"builderNames": {"b": 1}}),
    ("forceschedulers/full", "force", {"builderNames": 3}),
    ("forceschedulers/full", "force", {"builderNames": ["b", 3]}),
    ("forceschedulers/full", "force", {"builderid": [1]}),
    ("forceschedulers/full", "force", {"owner": 3}),
    ("forceschedulers/full", "force", {"reason": {"why": "so"}}),
    ("forceschedulers/full", "force", {"branch": 3}),
    ("forceschedulers/full", "force", {"lib_revision": {"a": 1}}),
    ("forceschedulers/full", "force", {"lib_repository": [["x"]]}),
    ("forceschedulers/full", "force", {"lib_project": "a\0b"}),
    ("forceschedulers/full", "force", {"priority": 2**40}),
    ("builds/1", "stop", {"reason": ["x"]}),
    ("builds/1", "stop", {"results": True}),
    ("builds/1", "stop", {"results": "2"}),
    ("buildrequests/1", "cancel", {"reason": 1}),
    ("buildrequests/1", "set_priority", {"priority": True}),
    ("buildrequests/1", "set_priority", {"priority": 2**31}),
    ("schedulers/1", "enable", {"enabled": 1}),
    ("workers/1", "pause", {"reason": {}}),
]


async def test_a_parameter_of_another_type_is_refused_by_its_name() -> None:
    async with started(_CONFIGURATION) as ci:
        await ci.build("b")

        for path, method, parameters in _WRONG:
            with pytest.raises(Refused) as refused:
                await ci.order(path, method, **parameters)

            assert refused.value.status == 400
            assert isinstance(refused.value.answer, dict)
            error = refused.value.answer["error"]
            assert isinstance(error, dict)
            assert isinstance(error["message"], dict)
            assert error["message"].keys() == parameters.keys(), (path, parameters)
