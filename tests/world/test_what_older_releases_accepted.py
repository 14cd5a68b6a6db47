"""What Buildbot 4.3 refuses and an older release accepted: accepted with a warning."""

from __future__ import annotations

from tests.world.written import started

from chargehand.domain.result import Result

OLD = """
    from buildbot.changes import base

    class Source(base.ChangeSource):
        def __init__(self, revision):  # calls no other __init__
            self.revision = revision

        def startService(self):
            super().startService()
            return self.master.data.updates.addChange(
                author='a', files=[], comments='c', revision=self.revision, branch='b')

    class Poller(base.PollingChangeSource):
        pollAtLaunch = True
        pollInterval = 10 ** 6

        def __init__(self, revision):
            self.revision = revision

        async def poll(self):
            await self.master.data.updates.addChange(
                author='a', files=[], comments='c', revision=self.revision, branch='b')

    c['workers'].append(worker.LocalWorker('10.0.0.1'))
    c['change_source'] = [Source('1'), Poller('2'), Poller('3')]
    never = util.MasterLock('never', maxCount=0)
    add('here', sh('make', name='x' * 60), workernames=['10.0.0.1'], workerbuilddir='',
        description=['two', 'words'])
    add('waits', sh('make'), locks=[never.access('counting')])
    c['schedulers'].append(schedulers.ForceScheduler(
        'by hand/1.2', ['here'], branch=util.ChoiceStringParameter('branch', choices=['r1', 'r2']),
        revision=util.FixedParameter('revision', default='7'), repository='', project=''))
"""


async def test_what_older_releases_accepted_works():
    async with started(OLD) as ci:
        await ci.order("forceschedulers/by%20hand%2F1.2", "force", branch="r2")
        await ci.until_idle()

        stamps = await ci.get("sourcestamps")
        assert ci.last_build("here").result is Result.SUCCESS
        assert ("r2", "7") in {(stamp["branch"], stamp["revision"]) for stamp in stamps}
        (worker,) = await ci.get("workers/10.0.0.1")
        assert worker["name"] == "10.0.0.1"
        assert sorted(one["revision"] for one in await ci.get("changes")) == ["1", "2", "3"]
        assert {one["name"] for one in await ci.get("changesources")} >= {"Poller", "Poller#2"}

        await ci.order("forceschedulers/force", "force", builderNames=["waits"])
        assert "needs 1 of lock never, which allows 0" in str(await ci.get("buildrequests/2/why"))
