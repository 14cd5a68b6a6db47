"""What ``Trigger`` makes of all that configurations say, and the links to what it started."""

from __future__ import annotations

import pytest
from test_triggering import TWO
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World


async def test_entries_may_be_dictionaries():
    text = (
        TWO
        + """
add('parent', steps.Trigger(waitForFinish=True, set_properties={'a': 1, 'b': 1}, schedulerNames=[
    'child',
    {'sched_name': 'child', 'props_to_set': {'b': util.Interpolate('%(prop:tag)s')}},
    {'sched_name': 'both', 'unimportant': True},
]), properties={'tag': 'v2'})
"""
    )
    async with started(text) as ci:
        ci.worker("local").on("check", rc=1)

        parent = await ci.build("parent")

        found = [await ci.properties(build) for build in ci.builds("child")]
        assert [(one["a"][0], one["b"][0]) for one in found] == [(1, 1), (1, "v2"), (1, 1)]
        assert parent.result is Result.SUCCESS
        assert ci.step(parent, "trigger").state == (
            "triggered child (success), child (success), both (1 failure, 1 success, unimportant)"
        )


_LIST = 'a list of dictionaries with "sched_name", and optionally "props_to_set" and "unimportant"'


_NONSENSE = [
    ("None", f"returned None; it must return {_LIST}"),
    ("'child'", f"returned 'child'; it must return {_LIST}"),
    ("{'sched_name': 'child'}", f"returned {{'sched_name': 'child'}}; it must return {_LIST}"),
    ("['child']", f"returned a list with 'child'; it must return {_LIST}"),
    (
        "[{'name': 'child'}]",
        f"returned a list with {{'name': 'child'}}; it must return {_LIST}",
    ),
    ("[({}, {})]", "returned a list with {'sched_name': {}, 'props_to_set': {}}"),
    ("[('child', 5)]", 'returned "props_to_set": 5 for "child"; it must be a dictionary'),
]


async def test_nonsense_that_users_return_is_quoted():
    text = TWO
    for number, (answer, _) in enumerate(_NONSENSE):
        text += f"""
class Mine(steps.Trigger):
    def getSchedulersAndProperties(self):
        return {answer}
add('parent {number}', Mine(schedulerNames=['child']))
"""
    async with started(text) as ci:
        for number, (_, told) in enumerate(_NONSENSE):
            parent = await ci.build(f"parent {number}")

            assert parent.result is Result.EXCEPTION
            error = await ci.text(parent, "trigger", "err.text")
            assert f"Mine.getSchedulersAndProperties {told}" in error
            assert "Mine.getSchedulersAndProperties returned" in parent.state
        assert not ci.builds("child")


async def test_an_error_of_users_is_theirs_and_leaves_no_build_behind():
    text = (
        TWO
        + """
class Mine(steps.Trigger):
    def getSchedulersAndProperties(self):
        return {}['no such key']
add('mistaken', Mine(schedulerNames=['child'], waitForFinish=True))

class Bad(steps.Trigger):
    def createTriggerProperties(self, properties):
        if properties['number'] == 2:
            raise ValueError('two is too many')
        return super().createTriggerProperties(properties)
add('blocked', blocking('here'))
c['schedulers'].append(schedulers.Triggerable(name='blocked', builderNames=['blocked']))
add('halfway', Bad(waitForFinish=True, schedulerNames=[
    {'sched_name': 'blocked', 'props_to_set': {'number': number}} for number in (1, 2)]))
"""
    )
    async with started(text) as ci:
        mistaken = await ci.build("mistaken")
        assert mistaken.result is Result.EXCEPTION
        assert mistaken.state == "KeyError in step \"trigger\": 'no such key'"

        halfway = await ci.build("halfway")
        await ci.until_idle()
        assert halfway.result is Result.EXCEPTION
        assert "two is too many" in halfway.state
        assert ci.last_build("blocked").result is Result.CANCELLED


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "schedulerNames=util.Property('nothing')",
            "schedulerNames is None in this build; it must be a list of scheduler names",
        ),
        (
            "schedulerNames=['child'], set_properties=util.Property('nothing')",
            "set_properties is None in this build; it must be a dictionary",
        ),
    ],
)
async def test_nonsense_that_was_rendered_is_quoted(arguments: str, told: str):
    async with started(f"{TWO}add('parent', steps.Trigger({arguments}))\n") as ci:
        parent = await ci.build("parent")

        assert parent.result is Result.EXCEPTION
        assert parent.state == f'TypeError in step "trigger": {told}'


async def test_links_to_builds_are_there_while_they_run():
    text = (
        TWO
        + """
add('blocked', blocking('here'))
c['schedulers'].append(schedulers.Triggerable(name='all', builderNames=['blocked', 'child']))
add('parent', steps.Trigger(schedulerNames=['all'], waitForFinish=True))
"""
    )
    async with started(text) as ci:
        ci.worker("local").on("test", rc=1)
        request = await ci.force("parent")

        names = await ci.until("the end of a child", lambda: _both_links(ci))
        await ci.settle()
        parent = ci.last_build("parent")
        ids = {name: ci.master.builder_id(name) for name in ("blocked", "child")}
        assert ci.step(parent, "trigger").state == "waiting for all"
        assert names["blocked #1"].endswith(f"#/builders/{ids['blocked']}/builds/1")
        assert names["failure: child #1"].endswith(f"#/builders/{ids['child']}/builds/1")

        ci.worker("local").let_go("here")
        await ci.finished(request)
        await ci.settle()

        told = [name for name, url in await _links(ci) if "/builds/" in url]
        assert sorted(told) == ["failure: child #1", "success: blocked #1"]


