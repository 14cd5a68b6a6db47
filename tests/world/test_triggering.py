"""Builds that start others, and wait for them."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

TWO = """
c['workers'] = [worker.LocalWorker('local', max_builds=4)]
add('child', steps.ShellCommand(command=['test'], name='test'))
add('other', steps.ShellCommand(command=['check'], name='check'))
c['schedulers'] += [
    schedulers.Triggerable(name='child', builderNames=['child'], properties={'own': 1}),
    schedulers.Triggerable(name='both', builderNames=['child', 'other']),
]
"""


async def test_a_build_starts_another_and_does_not_wait():
    text = TWO + "add('parent', steps.Trigger(schedulerNames=['child']))\n"
    async with started(text) as ci:
        ci.worker("local").on("test", rc=1)

        parent = await ci.build("parent")
        await ci.until_idle()

        assert parent.result is Result.SUCCESS
        assert ci.last_build("child").result is Result.FAILURE
        assert ci.step(parent, "trigger").state == "triggered child"


@pytest.mark.parametrize(
    ("rc", "more", "result"),
    [
        (0, "", Result.SUCCESS),
        (1, "", Result.FAILURE),
        (1, ", flunkOnFailure=False, warnOnFailure=True", Result.WARNINGS),
        (1, ", unimportantSchedulerNames=['both']", Result.SUCCESS),
    ],
)
async def test_the_result_of_what_was_waited_for_counts(rc: int, more: str, result: Result):
    step = f"steps.Trigger(schedulerNames=['both'], waitForFinish=True{more})"
    async with started(f"{TWO}add('parent', {step})\n") as ci:
        ci.worker("local").on("check", rc=rc, seconds=60)

        parent = await ci.build("parent")

        assert parent.result is result
        assert ci.last_build("child").result is Result.SUCCESS
        assert ci.last_build("other").complete_at <= parent.complete_at
        told = "1 failure, 1 success" if rc else "2 success"
        more_told = ", unimportant" if "unimportant" in more else ""
        assert ci.step(parent, "trigger").state == f"triggered both ({told}{more_told})"
        if result is Result.FAILURE:
            assert parent.state == f"failed: trigger (triggered both ({told}))"


async def test_properties_and_the_parent_go_with_it():
    text = (
        TWO
        + """
add('parent', steps.SetProperty(property='tag', value='v1'), steps.Trigger(
    schedulerNames=['child'], waitForFinish=True, copy_properties=['tag'],
    set_properties={'text': util.Interpolate('%(prop:tag)s!')}))
"""
    )
    async with started(text) as ci:
        parent = await ci.build("parent")

        found = await ci.properties(ci.last_build("child"))
        assert found["tag"][0] == "v1"
        assert found["text"] == ["v1!", "Trigger"]
        assert found["own"] == [1, "Scheduler"]
        sets = await ci.get("buildsets")
        assert sets[-1]["parent_buildid"] == parent.id
        assert sets[-1]["parent_relationship"] == "Triggered from"


async def test_an_interrupted_parent_cancels_what_it_waits_for():
    text = (
        TWO
        + """
add('blocked', blocking('here'))
c['schedulers'].append(schedulers.Triggerable(name='blocked', builderNames=['blocked']))
add('parent', steps.Trigger(schedulerNames=['blocked'], waitForFinish=True))
"""
    )
    async with started(text) as ci:
        request = await ci.force("parent")
        await _is_running(ci, "blocked")
        parent = ci.last_build("parent")

        await ci.order(f"builds/{parent.id}", "stop", reason="enough")
        await ci.finished(request)
        await ci.until_idle()

        assert ci.last_build("parent").result is Result.CANCELLED
        assert ci.last_build("blocked").result is Result.CANCELLED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chld", "there is no scheduler 'chld' to trigger; did you mean 'child'?"),
        ("force", "scheduler 'force' is a ForceScheduler; only Triggerables can be triggered"),
    ],
)
async def test_what_cannot_be_triggered_is_named(name: str, words: str):
    async with started(f"{TWO}add('parent', steps.Trigger(schedulerNames=['{name}']))\n") as ci:
        parent = await ci.build("parent")

        assert parent.result is Result.EXCEPTION
        assert ci.step(parent, "trigger").state == words
        assert parent.state == f"exception: trigger ({words})"


async def test_what_users_override_is_asked():
    text = (
        TWO
        + """
