"""The janitor of a whole master: who made the builder, what it deletes, and when."""

from __future__ import annotations

from written import started, written

from chargehand.domain.result import Result

_HOUR = 3600.0
_JANITOR = """
    from datetime import timedelta
    c['configurators'] = [util.JanitorConfigurator(
        logHorizon=timedelta(hours=2), build_data_horizon=timedelta(hours=2), hour='*')]
    class Notes(steps.BuildStep):
        async def run(self):
            await self.setBuildData('coverage', b'81', 'Notes')
            await self.setBuildData('coverage', b'82', 'Notes')
            return util.SUCCESS
    add('tests', sh('make test'), Notes())
"""


async def test_it_deletes_old_logs_on_schedule_and_says_how_many() -> None:
    async with started(_JANITOR) as ci:
        ci.worker("local").on("make test", output="a line\n" * 3)
        build = await ci.build("tests")
        await ci.sleep(1.8 * _HOUR)
        young = await ci.build("tests")
        assert await ci.fetch(f"/api/v2/builds/{build.id}/data/coverage/value") == b"82"

        await ci.sleep(1.3 * _HOUR)

        done = ci.last_build("__Janitor")
        assert done.result is Result.SUCCESS
        assert [step.name for step in ci.steps(done)] == ["LogChunksJanitor", "BuildDataJanitor"]
        assert "[deleted: this log was older" in await ci.text(build, "shell")
        assert "a line" in await ci.text(young, "shell")
        states = [ci.steps(one)[0].state for one in ci.builds("__Janitor")]
        assert states[0] == "deleted 0 logs"
        assert [state for state in states if state != states[0]] == [
            "deleted 1 log (119 bytes of text)"
        ]
        states = [ci.steps(one)[1].state for one in ci.builds("__Janitor")]
        assert sorted(states)[-1] == "deleted 1 build data key-value pairs"
        assert await ci.get(f"builds/{build.id}/data") == []
        assert [row["length"] for row in await ci.get(f"builds/{young.id}/data")] == [2]
        names = [row["name"] for row in await ci.get("schedulers")]
        assert {"__Janitor", "__Janitor_force"} <= set(names)
        assert [row["name"] for row in await ci.get("workers")] == ["local", "__Janitor"]


async def test_it_can_be_forced_and_an_unchanged_file_changes_nothing() -> None:
    async with started(_JANITOR) as ci:
        build = await ci.build("__Janitor", scheduler="__Janitor_force")
        assert build.result is Result.SUCCESS

        assert await ci.reconfigure(written(_JANITOR)) == "nothing changed"


async def test_old_changes_go_when_there_are_more_than_the_horizon() -> None:
    async with started("c['changeHorizon'] = 2\nadd('tests', sh('true'))") as ci:
        for number in range(5):
            await ci.push(revision=str(number))

        await ci.sleep(3601)

        assert [row["revision"] for row in await ci.get("changes")] == ["3", "4"]
        assert "deleted 3 old changes (changeHorizon is 2)" in ci.log
