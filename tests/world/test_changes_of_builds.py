"""Which changes a build is of: a fact of one branch and codebase, not of the builder."""

from __future__ import annotations

from written import started

from chargehand.domain.build import Build
from chargehand.testing.world import World

_ANY_BRANCH = """
    class Look(steps.BuildStep):
        name = 'look'
        def run(self):
            self.setProperty('files', sorted(self.build.allFiles()), 'look')
            self.setProperty('seen', [c.revision for c in self.build.allChanges()], 'look')
            stamps = [stamp for stamp in self.build.getAllSourceStamps() if stamp.changes]
            self.setProperty('last', [s.changes[-1].revision for s in stamps], 'look')
            self.setProperty('blame', self.build.blamelist(), 'look')
            return util.SUCCESS
    add('b', Look(), steps.ShellCommand(command=["make"]))
    c['schedulers'].append(schedulers.AnyBranchScheduler(
        name='s', builderNames=['b'], treeStableTimer=TIMER, fileIsImportant=IMPORTANT))
    """
_CODEBASES = """
    c['codebaseGenerator'] = lambda change: change['repository'].removeprefix('git://')
    c['collapseRequests'] = False
    add('b', steps.ShellCommand(command=["make"]))
    c['schedulers'] = [schedulers.AnyBranchScheduler(
        name='s', builderNames=['b'], treeStableTimer=None,
        change_filter=util.ChangeFilter(codebase=['a', 'b']),
        codebases={'a': {'repository': 'git://a', 'branch': 'main'},
                   'b': {'repository': 'git://b', 'branch': 'main'}})]
    """


def _any_branch(timer: float | None, important: str = "None") -> str:
    return _ANY_BRANCH.replace("TIMER", str(timer)).replace("IMPORTANT", important)


async def _changes(ci: World, build: Build) -> list[object]:
    rows = await ci.get(f"builds/{build.id}/changes?order=changeid")
    return [row["revision"] for row in rows]


async def _push(ci: World, branch: str, *revisions: str, repository: str = "") -> Build:
    for revision in revisions:
        await ci.push(
            branch=branch,
            revision=revision,
            author=f"{revision} <x@y>",
            files=(f"{revision}.c",),
            repository=repository,
        )
    await ci.sleep(10)
    await ci.until_idle()
    return ci.last_build("b")


async def test_a_build_has_all_changes_that_waited_for_the_tree_to_be_stable() -> None:
    async with started(_any_branch(5, "lambda change: change.revision != 'm1'")) as ci:
        build = await _push(ci, "main", "m1", "m2", "m3")

        properties = await ci.properties(build)
        shown = {name: properties[name][0] for name in ("files", "seen", "last", "blame")}
        assert shown == {
            "files": ["m1.c", "m2.c", "m3.c"],
            "seen": ["m1", "m2", "m3"],
            "last": ["m3"],
            "blame": ["m1 <x@y>", "m2 <x@y>", "m3 <x@y>"],
        }
        assert await _changes(ci, build) == ["m1", "m2", "m3"]
        for change in await ci.get("changes"):
            built = await ci.get(f"changes/{change['changeid']}/builds")
            assert [row["buildid"] for row in built] == [build.id]


async def test_what_was_collected_is_known_after_a_crash_and_to_a_rebuild() -> None:
    async with started(_any_branch(3600)) as ci:
        await ci.push(branch="main", revision="m1")
        await ci.push(branch="main", revision="m2")
        await ci.crash()
        await ci.start()
        await ci.sleep(3601)
        await ci.until_idle()
        first = ci.last_build("b")

        await ci.order(f"builds/{first.id}", "rebuild")
        await ci.until_idle()

        again = ci.last_build("b")
        assert again.id != first.id
        for build in (first, again):
            assert (await ci.properties(build))["seen"][0] == ["m1", "m2"]


async def test_a_good_build_of_another_branch_hides_no_change_of_this_one() -> None:
    async with started(_any_branch(5)) as ci:
        w = ci.worker("local")
        builds = [await _push(ci, "main", "m1", "m2"), await _push(ci, "topic", "t1")]
        w.on("make", rc=1)
        builds += [await _push(ci, "main", "bad3", "bad4"), await _push(ci, "other", "bad")]
        w.on("make", rc=0)
        builds += [await _push(ci, "topic", "t2"), await _push(ci, "main", "m5")]
        builds += [await _push(ci, "main", "m6")]

        assert [await _changes(ci, build) for build in builds] == [
            ["m1", "m2"],
            ["t1"],
            ["bad3", "bad4"],
            ["bad"],
            ["t2"],
            ["bad3", "bad4", "m5"],
            ["m6"],
        ]


async def test_the_same_branch_of_another_repository_is_another_branch() -> None:
    async with started(_any_branch(None)) as ci:
        await _push(ci, "main", "one", repository="git://one")
        ci.worker("local").on("make", rc=1)
        await _push(ci, "main", "bad", repository="git://one")
        ci.worker("local").on("make", rc=0)
        await _push(ci, "main", "two", repository="git://two")
        last = await _push(ci, "main", "three", repository="git://one")

        assert await _changes(ci, last) == ["bad", "three"]


async def test_a_good_build_of_one_codebase_has_what_was_known_of_the_others() -> None:
    async with started(_CODEBASES) as ci:
        w = ci.worker("local")
        await _push(ci, "main", "a1", repository="git://a")
        w.on("make", rc=1)
        await _push(ci, "main", "b1", repository="git://b")
        bad = await _push(ci, "main", "b2", repository="git://b")
        w.on("make", rc=0)
        await _push(ci, "main", "a2", repository="git://a")
        last = await _push(ci, "main", "b3", repository="git://b")

        # The build of a2 had the newest of b's branch, b2 among it.
        assert await _changes(ci, bad) == ["b1", "b2"]
        assert await _changes(ci, last) == ["b3"]


async def test_a_build_that_was_forced_and_good_had_all_changes_of_its_branch_so_far() -> None:
    async with started(_any_branch(None)) as ci:
        w = ci.worker("local")
        w.on("make", rc=1)
        await _push(ci, "main", "bad1", "bad2")
        w.on("make", rc=0)
        await ci.build("b", branch="main")
        after_newest = await _push(ci, "main", "m3")
        w.on("make", rc=1)
        await _push(ci, "main", "bad4", "bad5")
        w.on("make", rc=0)
        await ci.build("b", branch="main", revision="bad4")
        after_revision = await _push(ci, "main", "m6")

        assert await _changes(ci, after_newest) == ["m3"]
        assert await _changes(ci, after_revision) == ["bad5", "m6"]


async def test_requests_are_collapsed_when_each_codebase_allows_it() -> None:
    async with started(_CODEBASES.replace("= False", "= True")) as ci:
        ci.worker("local").on("make", hangs=True)
        await ci.push(branch="main", revision="a0", repository="git://a")
        for repository, branch, revision in [
            ("git://a", "main", "a1"),
            ("git://b", "main", "b1"),
            ("git://a", "main", "a2"),
            ("git://a", "topic", "t1"),
            ("git://b", "main", "b2"),
        ]:
            await ci.push(branch=branch, revision=revision, repository=repository)

        waiting = []
        for request in await ci.get("buildrequests?complete=false&claimed=false"):
            (buildset,) = await ci.get(f"buildsets/{request['buildsetid']}")
            stamps = buildset["sourcestamps"]
            assert isinstance(stamps, list)
            waiting.append([s["revision"] for s in stamps if isinstance(s, dict)])
        assert waiting == [["a2", None], ["t1", None], [None, "b2"]]
