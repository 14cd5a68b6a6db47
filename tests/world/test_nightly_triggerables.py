"""Schedulers that build at certain times what was triggered last."""

from __future__ import annotations

from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

_PERIOD = 120.0


def _text(more: str = "", wait: bool = False) -> str:
    return f"""
c['workers'] = [worker.LocalWorker('local', max_builds=4)]
add('night', sh('night'))
add('parent', steps.Trigger(schedulerNames=['often'], waitForFinish={wait},
                            set_properties={{'tag': util.Property('tag')}}))
c['schedulers'] += [
    schedulers.NightlyTriggerable(
        name='often', builderNames=['night'], minute='*/2', properties={{'own': 1}}, {more}),
    schedulers.AnyBranchScheduler(name='quick', builderNames=['parent']),
]
"""


async def test_the_last_trigger_is_built_once_when_its_time_comes() -> None:
    async with started(_text()) as ci:
        await ci.sleep(2 * _PERIOD)
        assert not ci.builds("night")  # It was not triggered.

        for count, how in enumerate(("reconfigured", "killed"), 1):
            for revision in (f"old {how}", f"new {how}"):
                tag = {"tag": (f"v {revision}", "Change")}
                await ci.push(branch="main", revision=revision, properties=tag)
                await _parents_are_done(ci)
            await _happens(ci, how)
            await ci.sleep(_PERIOD)
            await ci.until_idle()
            await ci.sleep(2 * _PERIOD)

            assert len(ci.builds("night")) == count
            build = ci.last_build("night")
            found = await ci.properties(build)
            assert found["tag"] == [f"v new {how}", "Trigger"]
            assert found["own"] == [1, "Scheduler"]
            buildset = (await ci.get("buildsets"))[-1]
            assert buildset["sourcestamps"][0]["revision"] == f"new {how}"
            assert buildset["reason"] == (
                "The NightlyTriggerable scheduler named 'often' triggered this build"
            )
            assert buildset["parent_buildid"] == ci.last_build("parent").id
            assert build.started_at % _PERIOD < 1


async def test_a_step_does_not_wait_for_what_is_built_later() -> None:
    async with started(_text(wait=True)) as ci:
        parent = await ci.build("parent")

        assert parent.result is Result.SUCCESS
        assert ci.step(parent, "trigger").state == "triggered often"
        assert not ci.builds("night")


async def test_only_if_changed_needs_a_change_and_a_trigger() -> None:
    more = "onlyIfChanged=True, fileIsImportant=lambda change: 'code' in change.files"
    async with started(_text(more)) as ci:
        await ci.push(revision="first", files=["docs"])  # The first time it builds in any case.
        await ci.sleep(_PERIOD)
        assert len(ci.builds("night")) == 1

        await ci.push(revision="docs", files=["docs"])
        await ci.sleep(2 * _PERIOD)
        assert len(ci.builds("night")) == 1  # It was triggered, and nothing important changed.

        await ci.push(revision="code", files=["code"])
        await ci.sleep(2 * _PERIOD)
        assert len(ci.builds("night")) == 2

        await ci.sleep(5 * _PERIOD)
        assert len(ci.builds("night")) == 2


async def test_a_disabled_one_cannot_be_triggered() -> None:
    async with started(_text()) as ci:
        (often,) = [row for row in await ci.get("schedulers") if row["name"] == "often"]
        await ci.order(f"schedulers/{often['schedulerid']}", "enable", enabled=False)

        parent = await ci.build("parent")

        assert parent.result is Result.FAILURE
        assert 'scheduler "often" is disabled' in ci.step(parent, "trigger").state


async def _parents_are_done(ci: World) -> None:
    async def look() -> bool:
        return all(build.complete for build in ci.builds("parent"))

    await ci.settle()
    await ci.until("the end of all parents", look)


async def _happens(ci: World, how: str) -> None:
    match how:
        case "reconfigured":
            await ci.reconfigure((ci.path / "master.cfg").read_text() + "\n# the same\n")
        case "killed":
            await ci.crash()
            await ci.start()