class Mine(steps.Trigger):
    def getSchedulersAndProperties(self):
        return [('child', {'number': n}) for n in range(3)]

    def createTriggerProperties(self, properties):
        found = super().createTriggerProperties(properties)
        found.setProperty('extra', 7, 'Mine')
        return found

add('parent', Mine(schedulerNames=['child'], waitForFinish=True))
"""
    )
    async with started(text) as ci:
        parent = await ci.build("parent")

        found = [await ci.properties(build) for build in ci.builds("child")]
        assert parent.result is Result.SUCCESS
        assert [one["number"][0] for one in found] == [0, 1, 2]
        assert found[0]["extra"] == [7, "Mine"]


async def test_a_reconfiguration_meanwhile_changes_nothing():
    text = TWO + "add('parent', steps.Trigger(schedulerNames=['both'], waitForFinish=True))\n"
    async with started(text) as ci:
        ci.worker("local").on("check", seconds=60)
        request = await ci.force("parent")
        await _is_running(ci, "other")

        await ci.reconfigure((ci.path / "master.cfg").read_text() + "\n# the same\n")
        await ci.finished(request)
        again = await ci.build("parent")

        assert ci.builds("parent")[0].result is again.result is Result.SUCCESS


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_restart_meanwhile_triggers_again(how: str):
    text = TWO + "add('parent', steps.Trigger(schedulerNames=['both'], waitForFinish=True))\n"
    async with started(text) as ci:
        ci.worker("local").on("check", seconds=60)
        request = await ci.force("parent")
        await _is_running(ci, "other")

        if how == "stopped":
            await ci.restart()
        else:
            await ci.crash()
            await ci.start()
        await ci.finished(request)
        await ci.until_idle()

        results = [build.result for build in ci.builds("parent")]
        assert results == [Result.RETRY, Result.SUCCESS]
        requests = await ci.get("buildrequests")
        assert all(row["complete"] for row in requests)
        other = ci.last_build("other").builder_id
        ends = [row["results"] for row in requests if row["builderid"] == other]
        assert ends == [Result.CANCELLED, Result.SUCCESS]
        if how == "killed":
            told = "parent #1, which waited for it, was interrupted; its retry triggers it again"
            assert f"cancelled: {told}" in ci.log
            cancelled = [row for row in requests if row["results"] == Result.CANCELLED]
            assert [row["end_reason"] for row in cancelled] == [told]


async def _is_running(ci: World, builder: str) -> None:
    async def look() -> bool:
        return bool(ci.builds(builder)) and bool(ci.steps(ci.last_build(builder)))

    await ci.until(f"{builder} runs", look)


async def test_requests_that_are_waited_for_are_not_collapsed():
    text = (
        TWO
        + """
c['collapseRequests'] = True
c['workers'] = [worker.LocalWorker('local', max_builds=4)]
add('parent', steps.Trigger(schedulerNames=['both'], waitForFinish=True))
add('another', steps.Trigger(schedulerNames=['both'], waitForFinish=True))
add('third', steps.Trigger(schedulerNames=['both'], waitForFinish=True))
"""
    )
    async with started(text) as ci:
        ci.worker("local").on("check", rc=1, seconds=60)
        requests = [await ci.force(name) for name in ("parent", "another", "third")]

        for request in requests:
            await ci.finished(request)

        ends = [ci.last_build(name).result for name in ("parent", "another", "third")]
        assert ends == [Result.FAILURE] * 3
