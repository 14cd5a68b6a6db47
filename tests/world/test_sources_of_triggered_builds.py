"""Which source stamps and properties a ``Trigger`` step hands on."""

from __future__ import annotations

from collections.abc import Sequence

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
PARENTS
c['schedulers'] += [
    schedulers.Triggerable(name='child', builderNames=['child'], codebases=CODEBASES),
    schedulers.AnyBranchScheduler(name='quick', builderNames=NAMES, codebases=CODEBASES),
]
"""


def _text(arguments: Sequence[str]) -> str:
    """Return a configuration with a builder for each set of arguments of the step."""
    parents = "\n".join(
        f"add('parent {number}', CheckOut(), "
        f"steps.Trigger(schedulerNames=['child'], waitForFinish=True, {one}))"
        for number, one in enumerate(arguments)
    )
    names = [f"parent {number}" for number, _ in enumerate(arguments)]
    workers = "c['workers'] = [worker.LocalWorker('local', max_builds=20)]\n"
    return workers + _TEXT.replace("PARENTS", parents).replace("NAMES", repr(names))


_STAMPS: list[tuple[str, list[tuple[object, ...]]]] = [
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
]


async def test_source_stamps() -> None:
    async with started(_text([arguments for arguments, _ in _STAMPS])) as ci:
        await ci.push(codebase="app", branch="main", revision="A1", repository="r:app")
        await ci.until_idle()

        sets = {row["parent_buildid"]: row["sourcestamps"] for row in await ci.get("buildsets")}
        for number, (arguments, stamps) in enumerate(_STAMPS):
            found = sets[ci.last_build(f"parent {number}").id]
            assert isinstance(found, list)
            names = ("codebase", "branch", "revision")
            told = sorted(tuple(one[name] for name in names) for one in found)
            assert told == stamps, arguments


_PROPERTIES: list[tuple[str, dict[str, object]]] = [
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
]


async def test_properties() -> None:
    async with started(_text([arguments for arguments, _ in _PROPERTIES])) as ci:
        properties = {"x": ("from the change", "Change"), "whole": ({"p": 1}, "Change")}
        await ci.push(codebase="app", revision="A1", properties=properties)
        await ci.until_idle()

        children = {}
        for build in ci.builds("child"):
            request = await ci.one(f"buildrequests/{build.request_id}")
            buildset = await ci.one(f"buildsets/{request['buildsetid']}")
            children[buildset["parent_buildid"]] = build
        for number, (arguments, expected) in enumerate(_PROPERTIES):
            found = await ci.properties(children[ci.last_build(f"parent {number}").id])
            assert {name: found[name] for name in expected} == {
                name: [value, "Trigger"] for name, value in expected.items()
            }, arguments
            assert found["scheduler"] == ["child", "Scheduler"]