async def test_without_waiting_there_are_links_to_the_requests():
    text = f"{TWO}add('parent', steps.Trigger(schedulerNames=['both']))\n"
    async with started(text) as ci:
        await ci.build("parent")

        links = await _links(ci)

        requests = await ci.get("buildrequests")
        children = [row["buildrequestid"] for row in requests][1:]
        assert [url.rpartition("#")[2] for _, url in links] == [
            f"/buildrequests/{number}" for number in children
        ]
        assert [name for name, _ in links] == [f"both #{number}" for number in children]


async def test_a_disabled_scheduler_is_not_triggered():
    text = (
        TWO
        + """
add('parent', steps.Trigger(schedulerNames=['child', 'both']))
add('other parent', steps.Trigger(schedulerNames=['child', 'both'], waitForFinish=True,
                                  unimportantSchedulerNames=['both']))
"""
    )
    async with started(text) as ci:
        (both,) = [row for row in await ci.get("schedulers") if row["name"] == "both"]
        await ci.order(f"schedulers/{both['schedulerid']}", "enable", enabled=False)
        disabled_before = await ci.build("parent")
        await ci.restart()
        parent = await ci.build("parent")

        assert disabled_before.state == parent.state
        told = 'scheduler "both" is disabled; enable it, or remove it from this step'
        assert parent.result is Result.FAILURE
        assert ci.step(parent, "trigger").state == told
        assert not ci.builds("child")

        other = await ci.build("other parent")
        assert other.result is Result.SUCCESS
        assert ci.step(other, "trigger").state == f"triggered child (success); {told}"

        await ci.order(f"schedulers/{both['schedulerid']}", "enable", enabled=True)
        assert (await ci.build("parent")).result is Result.SUCCESS


async def _both_links(ci: World) -> dict[str, str] | None:
    if not (ci.builds("child") and ci.builds("blocked")):
        return None
    found = dict(await _links(ci))
    return found if {"blocked #1", "failure: child #1"} <= found.keys() else None


async def _links(ci: World) -> list[tuple[str, str]]:
    parent = ci.last_build("parent")
    (step,) = [row for row in await ci.get(f"builds/{parent.id}/steps") if row["name"] == "trigger"]
    return [(str(one["name"]), str(one["url"])) for one in step["urls"]]


async def test_the_link_to_a_request_leads_to_its_build_or_says_why_it_waits() -> None:
    text = (
        TWO
        + """
add('lonely', sh('true'), workernames=['away'])
c['workers'].append(worker.LocalWorker('away'))
c['schedulers'].append(schedulers.Triggerable(name='lonely', builderNames=['child', 'lonely']))
add('parent', steps.Trigger(schedulerNames=['lonely']))
"""
    )
    async with started(text) as ci:
        away = next(row for row in await ci.get("workers") if row["name"] == "away")
        await ci.order(f"workers/{away['workerid']}", "pause", reason="repairs")
        await ci.build("parent")
        await ci.sleep(1)

        (_, of_child), (_, of_lonely) = await _links(ci)
        child = await ci.fetch("plain/" + of_child.rpartition("#/")[2])
        lonely = (await ci.fetch("plain/" + of_lonely.rpartition("#/")[2])).decode()

        assert child == await ci.fetch(f"plain/builds/{ci.last_build('child').id}")
        assert "of lonely</h1>" in lonely
        assert "It waits: all connected workers are paused: away (repairs, " in lonely


async def test_a_schedulers_own_properties_win_and_a_property_may_be_the_reason():
    text = """
add('child', sh('check'))
c['schedulers'] += [
    schedulers.Triggerable('own', ['child'], properties={'x': 'own', 'y': 'own'}),
    schedulers.Triggerable('reasoned', ['child'], reason='its reason'),
]
add('parent',
    steps.Trigger(schedulerNames=['own'], waitForFinish=True,
                  set_properties={'x': 'set', 'z': 'set', 'reason': 'the reason set'}),
    steps.Trigger(schedulerNames=['reasoned'], waitForFinish=True, copy_properties=['reason']),
    steps.Trigger(schedulerNames=['reasoned'], waitForFinish=True))
"""
    async with started(text) as ci:
        await ci.build("parent")

        first, *_ = [await ci.properties(build) for build in ci.builds("child")]
        assert first["x"] == ["own", "Scheduler"]
        assert first["z"] == ["set", "Trigger"]
        reasons = [one["reason"] for one in await ci.get("buildsets") if one["parent_buildid"]]
        assert reasons == ["the reason set", "force build", "its reason"]
