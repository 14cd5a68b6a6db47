"""Users' code that fails, wherever the master calls it: only what it was for is hurt."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.config.errors import ConfigErrors
from chargehand.domain.result import Result


async def test_functions_of_schedulers_that_fail_hurt_only_their_scheduler() -> None:
    configuration = """
        def bad(*given):
            raise LookupError('no idea')
        class Bad(schedulers.AnyBranchScheduler):
            def gotChange(self, change, important):
                raise LookupError('I do not like it')
        class Cannot(schedulers.AnyBranchScheduler):
            def activate(self):
                raise LookupError('I do not want to')
        c['codebaseGenerator'] = bad
        c['revlink'] = bad
        c['schedulers'] = [
            schedulers.AnyBranchScheduler(name='important', builderNames=['b'],
                                          fileIsImportant=bad),
            schedulers.AnyBranchScheduler(name='filter', builderNames=['b'],
                change_filter=util.ChangeFilter(filter_fn=bad)),
            Bad(name='subclass', builderNames=['b']),
            Cannot(name='cannot', builderNames=['b']),
            schedulers.AnyBranchScheduler(name='good', builderNames=['b'], reason='the good one'),
        ]
        add('b', sh('true', name='one'))
        """
    async with started(configuration) as ci:
        for revision in ("1", "2"):
            await ci.push(revision=revision, repository="r", files=["a.py"])
            await ci.until_idle()

        assert [build.result for build in ci.builds()] == [Result.SUCCESS] * 2
        revisions = [row["revision"] for row in await ci.get("changes?order=changeid")]
        assert revisions == ["1", "2"]
        assert [row["reason"] for row in await ci.get("buildsets")] == ["the good one"] * 2
        assert "no idea" in ci.log
        assert "I do not like it" in ci.log
        assert "cannot start scheduler cannot" in ci.log


async def test_functions_of_dispatching_that_fail_hurt_only_their_builder() -> None:
    configuration = """
        def bad(*given):
            raise LookupError('no idea')
        c['prioritizeBuilders'] = bad
        add('next', sh('true'), nextBuild=bad)
        add('worker', sh('true'), nextWorker=bad)
        add('start', sh('true'), canStartBuild=bad)
        add('collapse', sh('true'), collapseRequests=bad)
        @util.renderer
        def locks(props):
            raise LookupError('no lock')
        add('locks', sh('true'), locks=locks)
        add('good', sh('true'))
        """
    async with started(configuration) as ci:
        stuck = [await ci.force(name) for name in ("next", "worker", "start", "locks")]
        collapsing = [await ci.force("collapse") for _ in range(3)]

        assert (await ci.build("good")).result is Result.SUCCESS
        for request_id in collapsing:
            assert (await ci.finished(request_id)).result is Result.SUCCESS
        for request_id in stuck:
            await ci.waits(request_id, "function_failed")
        assert "prioritizeBuilders failed" in ci.log


async def test_a_mended_function_lets_the_requests_go() -> None:
    broken = """
        def start(*given):
            raise LookupError('no idea')
        add('b', sh('true'), canStartBuild=start)
        """
    async with started(broken) as ci:
        request_id = await ci.force("b")
        await ci.waits(request_id, "function_failed")

        await ci.reconfigure(written(broken.replace("raise LookupError('no idea')", "return True")))

        assert (await ci.finished(request_id)).result is Result.SUCCESS


async def test_code_of_builds_that_fails_ends_only_the_build() -> None:
    configuration = """
        from buildbot.process import logobserver
        from buildbot.process.buildstep import BuildStep
        from buildbot.process.results import SUCCESS

        @util.renderer
        def bad(props):
            raise LookupError('no idea')

        class Observer(logobserver.LogLineObserver):
            def outLineReceived(self, line):
                raise LookupError('cannot read that')

        class Observed(steps.ShellCommand):
            def __init__(self, **more):
                super().__init__(**more)
                self.addLogObserver('stdio', Observer())

        class NoSummary(BuildStep):
            def run(self):
                return SUCCESS
            def getResultSummary(self):
                raise LookupError('no words')

        class Factory(util.BuildFactory):
            def newBuild(self, *given):
                raise LookupError('no build')

        class Added(BuildStep):
            def run(self):
                self.build.addStepsAfterCurrentStep(['nonsense'])
                return SUCCESS

        add('properties', sh('true'), properties={'p': bad})
        add('observer', Observed(command=['echo', 'a'], name='one'))
        add('summary', NoSummary(name='one'))
        add('added', Added(name='one'))
        c['builders'].append(util.BuilderConfig(name='factory', workernames=['local'],
                                                factory=Factory([sh('true')])))
        add('good', sh('true'))
        """
    async with started(configuration) as ci:
        for name in ("properties", "observer", "summary", "added", "factory"):
            build = await ci.build(name)
            assert (name, build.result) == (name, Result.EXCEPTION)
            assert all(step.complete for step in ci.steps(build)), name
        assert (await ci.build("good")).result is Result.SUCCESS


async def test_what_users_methods_return_is_named_where_it_is_of_the_wrong_kind() -> None:
    configuration = """
        from buildbot.process.buildstep import BuildStep
        from buildbot.process.results import SUCCESS

        for number, value in enumerate([None, 'words', ['step', 'words'], object(), 3]):
            class Summary(BuildStep):
                said = value
                def run(self):
                    return SUCCESS
                def getResultSummary(self):
                    return self.said

            class Factory(util.BuildFactory):
                made = value
                def newBuild(self, *given):
                    return self.made

            add(f'summary-{number}', Summary(name='one'))
            c['builders'].append(util.BuilderConfig(name=f'factory-{number}',
                                                    workernames=['local'],
                                                    factory=Factory([sh('true')])))
        """
    async with started(configuration) as ci:
        for number, value in enumerate(("None", "'words'", "['step', 'words']", "<object", "3")):
            for name, method in (
                ("summary", "getResultSummary() must return a dictionary"),
                ("factory", "newBuild() of the factory must return a Build"),
            ):
                build = await ci.build(f"{name}-{number}")
                assert (name, build.result) == (name, Result.EXCEPTION)
                assert f"{method}, not {value}" in build.state


async def test_services_and_sources_that_fail_do_not_keep_the_master_from_running() -> None:
    configuration = """
        from buildbot.changes.base import ChangeSource, PollingChangeSource
        from buildbot.util.service import BuildbotService

        class Service(BuildbotService):
            name = 'bad service'
            def startService(self):
                raise LookupError('cannot serve')

        class Source(ChangeSource):
            def activate(self):
                raise LookupError('cannot listen')

        class Poller(PollingChangeSource):
            def poll(self):
                raise LookupError('cannot poll')

        c['services'] = [Service()]
        c['change_source'] = [Source(name='source'),
                              Poller(name='poller', pollInterval=60, pollAtLaunch=True)]
        add('good', sh('true'))
        """
    async with started(configuration) as ci:
        assert (await ci.build("good")).result is Result.SUCCESS
        await ci.sleep(61)

        for sentence in ("cannot serve", "cannot listen", "cannot poll"):
            assert sentence in ci.log


@pytest.mark.parametrize("line", ["import sys; sys.exit(1)", "raise SystemExit"])
async def test_a_configuration_may_not_end_the_master(line: str) -> None:
    async with started("add('good', sh('true'))") as ci:
        with pytest.raises(ConfigErrors, match=r"SystemExit|calls sys\.exit"):
            await ci.reconfigure(f"{line}\n{written('')}")

        assert (await ci.build("good")).result is Result.SUCCESS
