"""Which source stamps and properties a ``Trigger`` step hands on."""

from __future__ import annotations

import pytest
from written import started

_TEXT = """
from buildbot.process.buildstep import BuildStep
CODEBASES = {'app': {'repository': 'r:app', 'branch': 'main'},
             'lib': {'repository': 'r:lib', 'branch': 'stable', 'revision': 'L0'}}
class CheckOut(BuildStep):
    name = 'check out'
    async def run(self):
        self.setProperty('got_revision', {'app': 'A9', 'lib': 'L9'}, 'Source')
        return util.SUCCESS
add('child', sh('true'))
add('parent', CheckOut(), steps.Trigger(schedulerNames=['child'], waitForFinish=True, ARGUMENTS))
c['schedulers'] += [
    schedulers.Triggerable(name='child', builderNames=['child'], codebases=CODEBASES),
    schedulers.AnyBranchScheduler(name='quick', builderNames=['parent'], codebases=CODEBASES),
]
"""


@pytest.mark.parametrize(
    ("arguments", "stamps"),
    [
        ("", [("app", "main", "A9"), ("lib", "stable", "L9")]),
        ("updateSourceStamp=False", [("app", "main", "A1"), ("lib", "stable", "L0")]),
        ("alwaysUseLatest=True", [("app", "main", None), ("lib", "stable", "L0")]),
        (
            "alwaysUseLatest=util.Property('no such', default=True)",
            [("app", "main", None), ("lib", "stable", "L0")],
        ),
        (
            "sourceStamp={'codebase': 'app', 'repository': 'fork', 'branch': 'b', "
            "'revision': util.Interpolate('%(src:app:revision)s')}",
            [("app", "b", "A1"), ("lib", "stable", "L0")],
        ),
        (
            "sourceStamps=[{'codebase': 'app', 'revision': 'X'}, {'codebase': 'lib', "
            "'branch': None, 'revision': None}]",
            [("app", "main", "X"), ("lib", None, None)],
        ),
    ],
)
async def test_source_stamps(arguments: str, stamps: list[tuple[object, ...]]) -> None:
    async with started(_TEXT.replace("ARGUMENTS", arguments)) as ci:
        await ci.push(codebase="app", branch="main", revision="A1", repository="r:app")
        await ci.until_idle()

        buildset = (await ci.get("buildsets"))[-1]
        found = buildset["sourcestamps"]
        assert isinstance(found, list)
        names = ("codebase", "branch", "revision")
        assert sorted(tuple(one[name] for name in names) for one in found) == stamps
        assert buildset["parent_buildid"] == ci.last_build("parent").id


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            "set_properties={'a': util.Property('got_revision'), 'b': [1, util.Property('x')]}",
            {"a": {"app": "A9", "lib": "L9"}, "b": [1, "from the change"]},
        ),
        ("copy_properties=['x', 'missing']", {"x": "from the change", "missing": None}),
        (
            "copy_properties=['x'], set_properties={'x': 'over'}",
            {"x": "over"},
        ),
        ("set_properties=util.Property('whole')", {"p": 1}),
    ],
)
async def test_properties(arguments: str, expected: dict[str, object]) -> None:
    async with started(_TEXT.replace("ARGUMENTS", arguments)) as ci:
        properties = {"x": ("from the change", "Change"), "whole": ({"p": 1}, "Change")}
        await ci.push(codebase="app", revision="A1", properties=properties)
        await ci.until_idle()

        found = await ci.properties(ci.last_build("child"))
        assert {name: found[name] for name in expected} == {
            name: [value, "trigger"] for name, value in expected.items()
        }
        assert found["scheduler"] == ["child", "Scheduler"]
