"""Schedulers under Buildbot's names: what users write, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from twisted.internet import defer

from buildbot._border.bridge import install
from buildbot._border.errors import collecting
from buildbot.changes.filter import ChangeFilter
from buildbot.plugins import schedulers, util
from buildbot.process.properties import Interpolate, renderer
from buildbot.schedulers.base import BaseScheduler
from chargehand.config.errors import ConfigErrors
from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import MasterId
from chargehand.domain.orders import InvalidParameters
from chargehand.events.bus import Bus
from chargehand.scheduling.errors import SchedulerDisabled
from chargehand.scheduling.service import Scheduling
from chargehand.testing.intake import MemoryStateStore
from chargehand.testing.scheduling_stores import (
    LoopClock,
    MemoryBuilders,
    MemoryBuildsets,
    MemoryChanges,
    MemorySchedulers,
)

pytestmark = [pytest.mark.looptime(end=400_000)]


class World:
    """A Scheduling over stores in memory, with what users wrote."""

    def __init__(self) -> None:
        bus = Bus()
        self.changes = MemoryChanges(bus)
        self.buildsets = MemoryBuildsets(bus, self.changes)
        self.service = Scheduling(
            buildsets=self.buildsets,
            schedulers=MemorySchedulers(bus, self.buildsets),
            changes=self.changes,
            state=MemoryStateStore(),
            builders=MemoryBuilders(["one", "two"]),
            bus=bus,
            clock=LoopClock(1_700_000_000.0),
            master_id=MasterId(1),
        )

    async def start(self, *given: Any) -> None:
        install(asyncio.get_running_loop())
        await self.service.start([scheduler._as_component() for scheduler in given])

    def change(self, **fields: Any) -> Change:
        return self.changes.add(NewChange(author="me", **{"branch": "main", **fields}))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.service.stop()


def single(**options: Any) -> Any:
    usual = {"name": "s", "builderNames": ["one"], "change_filter": ChangeFilter(branch="main")}
    return schedulers.SingleBranchScheduler(**{**usual, **options})


async def test_a_single_branch_scheduler_builds_what_the_filter_lets_pass(world: World) -> None:
    await world.start(single(properties={"p": Interpolate("on %(src::branch)s")}, priority=3))

    world.change(branch="other")
    world.change(branch="main", revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert buildset.reason == "The SingleBranchScheduler scheduler named 's' triggered this build"
    assert buildset.priority == 3
    assert buildset.properties == {
        "p": ("on main", "Scheduler"),
        "scheduler": ("s", "Scheduler"),
    }


async def test_builders_and_priority_may_depend_on_the_change(world: World) -> None:
    def priority(builder_names: list[str], changes: dict[str, list[Any]]) -> int:
        (change,) = changes[""]
        return len(builder_names) + (10 if change["branch"] == change.branch == "main" else 0)

    names = renderer(lambda props: ["two"] if props.getProperty("both") else ["one"])
    await world.start(single(builderNames=names, priority=priority))

    world.change(properties={"both": (True, "Change")})
    (buildset,) = await world.buildsets.wait_for(1)

    assert buildset.builder_ids == (2,)
    assert buildset.priority == 11
    assert buildset.builder_properties == {}


@pytest.mark.parametrize("style", ["plain", "deferred", "async"])
async def test_importance_may_be_asked_in_any_style(world: World, style: str) -> None:
    def plain(change: Any) -> bool:
        return any(file.endswith(".c") for file in change.files)

    async def waiting(change: Any) -> bool:
        return await defer.succeed(plain(change))

    function = {"plain": plain, "deferred": lambda c: defer.succeed(plain(c)), "async": waiting}
    await world.start(single(fileIsImportant=function[style]))

    world.change(files=("README",), revision="1")
    world.change(files=("x.c",), revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_a_filter_function_sees_the_whole_change(world: World) -> None:
    def wanted(change: Any) -> bool:
        return bool(change.who == "me" and change.properties.getProperty("go") == "yes")

    await world.start(single(change_filter=ChangeFilter(filter_fn=wanted)))

    world.change(revision="1")
    world.change(revision="2", properties={"go": ("yes", "Change")})
    (buildset,) = await world.buildsets.wait_for(1)

    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_a_subclass_may_add_to_the_buildsets_of_changes(world: World) -> None:
    class Mine(schedulers.AnyBranchScheduler):
        @defer.inlineCallbacks
        def addBuildsetForChanges(self, **kwargs: Any) -> Any:
            if kwargs["changeids"] == [1]:
                return None
            kwargs["properties"] = {"extra": "x"}
            result = yield super().addBuildsetForChanges(**kwargs)
            return result

    await world.start(Mine(name="m", builderNames=["one"]))

    world.change(revision="1")
    world.change(revision="2")
    (buildset,) = await world.buildsets.wait_for(1)

    assert buildset.reason == "The Mine scheduler named 'm' triggered this build"
    assert buildset.properties["extra"] == ("x", "Scheduler")
    assert world.buildsets.stamps_of(buildset)[0].revision == "2"


async def test_a_subclass_may_submit_source_stamps_of_its_own(world: World) -> None:
    class Mine(schedulers.SingleBranchScheduler):
        async def addBuildsetForChanges(self, *, reason: str, **kwargs: Any) -> Any:
            return await self.addBuildsetForSourceStampsWithDefaults(
                reason, [{"codebase": "lib", "branch": "b"}]
            )

        async def addBuildsetForSourceStamps(self, sourcestamps: Any = None, **kw: Any) -> Any:
            sourcestamps = [{**stamp, "revision": "r"} for stamp in sourcestamps]
            return await super().addBuildsetForSourceStamps(sourcestamps=sourcestamps, **kw)

    await world.start(
        Mine(name="m", builderNames=["one"], branch="main", codebases={"": {}, "lib": {}})
    )

    world.change()
    (buildset,) = await world.buildsets.wait_for(1)

    found = [(s.codebase, s.branch, s.revision) for s in world.buildsets.stamps_of(buildset)]
    assert found == [("", None, "r"), ("lib", "b", "r")]


async def test_a_scheduler_of_ones_own_asks_for_changes_and_keeps_state(world: World) -> None:
    class Counting(BaseScheduler):
        async def activate(self) -> None:
            await super().activate()
            await self.startConsumingChanges(change_filter=ChangeFilter(branch="main"))

        async def gotChange(self, change: Any, important: bool) -> None:
            count = await self.getState("count", 0) + 1
            await self.setState("count", count)
            if count == 2:
                self.numbers = await self.addBuildsetForChanges(
                    reason="second", changeids=[change.number]
                )

    counting = Counting("c", ["one"])
    await world.start(counting)

    world.change(branch="other")
    world.change()
    change = world.change()
    (buildset,) = await world.buildsets.wait_for(1)

    assert buildset.source_stamps == (change.source_stamp_id,)
    await asyncio.sleep(1)
    assert counting.numbers == (1, {1: 1})


async def test_a_periodic_scheduler_builds_at_once_and_then_again(world: World) -> None:
    await world.start(schedulers.Periodic(name="p", builderNames=["one"], periodicBuildTimer=3600))
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await world.buildsets.wait_for(3)

    assert loop.time() - begun == pytest.approx(7200)
    assert world.buildsets.submitted[0].reason == (
        "The Periodic scheduler named 'p' triggered this build"
    )


async def test_a_subclass_of_periodic_may_begin_otherwise(world: World) -> None:
    class Later(schedulers.Periodic):
        def getNextBuildTime(self, lastActuated: Any) -> Any:
            return defer.succeed(1_700_000_000.0 + 50 if lastActuated is None else lastActuated + 7)

    await world.start(Later(name="p", builderNames=["one"], periodicBuildTimer=3600))
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await world.buildsets.wait_for(2)

    assert loop.time() - begun == pytest.approx(57)


async def test_a_nightly_scheduler_builds_only_changes_where_asked_to(world: World) -> None:
    nightly = schedulers.Nightly(
        name="n",
        builderNames=["one"],
        minute=[0, 30],
        onlyIfChanged=True,
        change_filter=ChangeFilter(branch="main"),
        fileIsImportant=lambda change: "docs" not in change.comments,
    )
    await world.start(nightly)
    await world.buildsets.wait_for(1)  # what happened before is not known
    await asyncio.sleep(3600)
    assert len(world.buildsets.submitted) == 1

    world.change(revision="1", comments="docs")
    await asyncio.sleep(3600)
    assert len(world.buildsets.submitted) == 1
    world.change(revision="2")
    world.change(revision="3", comments="docs")
    (_, buildset) = await world.buildsets.wait_for(2)

    assert world.buildsets.stamps_of(buildset)[0].revision == "3"


async def test_a_form_is_described_as_the_rest_api_has_it(world: World) -> None:
    form = schedulers.ForceScheduler(
        name="f",
        builderNames=["one", "two"],
        buttonName="push",
        codebases=[util.CodebaseParameter("lib", branch="b", revision=None)],
        properties=[util.ChoiceStringParameter(name="c", choices=["a"], default="a")],
    )
    await world.start(form)

    (found,) = world.service.forms(1)
    group, codebase, choice = found["all_fields"]

    assert found["button_name"] == "push"
    assert found["label"] == "f"
    assert found["builder_names"] == ["one", "two"]
    assert [field["fullName"] for field in group["fields"]] == ["username", "reason", "priority"]
    assert group["fullName"] is None
    assert codebase["label"] == "Codebase: lib"
    assert [(f["fullName"], f["type"], f["default"]) for f in codebase["fields"]] == [
        ("lib_branch", "fixed", "b"),
        ("lib_project", "text", ""),
        ("lib_repository", "text", ""),
        ("lib_revision", "fixed", ""),
    ]
    assert choice == {
        "name": "c",
        "fullName": "c",
        "label": "c",
        "tablabel": "c",
        "type": "list",
        "default": "a",
        "required": False,
        "multiple": False,
        "regex": None,
        "hide": False,
        "maxsize": None,
        "autopopulate": None,
        "tooltip": "",
        "choices": ["a"],
        "strict": True,
    }


async def test_an_answer_left_blank_is_the_default(world: World) -> None:
    form = schedulers.ForceScheduler(
        name="f",
        builderNames=["one"],
        codebases=[util.CodebaseParameter("", branch=util.StringParameter("branch", default="b"))],
        properties=[
            util.StringParameter(name="text", default="d"),
            util.IntParameter(name="i", default=4),
            util.WorkerChoiceParameter(),
        ],
    )
    await world.start(form)

    answers = {"builderid": 1, "text": "", "i": "", "branch": "", "workername": ""}
    await world.service.force("f", answers, "anonymous")
    (buildset,) = world.buildsets.submitted

    (stamp,) = buildset.source_stamps
    assert stamp.branch == "b"
    names = ("text", "i", "workername")
    assert [buildset.properties[name][0] for name in names] == ["d", 4, ""]


async def test_a_form_that_is_filled_in_builds(world: World) -> None:
    form = schedulers.ForceScheduler(
        name="f",
        builderNames=["one", "two"],
        codebases=["", util.CodebaseParameter("lib", patch=util.PatchParameter())],
        properties=[
            util.IntParameter(name="i", default=4),
            util.BooleanParameter(name="yes", default=True),
            util.NestedParameter(name="n", fields=[util.StringParameter(name="in", default="d")]),
            util.NestedParameter(name="", fields=[util.StringParameter(name="flat")]),
            util.AnyPropertyParameter(name="any1"),
            util.WorkerChoiceParameter(),
        ],
    )
    await world.start(form)

    numbers = await world.service.force(
        "f",
        {
            "builderid": 2,
            "reason": "why",
            "username": "Me <me@here.org>",
            "priority": "5",
            "branch": "b",
            "lib_patch_body": "diff",
            "lib_patch_level": "0",
            "i": ["7"],
            "yes": "false",
            "n_in": "inner",
            "any1_name": "k",
            "any1_value": "v",
            "workername": "-any-",
        },
        "anonymous",
    )
    (buildset,) = world.buildsets.submitted

    assert numbers == (1, {2: 1})
    assert buildset.reason == "started by Me <me@here.org>: why"
    assert buildset.priority == 5
    source = "Force Build Form"
    assert buildset.properties == {
        "scheduler": ("f", "Scheduler"),
        "reason": ("why", source),
        "owner": ("Me <me@here.org>", source),
        "i": (7, source),
        "yes": (False, source),
        "n": ({"in": "inner"}, source),
        "flat": ("", source),
        "k": ("v", source),
    }
    main, lib = world.buildsets.stamps_of(buildset)
    assert (main.codebase, main.branch, main.revision) == ("", "b", "")
    assert lib.patch is not None
    assert (lib.patch.level, lib.patch.body, lib.patch.subdir) == (0, b"diff", ".")


async def test_all_that_is_wrong_with_a_form_is_said_together(world: World) -> None:
    form = schedulers.ForceScheduler(
        name="f",
        builderNames=["one"],
        reason=util.StringParameter(name="reason", label="r:", required=True),
        properties=[
            util.StringParameter(name="s", label="S", regex="^[a-z]+$"),
            util.ChoiceStringParameter(name="c", choices=["a", "b"], default="a"),
            util.NestedParameter(name="n", fields=[util.IntParameter(name="deep")]),
        ],
    )
    await world.start(form)

    with pytest.raises(InvalidParameters) as caught:
        await world.service.force(
            "f",
            {
                "reason": "  ",
                "s": "UPPER",
                "c": "zz",
                "n_deep": "abc",
                "username": "x",
                "priority": "q",
            },
            "",
        )

    assert caught.value.errors == {
        "reason": "'r:' needs to be specified",
        "username": "username: please fill in email address in the form 'User <email@email.com>'",
        "priority": "invalid literal for int() with base 10: 'q'",
        "s": "S:'UPPER' does not match pattern '^[a-z]+$'",
        "c": "'zz' does not belong to list of available choices '['a', 'b']'",
        "n_deep": "invalid literal for int() with base 10: 'abc'",
    }
    assert world.buildsets.submitted == []


async def test_a_disabled_form_is_shown_and_refused(world: World) -> None:
    await world.start(schedulers.ForceScheduler(name="f", builderNames=["one"]))

    await world.service.set_enabled(1, False)

    assert [form["enabled"] for form in world.service.forms(1)] == [False]
    assert world.service.forms(2) == []
    with pytest.raises(SchedulerDisabled):
        await world.service.force("f", {}, "me")


async def test_a_form_refuses_builders_that_are_not_its_own(world: World) -> None:
    await world.start(schedulers.ForceScheduler(name="f", builderNames=["one"]))

    with pytest.raises(InvalidParameters, match="two"):
        await world.service.force("f", {"builderNames": ["two"]}, "me")
    with pytest.raises(InvalidParameters, match="99"):
        await world.service.force("f", {"builderid": 99}, "me")


async def test_users_may_extend_forms_and_parameters(world: World) -> None:
    class Upper(util.StringParameter):
        def parse_from_arg(self, s: str) -> str:
            if s.isdigit():
                raise schedulers.ValidationError("letters, please")
            return s.upper()

    class Mine(schedulers.ForceScheduler):
        @defer.inlineCallbacks
        def gatherPropertiesAndChanges(self, collector: Any, **kwargs: Any) -> Any:
            found = yield super().gatherPropertiesAndChanges(collector, **kwargs)
            properties, changes, stamps = found
            properties.setProperty("more", 1, "Mine")
            return properties, changes, {"": {**stamps[""], "revision": "fixed"}}

        @defer.inlineCallbacks
        def force(self, owner: str, builderNames: Any = None, **kwargs: Any) -> Any:
            result = yield super().force(owner.title(), builderNames=builderNames, **kwargs)
            return result

    await world.start(Mine(name="f", builderNames=["one"], properties=[Upper(name="u")]))

    await world.service.force("f", {"u": "abc"}, "somebody")
    (buildset,) = world.buildsets.submitted
    with pytest.raises(InvalidParameters, match="letters, please"):
        await world.service.force("f", {"u": "1"}, "somebody")

    assert buildset.properties["u"] == ("ABC", "Force Build Form")
    assert buildset.properties["more"] == (1, "Mine")
    assert buildset.properties["owner"] == ("Somebody", "Force Build Form")
    assert world.buildsets.stamps_of(buildset)[0].revision == "fixed"


def test_equal_schedulers_of_two_configurations_have_equal_identities() -> None:
    def made(seconds: int) -> Any:
        return single(treeStableTimer=seconds, fileIsImportant=lambda change: True)._as_component()

    assert made(5).identity == made(5).identity
    assert made(5).identity != made(6).identity


@pytest.mark.parametrize(
    ("userpass", "message"),
    [
        ([], "userpass must be a list of pairs"),
        ("ann:pw", "userpass must be a list of pairs"),
        ([("ann",)], "userpass must be a list of pairs"),
        ([(5, "pw")], "user 5 must be a name"),
        ([("ann", "")], 'the password of user "ann" must be a string'),
    ],
)
def test_users_who_may_send_patches_have_names_and_passwords(userpass: Any, message: str) -> None:
    with pytest.raises(ConfigErrors, match=message):
        schedulers.Try_Userpass("u", ["one"], 8031, userpass)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: single(builderNames="one"), "builderNames must be a list of builder names"),
        (lambda: single(change_filter=None), "'branch' argument to SingleBranchScheduler"),
        (lambda: single(fileIsImportant=3), "fileIsImportant must be a function"),
        (
            lambda: single(codebases=3),
            "codebases must be a list of names or a dictionary of dictionaries, not 3",
        ),
        (
            lambda: single(codebases={"a": 3}),
            "codebases must be a list of names or a dictionary of dictionaries",
        ),
        (lambda: single(priority="x"), "to 2147483647, or a function, not 'x'"),
        (lambda: single(foo=1), 'has no argument "foo"'),
        (
            lambda: schedulers.Periodic(name="p", builderNames=["a"], periodicBuildTimer=0),
            "periodicBuildTimer must be a number of seconds, more than 0, not 0",
        ),
        (lambda: schedulers.Nightly(name="n", builderNames=["a"], minute=61), "61"),
        (
            lambda: schedulers.ForceScheduler(name="f", builderNames=["a"], codebases=[]),
            "codebases must not be empty",
        ),
        (
            lambda: schedulers.ForceScheduler(name="f", builderNames=["a"], properties={"a": 1}),
            "properties must be a list of parameters",
        ),
        (
            lambda: schedulers.Dependent(name="d", upstream="x", builderNames=["a"]),
            "upstream must be another scheduler, not 'x'",
        ),
    ],
)
def test_wrong_arguments_are_configuration_errors(make: Any, message: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        make()

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: schedulers.SingleBranchScheduler("all", "trunk", 60, ["b"]),
            {"treeStableTimer": 60, "builderNames": ["b"]},
        ),
        (
            lambda: schedulers.AnyBranchScheduler("all", None, None, ["b"]),
            {"treeStableTimer": None, "builderNames": ["b"]},
        ),
        (lambda: schedulers.Periodic("p", ["b"], 60), {"periodicBuildTimer": 60}),
        (
            lambda: schedulers.Periodic("p", ["b"], 60, reason="r"),
            {"periodicBuildTimer": 60, "reason": "r"},
        ),
        (lambda: schedulers.Nightly("n", ["b"], 5, 3), {"minute": 5, "hour": 3, "month": "*"}),
        (lambda: schedulers.NightlyTriggerable("n", ["b"], [1, 2]), {"minute": [1, 2]}),
    ],
)
def test_arguments_that_older_releases_take_by_position_get_their_names(
    make: Any, expected: dict[str, Any]
) -> None:
    with collecting() as collector:
        scheduler = make()

    assert not collector.errors
    assert {name: getattr(scheduler, name) for name in expected} == expected
    (warned,) = collector.warnings
    assert "Buildbot 4 takes these arguments by name only; write " in warned.message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: schedulers.SingleBranchScheduler("all", ["b"]),
            "SingleBranchScheduler takes only its name by position",
        ),
        (
            lambda: schedulers.Periodic("p", ["b"], 60, "r", 3),
            "Periodic takes these arguments by name only: periodicBuildTimer, reason",
        ),
    ],
)
def test_other_arguments_by_position_are_refused_with_what_to_write(
    make: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make()
