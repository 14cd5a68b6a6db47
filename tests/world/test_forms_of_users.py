"""Forms whose choices users' functions make, and the less usual parameters."""

from __future__ import annotations

import pytest
from written import started

from chargehand.testing.world import Refused, World
from chargehand.testing.world.client import Json

_FORM = """
c['workers'] = [worker.LocalWorker(name) for name in ('local', 'b2', 'a1')]
add('one', sh('one'), workernames=['local', 'b2'], canStartBuild=util.enforceChosenWorker)
add('two', sh('two'), workernames=['a1'])

class Branches(util.ChoiceStringParameter):
    async def getChoices(self, master, scheduler, buildername):
        rows = await master.data.get(('changes',))
        return [f'{buildername}@{row["branch"]}' for row in rows]

class Broken(util.ChoiceStringParameter):
    def getChoices(self, master, scheduler, buildername):
        raise RuntimeError('no choices today')

def compatible(master, buildername):
    return ['one/1', 'one/2 (second)'] if buildername == 'one' else []

c['schedulers'].append(schedulers.ForceScheduler(
    name='form', builderNames=['one', 'two'],
    codebases=[util.CodebaseParameter('app', patch=util.PatchParameter())],
    username=util.UserNameParameter(),
    properties=[
        util.NestedParameter(name='more', fields=[
            Branches(name='branch', default='one@main'),
            Broken(name='broken', strict=False),
            util.IntParameter(name='number', default=3)]),
        util.WorkerChoiceParameter(),
        util.FileParameter(name='file', maxsize=20),
        util.AnyPropertyParameter(name='any'),
        util.ChoiceStringParameter(name='several', multiple=True, choices=['x', 'y'], default='x'),
        util.InheritBuildParameter('inherit', compatible_builds=compatible),  # over the others
    ]))
"""


async def test_choices_are_those_of_the_builder_at_that_moment() -> None:
    async with started(_FORM) as ci:
        await ci.push(branch="main")
        of_one = await _choices(ci, "builders/one/forceschedulers")
        await ci.push(branch="next")
        of_two = await _choices(ci, "builders/two/forceschedulers")
        of_all = await _choices(ci, "forceschedulers/form")

        assert of_one == {
            "more_branch": ["one@main"],
            "more_broken": [],
            "workername": ["-any-", "b2", "local"],
            "inherit": ["one/1", "one/2 (second)"],
            "several": ["x", "y"],
        }
        assert of_two["more_branch"] == ["two@main", "two@next"]
        assert of_two["workername"] == ["-any-", "a1"]
        assert of_all["workername"] == ["-any-", "a1", "b2", "local"]
        assert of_all["more_branch"] == ["None@main", "None@next"]
        assert of_all["inherit"] == []
        assert "no choices today" in ci.log


async def test_all_kinds_of_answers_arrive() -> None:
    async with started(_FORM) as ci:
        await ci.push(branch="main")
        answers = {
            "username": "Ann <ann@x.org>",
            "more_branch": "one@main",
            "workername": "b2",
            "file": "a text",
            "any_name": "extra",
            "any_value": "e",
            "several": ["x", "y"],
            "app_branch": "dev",
            "app_patch_body": "--- a\n+++ b\n",
            "app_patch_level": "0",
            "app_patch_comment": "try it",
        }
        first = await ci.build("one", scheduler="form", **answers)

        found = await ci.properties(first)
        assert {name: found[name][0] for name in ("more", "workername", "file", "extra")} == {
            "more": {"branch": "one@main", "broken": "", "number": 3},
            "workername": "b2",
            "file": "a text",
            "extra": "e",
        }
        assert found["several"][0] == ["x", "y"]
        assert found["owner"] == ["Ann <ann@x.org>", "Force Build Form"]
        (stamp,) = (await ci.get("buildsets"))[-1]["sourcestamps"]
        assert (stamp["codebase"], stamp["branch"]) == ("app", "dev")
        assert stamp["patch"]["body"] == "--- a\n+++ b\n"
        assert (stamp["patch"]["level"], stamp["patch"]["comment"]) == (0, "try it")

        again = await ci.build(
            "one",
            scheduler="form",
            inherit="one/1",
            username="Bob <b@x.org>",
            more_branch="one@main",
        )
        inherited = await ci.properties(again)
        assert (inherited["file"][0], inherited["extra"][0]) == ("a text", "e")
        assert inherited["owner"][0] == "Bob <b@x.org>"


async def test_who_says_who_orders_is_not_asked_for_the_name() -> None:
    async with started(_FORM) as ci:
        await ci.push(branch="main")
        build = await ci.build(
            "one", scheduler="form", owner="nightly", username="no address", more_branch="one@main"
        )

        assert (await ci.properties(build))["owner"][0] == "nightly"


_WRONG: list[tuple[dict[str, Json], str, str]] = [
    ({"more_branch": "two@main"}, "more_branch", "does not belong to list of available"),
    ({"file": "x" * 21}, "file", "is too large 21 > 20"),
    ({"inherit": "one/77"}, "inherit", "unknown build: one/77"),
    ({"inherit": "nonsense"}, "inherit", "bad build: nonsense"),
    ({"any_name": "a b", "any_value": "1"}, "any", "bad property name='a b'"),
    ({"username": "Ann"}, "username", "please fill in email address"),
    ({"several": ["x", "z"]}, "several", "'z' does not belong to list"),
    ({"more_number": "many"}, "more_number", "invalid literal for int()"),
]


async def test_wrong_answers_are_refused_with_the_name_of_the_field() -> None:
    async with started(_FORM) as ci:
        await ci.push(branch="main")
        right: dict[str, Json] = {"username": "Ann <ann@x.org>", "more_branch": "one@main"}

        for answers, name, told in _WRONG:
            with pytest.raises(Refused) as refused:
                await ci.build("one", scheduler="form", **(right | answers))

            assert name in str(refused.value)
            assert told in str(refused.value)
        assert not ci.builds()


async def _choices(ci: World, path: str) -> dict[str, object]:
    (form,) = [one for one in await ci.get(path) if one["name"] == "form"]
    found: dict[str, object] = {}
    look_at = list(form["all_fields"])
    while look_at:
        field = look_at.pop(0)
        look_at += field.get("fields", [])
        if "choices" in field:
            found[field["fullName"]] = field["choices"]
    return found
