"""Schedulers that build what another scheduler's buildset built."""

from __future__ import annotations

from written import started, written

from chargehand.domain.build import Build
from chargehand.domain.result import Result
from chargehand.testing.world import World

_TWO = """
add('upstream', sh('make'), steps.ShellCommand(command=['warn'], warnOnFailure=True,
                                               flunkOnFailure=False))
add('downstream', sh('ship'))
quick = schedulers.AnyBranchScheduler(name='quick', builderNames=['upstream'], change_filter=None)
c['schedulers'] += [quick, schedulers.Dependent(
    name='after', upstream=quick, builderNames=['downstream'], properties={'own': 1})]
"""


async def test_the_same_sources_are_built_after_a_success() -> None:
    async with started(_TWO) as ci:
        await ci.push(branch="main", revision="abc", properties={"of change": (1, "Change")})
        await ci.until_idle()

        first, second = [await _buildset(ci, n) for n in ("upstream", "downstream")]
        assert first["sourcestamps"] == second["sourcestamps"]
        assert second["reason"] == "downstream"
        found = await ci.properties(ci.last_build("downstream"))
        assert found["own"] == [1, "Scheduler"]
        assert found["scheduler"] == ["after", "Scheduler"]
        assert await ci.get(f"buildsets/{second['bsid']}/properties") == [
            {
                "own": [1, "Scheduler"],
                "of change": [1, "Change"],
                "scheduler": ["after", "Scheduler"],
            }
        ]

        ci.worker("local").on("warn", rc=1)
        await ci.push(branch="main", revision="warnings")
        await ci.until_idle()
        assert ci.last_build("upstream").result is Result.WARNINGS
        assert len(ci.builds("downstream")) == 2

        ci.worker("local").on("make", rc=1)
        await ci.push(branch="main", revision="failure")
        await ci.until_idle()
        assert ci.last_build("upstream").result is Result.FAILURE
        assert len(ci.builds("downstream")) == 2


async def test_nothing_is_lost_or_built_twice_by_a_restart() -> None:
    async with started(_TWO) as ci:
        ci.worker("local").on("make", seconds=5)
        for count, (how, ended) in enumerate(
            [("killed", False), ("killed", True), ("stopped", False), ("stopped", True)], 1
        ):
            await ci.push(branch="main", revision=f"{how} {ended}")
            if ended:
                await _ended(ci, "upstream")

            if how == "stopped":
                await ci.restart()
            else:
                await ci.crash()
                await ci.start()
            await ci.until_idle()
            await ci.reconfigure((ci.path / "master.cfg").read_text() + "\n# the same\n")
            await ci.until_idle()

            requests = await ci.get("buildrequests")
            builder = ci.master.builder_id("downstream")
            ends = [row["results"] for row in requests if row["builderid"] == builder]
            assert ends == [Result.SUCCESS] * count


async def test_a_chain_runs_to_its_end_and_stops_at_a_failure() -> None:
    text = (
        _TWO
        + """
add('last', sh('announce'))
c['schedulers'].append(schedulers.Dependent(
    'last', c['schedulers'][-1], builderNames=['last']))
"""
    )
    async with started(text) as ci:
        await ci.push(branch="main", revision="a")
        await ci.until_idle()
        assert len(ci.builds("last")) == 1

        ci.worker("local").on("ship", rc=1)
        await ci.push(branch="main", revision="b")
        await ci.until_idle()
        assert (len(ci.builds("downstream")), len(ci.builds("last"))) == (2, 1)


async def test_a_new_dependent_begins_with_what_is_submitted_then() -> None:
    without = _TWO.replace("c['schedulers'] += [quick, ", "c['schedulers'] += [quick]; unused = [")
    async with started(without) as ci:
        ci.worker("local").on("make", seconds=60)
        await ci.push(branch="main", revision="a")

        await ci.reconfigure(written(_TWO))
        await ci.until_idle()
        assert not ci.builds("downstream")

        await ci.push(branch="main", revision="b")
        await ci.until_idle()
        assert len(ci.builds("downstream")) == 1


async def test_a_disabled_dependent_builds_nothing_of_what_came_meanwhile() -> None:
    async with started(_TWO) as ci:
        (after,) = [row for row in await ci.get("schedulers") if row["name"] == "after"]
        path = f"schedulers/{after['schedulerid']}"
        await ci.order(path, "enable", enabled=False)
        await ci.push(branch="main", revision="a")
        await ci.until_idle()
        await ci.order(path, "enable", enabled=True)
        await ci.until_idle()
        assert not ci.builds("downstream")

        await ci.push(branch="main", revision="b")
        await ci.until_idle()
        assert len(ci.builds("downstream")) == 1


async def test_a_forced_upstream_counts_and_all_its_builders_must_succeed() -> None:
    text = """
add('one', sh('one')); add('two', sh('two')); add('downstream', sh('ship'))
form = schedulers.ForceScheduler(name='form', builderNames=['one', 'two'],
                                 codebases=[util.CodebaseParameter('')])
c['schedulers'] += [form, schedulers.Dependent(
    name='after', upstream=form, builderNames=['downstream'])]
"""
    async with started(text) as ci:
        ci.worker("local").on("two", rc=1)
        await ci.order("forceschedulers/form", "force", builderNames=["one", "two"])
        await ci.until_idle()
        assert not ci.builds("downstream")

        ci.worker("local").on("two", rc=0)
        await ci.order("forceschedulers/form", "force", builderNames=["one", "two"])
        await ci.until_idle()
        assert len(ci.builds("downstream")) == 1


async def test_an_upstream_that_is_not_configured_is_warned_of() -> None:
    text = (
        _TWO.replace("[quick, schedulers", "[schedulers")
        + """
c['schedulers'].append(schedulers.AnyBranchScheduler(name='slow', builderNames=['upstream']))
"""
    )
    async with started(text) as ci:
        assert (
            'scheduler "after" builds nothing: its upstream scheduler "quick" is not in '
            "c['schedulers']"
        ) in ci.log


async def _buildset(ci: World, builder: str) -> dict[str, object]:
    build: Build = ci.last_build(builder)
    request = await ci.one(f"buildrequests/{build.request_id}")
    return await ci.one(f"buildsets/{request['buildsetid']}")


async def _ended(ci: World, builder: str) -> None:
    async def look() -> bool:
        return bool(ci.builds(builder)) and ci.last_build(builder).complete

    await ci.until(f"the end of {builder}", look)


async def test_a_rebuild_starts_no_downstream_build() -> None:
    async with started(_TWO) as ci:
        await ci.push(branch="main", revision="a")
        await ci.until_idle()

        for how in ("running", "stopped"):
            await ci.order(f"builds/{ci.builds('upstream')[0].id}", "rebuild")
            if how == "stopped":
                await ci.restart()
            await ci.until_idle()

        assert (len(ci.builds("upstream")), len(ci.builds("downstream"))) == (3, 1)
