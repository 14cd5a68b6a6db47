"""Services that cancel builds which nobody needs any more, in a whole master."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.identifiers import RequestId
from chargehand.domain.result import Result
from chargehand.testing.world import World

_OLD = """
    add('a', blocking('one'))
    add('b', blocking('two'))
    c['schedulers'] += [
        schedulers.AnyBranchScheduler(name=f's{n}', builderNames=[n],
            change_filter=util.ChangeFilter(category=[n, 'ab']))
        for n in 'ab'
    ]
    c['services'] = [util.OldBuildCanceller('older', filters=[
        (['a', 'b'], util.SourceStampFilter(branch_not_eq='main'))])]
"""


async def _results(ci: World, builder: str) -> list[int]:
    """Return the results of all requests of a builder: -1 for those that wait or run."""
    found = await ci.one(f"builders/{builder}")
    path = f"builders/{found['builderid']}/buildrequests?order=buildrequestid"
    return [int(str(row["results"])) for row in await ci.get(path)]


async def test_a_newer_commit_cancels_what_the_same_builder_builds_of_the_branch() -> None:
    async with started(_OLD) as ci:
        await ci.push(branch="f", revision="1", category="ab", repository="r")
        await ci.push(branch="f", revision="2", category="b", repository="r")
        assert (await _results(ci, "a"), await _results(ci, "b")) == ([-1], [6, -1])

        await ci.push(branch="f", revision="3", category="a", repository="other")
        await ci.push(branch="main", revision="4", category="a", repository="r")
        await ci.push(branch="main", revision="5", category="a", repository="r")
        assert await _results(ci, "a") == [-1] * 4

        await ci.push(branch="f", revision="6", category="a", repository="r")
        assert await _results(ci, "a") == [6, -1, -1, -1, -1]
        assert ci.builds("a")[0].state == (
            'cancelled by OldBuildCanceller "older" during "one": a newer build request 7 of '
            "branch f came in"
        )
        await ci.push(branch="f", revision="7", category="a", repository="r")
        assert await _results(ci, "a") == [6, -1, -1, -1, 6, -1]
        waited = await ci.one("buildrequests/7")
        assert waited["end_reason"] == (
            'a newer build request 8 of branch f came in (by OldBuildCanceller "older")'
        )
        assert f"request 7 cancelled: {waited['end_reason']}" in ci.log


async def test_forced_builds_and_rebuilds_cancel_nothing_but_are_cancelled() -> None:
    async with started(_OLD) as ci:
        await ci.push(branch="f", revision="1", category="a")
        (old,) = ci.builds("a")
        await ci.order(f"builds/{old.id}", "stop", reason="by hand")
        await ci.push(branch="f", revision="2", category="a")

        await ci.order(f"builds/{old.id}", "rebuild")
        await ci.force("a", branch="f")
        await ci.force("a", branch="f", revision="2")
        assert await _results(ci, "a") == [6, -1, -1, -1, -1]

        await ci.push(branch="f", revision="3", category="a")
        assert await _results(ci, "a") == [6, 6, 6, 6, 6, -1]


async def test_requests_of_before_a_restart_are_followed_too() -> None:
    async with started(_OLD) as ci:
        await ci.push(branch="f", revision="1", category="a")
        await ci.restart(written(_OLD))

        await ci.push(branch="f", revision="2", category="a")

        assert await _results(ci, "a") == [6, -1]


async def test_the_patch_sets_of_a_gerrit_change_are_one_branch() -> None:
    async with started(_OLD) as ci:
        await ci.push(branch="refs/changes/34/1234/1", revision="1", category="a")
        await ci.push(branch="refs/changes/34/1235/1", revision="2", category="a")
        await ci.push(branch="refs/changes/34/1234/2", revision="3", category="a")

        assert await _results(ci, "a") == [6, -1, -1]


async def test_branch_key_says_what_is_one_branch_and_its_failure_cancels_nothing() -> None:
    text = f"""{_OLD}
    def key(stamp):
        return stamp['branch'].partition('-')[0]
    c['services'] = [util.OldBuildCanceller('older', branch_key=key, filters=[
        ('a', util.SourceStampFilter()),
        ('b', util.SourceStampFilter(filter_fn=lambda stamp: stamp['nothing']))])]
    """
    async with started(text) as ci:
        await ci.push(branch="f-1", revision="1", category="ab")
        await ci.push(branch="f-2", revision="2", category="ab")
        await ci.push(branch=None, revision="3", category="ab")

        assert await _results(ci, "a") == [6, -1, -1]
        assert await _results(ci, "b") == [-1, -1, -1]
        assert "older: a filter failed" in ci.log
        assert "older: branch_key failed" in ci.log


_FAILING = """
    c['workers'] = [worker.LocalWorker(name) for name in ('local', 'second')]
    for name in ('bad', 'broken', 'fine', 'slow'):
        add(name, blocking(name), workernames=['local', 'second'])
    c['schedulers'].append(schedulers.AnyBranchScheduler(
        name='all', builderNames=['bad', 'broken', 'fine', 'slow']))
    c['services'] = [util.FailingBuildsetCanceller('failing', filters=[
        (['bad'], VICTIMS, util.SourceStampFilter(branch_not_eq='main'))])]
"""


@pytest.mark.parametrize(
    ("victims", "ended"),
    [("None", {"fine": 6, "slow": 6, "broken": 6}), ("['slow']", {"slow": 6})],
)
async def test_when_a_build_fails_the_others_of_its_buildset_are_cancelled(
    victims: str, ended: dict[str, int]
) -> None:
    async with started(_FAILING.replace("VICTIMS", victims)) as ci:
        for name in ("local", "second"):
            ci.worker(name).on("block bad", rc=1, seconds=5)
        await ci.push(branch="f", revision="1")
        await ci.push(branch="f", revision="2")

        await ci.sleep(6)

        everything = ("fine", "slow", "broken")
        assert {n: (await _results(ci, n))[0] for n in everything} == {
            name: ended.get(name, -1) for name in everything
        }
        assert 'cancelled by FailingBuildsetCanceller "failing"' in ci.builds("slow")[0].state
        assert "build bad#1 of the same buildset failed" in ci.builds("slow")[0].state
        assert ci.history.requests[RequestId(1)].result is Result.FAILURE
