"""What configurations of real sites do to Buildbot's classes and functions, in one small one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from installed_master import (
    FAILURE,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    InstalledMaster,
    Refused,
)
from waiting import eventually

_MODULE = """
    import re

    from buildbot.process import buildstep, factory, logobserver, remotecommand, results
    from buildbot.process.buildstep import BuildStepFailed
    from buildbot.plugins import steps, util
    from buildbot.schedulers.basic import AnyBranchScheduler
    from buildbot.schedulers.forcesched import BaseParameter, ValidationError
    from buildbot.steps.shell import ShellCommand, Test
    from buildbot.steps.worker import CompositeStepMixin
    from buildbot.util.service import BuildbotService
    from buildbot.util.twisted import async_to_deferred
    from twisted.internet import defer


    class Suite(Test):
        warningPattern = re.compile(r'.*(?:odd|FAIL:)')
        warnOnWarnings = True
        decodeRC = {0: results.SUCCESS, 5: results.WARNINGS}

        def evaluateCommand(self, cmd):
            result = super().evaluateCommand(cmd)
            if cmd.didFail():
                self.setProperty('suite_failed', True)
            elif result == results.WARNINGS and 'stable' in self.build.builder.config.tags:
                self.setProperty('suite_warned', True)
            return result


    class Recipe(factory.BuildFactory):
        options = ()
        environment = {}

        def __init__(self, first, *, tags=(), **kwargs):
            super().__init__([first])
            self.setup(**kwargs)
            self.tags = [*tags, 'made']

        def setup(self, outcome):
            self.environment = {'BASE': 'yes', **self.environment}
            self.addStep(Suite(command=['sh', '-c', 'echo $BASE; ' + outcome],
                               env=self.environment, haltOnFailure=False))
            self.addStep(Cleaning())


    class Cleaning(ShellCommand):
        name = 'cleaning'
        command = ['echo', 'clean']
        descriptionDone = ['cleaned']
        alwaysRun = True
        flunkOnFailure = False
        warnOnFailure = True


    class Report(buildstep.ShellMixin, CompositeStepMixin, steps.BuildStep):
        name = 'report'

        def __init__(self, jobs=None, **kwargs):
            kwargs['command'] = ['sh', '-c', 'mkdir -p out; echo "jobs $0" > out/r.txt', jobs]
            kwargs = self.setupShellMixin(kwargs)
            super().__init__(**kwargs)

        @defer.inlineCallbacks
        def run(self):
            yield self.runRmdir(f'{self.workdir}/out', abandonOnFailure=False)
            cmd = yield self.makeRemoteShellCommand()
            yield self.runCommand(cmd)
            found = yield self.runGlob(f'{self.workdir}/out/*.txt')
            if len(found) != 1:
                raise BuildStepFailed(f'not one report: {found}')
            text = yield self.getFileContentFromWorker(found[0], abandonOnFailure=True)
            log = yield self.addLog('parsed')
            log.addStdout(text)
            log.addHeader('end of the report\\n')
            yield log.finish()
            return cmd.results()


    class IsOlder(steps.BuildStep):
        name = 'is older'
        renderables = ['one', 'other']

        def __init__(self, one, other, property, **kwargs):
            super().__init__(**kwargs)
            self.one, self.other, self.property = one, other, property

        async def run(self):
            self.checkWorkerHasCommand('stat')
            found = []
            for file in (self.one, self.other):
                cmd = remotecommand.RemoteCommand('stat', {'workdir': self.workdir, 'file': file})
                await self.runCommand(cmd)
                found.append(None if cmd.didFail() else cmd.updates['stat'][-1][8])
            self.setProperty(self.property, found[1] is None or found[1] <= found[0], self.name)
            self.descriptionDone = ['compared']
            return util.SUCCESS


    class Tidying(steps.ShellSequence):
        renderables = ['cleanup']

        def __init__(self, cleanup, **kwargs):
            self.cleanup = cleanup
            super().__init__(**kwargs)

        @defer.inlineCallbacks
        def run(self):
            result = yield self.runShellSequence(self.commands)
            command = self.command
            yield self.runShellSequence(self.cleanup)
            self.command = command
            return result


    class Announce(steps.BuildStep):
        name = 'announce'

        def __init__(self, branch, properties, **kwargs):
            super().__init__(**kwargs)
            self.branch, self.wanted = branch, properties

        @defer.inlineCallbacks
        def run(self):
            yield self.master.data.updates.addChange(
                author='me', files=['f'], comments='c', branch=self.branch, project='p',
                properties=self.wanted, src='git')
            return results.SUCCESS


    class Rows(steps.BuildStep):
        name = 'rows'

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            # Steps have attributes of any name.
            self.wanted = self.hidden = self.execute = self.runtime = self.new_log = 'mine'

        @async_to_deferred
        async def run(self):
            db = self.master.db
            build = await db.builds.getBuild(self.build.buildid)
            same = await db.builds.getBuildByNumber(build.builderid, build['number'])
            request = await db.buildrequests.getBuildRequest(build.buildrequestid)
            properties = await db.builds.getBuildProperties(build.id)
            buildset = await db.buildsets.getBuildset(request.buildsetid)
            of_buildset = await db.buildsets.getBuildsetProperties(buildset.bsid)
            running = await db.builds.getBuilds(builderid=build.builderid, complete=False)
            workers = await db.workers.getWorkers(builderid=build.builderid)
            self.setProperty('rows', {
                'same': same == build,
                'builder': request.buildername,
                'property': properties['buildername'],
                'scheduler': of_buildset['scheduler'],
                'stamps': len(buildset.sourcestamps),
                'year': buildset.submitted_at.year >= 2024,
                'running': [one.id for one in running] == [build.id],
                'workers': [one.name for one in workers],
                'nothing': [await db.builds.getBuild(10**6), await db.changes.getChange(10**6)],
            })
            return results.SUCCESS


    class Durations(BuildbotService):
        name = 'durations'

        def reconfigService(self, file):
            self.file = file

        @defer.inlineCallbacks
        def startService(self):
            yield super().startService()
            self.consumer = yield self.master.mq.startConsuming(
                self.completed, ('buildsets', None, 'complete'))

        def completed(self, key, message):
            took = message['complete_at'] - message['submitted_at']
            with open(self.file, 'a') as file:
                file.write(f"{message['bsid']} {took.total_seconds() >= 0}\\n")

        @defer.inlineCallbacks
        def stopService(self):
            yield self.consumer.stopConsuming()
            yield super().stopService()


    class FilteringScheduler(AnyBranchScheduler):
        def __init__(self, *args, stable, **kwargs):
            super().__init__(*args, **kwargs)
            self.stable = stable

        @defer.inlineCallbacks
        def addBuildsetForChanges(self, **kwargs):
            change = yield self.master.db.changes.getChange(kwargs['changeids'][0])
            names = kwargs.get('builderNames', self.builderNames)
            pattern, _ = change.properties.get('wanted', ('', ''))
            names = [name for name in names if name in self.stable and re.search(pattern, name)]
            if names:
                yield super().addBuildsetForChanges(**dict(kwargs, builderNames=names))


    class Choice(BaseParameter):
        spec_attributes = ['choices']
        type = 'list'

        @property
        def choices(self):
            return ['one', 'two']

        def updateFromKwargs(self, properties, kwargs, **unused):
            chosen = self.getFromKwargs(kwargs)
            if chosen not in self.choices:
                raise ValidationError(f'there is no {chosen}')
            properties[self.name] = chosen
            properties['chosen_number'] = self.choices.index(chosen) + 1
"""

_CONFIGURATION = """
    import sys
    from datetime import datetime
    from dateutil.tz import tzutc
    from twisted.internet import defer
    from buildbot.data import resultspec
    from buildbot.locks import MasterLock
    from buildbot.process import properties as props_, results as results_
    from buildbot.schedulers.forcesched import ForceScheduler

    sys.path.insert(0, str(HERE))
    import site_classes
    from site_classes import (
        Announce, Choice, Durations, FilteringScheduler, IsOlder, Recipe, Report, Rows, Tidying)

    sys.path.pop(0)
    LOCKS = {'net': MasterLock('net', maxCount=1)}

    class NamedBuilder(util.BuilderConfig):
        def __init__(self, name, recipe, **kwargs):
            kwargs.setdefault('workernames', ['local'])
            super().__init__(name=name, factory=recipe, tags=['stable', *recipe.tags], **kwargs)
            self.recipe_class = type(recipe).__name__

    def noted(word):
        with open(HERE / 'notes', 'a') as notes:
            notes.write(word + '\\n')

    # Builders of a recipe

    for outcome in ('true', 'exit 5', 'exit 3', 'echo odd'):
        c['builders'].append(NamedBuilder(f'suite {outcome}', Recipe(
            steps.SetProperty(property='begun', value=util.Interpolate('%(prop:buildername)s')),
            outcome=outcome, tags=['x'])))

    # Renderers of all sorts

    @util.renderer
    @defer.inlineCallbacks
    def jobs(props):
        cpus = yield props.render(util.Interpolate('%(worker:numcpus)s'))
        return '4' if int(cpus) else '0'

    @util.renderer
    def commands(props, base):
        found = [util.ShellArg(command=[*base, one], logname=f'item:{one}', haltOnFailure=True)
                 for one in props['items'].split()]
        if found:
            found.append(util.ShellArg(command='echo all', logname='all', warnOnFailure=True))
        return found

    @util.renderer
    def wants_package(props):
        return 'package' in props and bool(props['package'])

    add('rendered',
        Report(jobs=jobs),
        IsOlder('out/r.txt', util.Interpolate('%(prop:none:-nothing)s'), property='older'),
        steps.SetPropertyFromCommand(
            command=['sh', '-c', 'printf "a b\\\\nA=1\\\\n"'], strip=False,
            extract_fn=lambda rc, out, err: {'items': out.splitlines()[0], 'rc': rc}),
        steps.ShellSequence(name='items', commands=commands.withArgs(['echo', '-n'])),
        Tidying(name='tidying',
                commands=[util.ShellArg(command=['false'], logname='try', flunkOnFailure=True)],
                cleanup=[util.ShellArg(command=['echo', 'swept'], logname='swept')]),
        sh('true', name='packing', doStepIf=wants_package,
           hideStepIf=lambda results, step: results in (util.SUCCESS, util.SKIPPED)))
    add('environment',
        steps.SetProperties(properties={'env': {'A': 'a', 'B': 'b'}}),
        steps.SetProperties(properties={
            'env': util.Transform(lambda one, more: {**one, **more},
                                  util.Property('env'), {'C': util.Property('buildername')})}),
        steps.ShellCommand(name='show', command='echo $A$B$C', env=util.Property('env')))

    # Functions of builders

    def tagged_first(builder, requests):
        for request in requests:
            if request.properties and request.properties.getProperty('tag'):
                return request
        return requests[0]

    @props_.renderer
    def net_lock(props):
        return [LOCKS['net'].access('exclusive')] if props.hasProperty('net') else []

    add('picky', blocking('picky', doStepIf=lambda step: bool(step.getProperty('block'))),
        sh('true', name='locked', locks=net_lock),
        nextBuild=tagged_first)

    def not_now(builder, wfb, request):
        if (HERE / 'awake').exists() or request.properties.getProperty('urgent'):
            return True
        noted('asked')
        wfb.worker.quarantine_timeout = 1
        wfb.worker.putInQuarantine()
        wfb.worker.resetQuarantine()
        return False

    c['workers'].append(worker.LocalWorker('sleepy', max_builds=1))
    add('downtime', sh('true'), workernames=['sleepy'], canStartBuild=not_now)

    @defer.inlineCallbacks
    def latest(builder):
        number = yield builder.getBuilderId()
        priority = yield builder.get_highest_priority()
        done = yield builder.master.data.get(
            ('builders', number, 'buildrequests'),
            [resultspec.Filter('complete', 'eq', [True]),
             resultspec.Filter('results', 'ne', [results_.SKIPPED])],
            order=['-complete_at'], limit=1)
        when = done[0]['complete_at'] if done else datetime.min.replace(tzinfo=tzutc())
        return priority or 0, when

    @defer.inlineCallbacks
    def in_order(master, builders):
        found = yield defer.gatherResults([
            latest(one).addCallback(lambda key, one=one: (key, one)) for one in builders])
        busy = lambda one: bool(one.building) or bool(one.old_building)
        found.sort(key=lambda pair: (busy(pair[1]), -pair[0][0], pair[0][1], pair[1].name))
        noted('ordered')
        return [one for _, one in found]

    c['prioritizeBuilders'] = in_order

    # Schedulers

    add('announce suite', Announce('suite', {}))
    add('announce filtered', Announce('other', {'filter': True, 'wanted': '^suite'}))

    @util.renderer
    @defer.inlineCallbacks
    def of_branch(props):
        branch = props.getProperty('branch') or props.sourcestamps[0]['branch']
        names = []
        for one in (yield props.master.data.get(('builders',))):
            if one['name'].startswith(branch):
                names.append(one['name'])
        return names

    c['schedulers'] += [
        schedulers.AnyBranchScheduler(
            name='by branch', builderNames=of_branch,
            change_filter=util.ChangeFilter(branch_fn=lambda branch: branch.startswith('suite'))),
        FilteringScheduler(
            name='filtering', stable={'suite true', 'picky'},
            builderNames=['suite true', 'suite exit 3', 'picky'],
            change_filter=util.ChangeFilter(
                filter_fn=lambda change: change.properties.getProperty('filter', False))),
        ForceScheduler(
            name='form', builderNames=['picky'],
            codebases=[util.CodebaseParameter('', branch=util.FixedParameter(
                name='branch', default=''), hide=True)],
            properties=[Choice(name='choice', label='Which', default='one'),
                        util.StringParameter(name='tag', default=''),
                        util.StringParameter(name='block', default=''),
                        util.NestedParameter(name='', fields=[
                            util.BooleanParameter(name='clean', default=False)])]),
    ]
    c['change_source'] = []
    c['services'] = [Durations(str(HERE / 'durations'))]
    add('rows', Rows())
    """


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """One master for the tests of this module."""
    master = InstalledMaster(tmp_path_factory.mktemp("idioms") / "master")
    (master.path / "site_classes.py").write_text(textwrap.dedent(_MODULE))
    master.write(textwrap.dedent(_CONFIGURATION))
    master.start()
    yield master
    master.stop()
    master.end()


def _results(master: InstalledMaster, build: dict[str, Any]) -> dict[str, int]:
    return {step["name"]: step["results"] for step in master.steps(build)}


@pytest.mark.parametrize(
    ("outcome", "suite", "result", "property_"),
    [
        ("true", SUCCESS, SUCCESS, None),
        ("exit 5", WARNINGS, WARNINGS, "suite_warned"),
        ("exit 3", FAILURE, FAILURE, "suite_failed"),
        ("echo odd", WARNINGS, WARNINGS, "suite_warned"),
    ],
)
def test_subclasses_of_steps_and_factories_decide_how_a_build_ends(
    shared: InstalledMaster, outcome: str, suite: int, result: int, property_: str | None
):
    build = shared.build(f"suite {outcome}")

    assert build["results"] == result
    assert _results(shared, build) == {"SetProperty": SUCCESS, "test": suite, "cleaning": SUCCESS}
    assert shared.output(build, "test")[0] == "yes"
    properties = shared.properties(build)
    assert properties["begun"] == [f"suite {outcome}", "SetProperty"]
    assert {"suite_failed", "suite_warned"} & properties.keys() == ({property_} - {None})


def test_renderables_and_mixins_work_together_in_one_build(shared: InstalledMaster):
    build = shared.build("rendered")

    assert _results(shared, build) == {
        "report": SUCCESS,
        "is older": SUCCESS,
        "setproperty": SUCCESS,
        "items": SUCCESS,
        "tidying": FAILURE,
        "packing": SKIPPED,
    }
    assert shared.lines(build, "report", "parsed") == ["ojobs 4", "hend of the report"]
    assert shared.properties(build)["older"] == [True, "is older"]
    assert shared.logs(build, "items").keys() == {"item_a", "item_b", "all"}
    assert shared.logs(build, "tidying").keys() == {"try", "swept"}
    assert shared.step(build, "packing")["hidden"] is True


def test_a_property_may_hold_the_environment_of_later_steps(shared: InstalledMaster):
    build = shared.build("environment")

    assert shared.output(build, "show") == ["abenvironment"]


def test_a_step_reads_rows_of_the_database(shared: InstalledMaster):
    build = shared.build("rows")

    assert shared.properties(build)["rows"][0] == {
        "same": True,
        "builder": "rows",
        "property": ["rows", "Builder"],
        "scheduler": ["force", "Scheduler"],
        "stamps": 1,
        "year": True,
        "running": True,
        "workers": ["local"],
        "nothing": [None, None],
    }


def test_a_service_hears_how_long_buildsets_took(shared: InstalledMaster):
    build = shared.build("environment")

    buildset = shared.one(f"buildrequests/{build['buildrequestid']}")["buildsetid"]
    durations = shared.file("durations")
    eventually("the buildset", lambda: f"{buildset} True\n" in durations.read_text())


def test_next_build_prefers_what_it_likes(shared: InstalledMaster):
    first = _form(shared, block="1")
    shared.wait_for_file("picky.running")
    plain, tagged = _form(shared), _form(shared, tag="v1")

    shared.let_go("picky")

    ended = [shared.completed(one) for one in (first, plain, tagged)]
    assert [one["results"] for one in ended] == [SUCCESS] * 3
    (of_plain,), (of_tagged,) = shared.builds_of(plain), shared.builds_of(tagged)
    assert of_tagged["number"] < of_plain["number"]


def test_can_start_build_may_put_a_worker_in_quarantine_for_a_while(shared: InstalledMaster):
    request_id = shared.force("downtime")

    sentence = shared.waits(request_id, "workers_paused")
    shared.file("awake").touch()

    assert "sleepy" in sentence
    assert shared.completed(request_id)["results"] == SUCCESS
    assert shared.file("notes").read_text().count("asked\n") <= 3


def test_prioritize_builders_reads_the_api_and_sees_what_runs(shared: InstalledMaster):
    shared.build("environment")

    assert "ordered\n" in shared.file("notes").read_text()
    assert "prioritizeBuilders failed" not in shared.log


def test_a_scheduler_s_builders_may_be_found_in_the_api(shared: InstalledMaster):
    shared.build("announce suite")

    requests = _requests_of(shared, "by branch")
    assert len(requests) == 4


def test_a_subclassed_scheduler_chooses_builders_by_the_change(shared: InstalledMaster):
    shared.build("announce filtered")

    requests = _requests_of(shared, "filtering")
    names = [shared.one(f"builders/{one['builderid']}")["name"] for one in requests]
    assert names == ["suite true"]


def test_a_form_s_own_parameter_sets_several_properties(shared: InstalledMaster):
    request_id = _form(shared, choice="two", clean="on")

    shared.completed(request_id)
    properties = shared.properties(shared.builds_of(request_id)[0])
    assert properties["choice"][0] == "two"
    assert properties["chosen_number"][0] == 2
    assert properties["clean"][0] is True


def test_a_form_s_own_parameter_refuses_what_it_does_not_know(shared: InstalledMaster):
    with pytest.raises(Refused) as refused:
        _form(shared, choice="six")

    assert refused.value.answer["error"]["message"] == {"choice": "there is no six"}


def test_reading_all_this_again_changes_nothing(shared: InstalledMaster):
    ran = shared.reconfig()

    assert "nothing changed" in ran.text


def _form(master: InstalledMaster, **parameters: Any) -> int:
    """Force the picky builder by the form of its own; return the request."""
    found = master.one("builders/picky")
    builder_id = found["builderid"]
    _, requests = master.order(
        "forceschedulers/form", "force", builderid=builder_id, **{"choice": "one", **parameters}
    )
    return int(next(iter(requests.values())))


def _requests_of(master: InstalledMaster, scheduler: str) -> list[dict[str, Any]]:
    """Wait for the scheduler's buildset to complete, and return its requests."""

    def look() -> list[dict[str, Any]] | None:
        for one in master.get("buildsets"):
            if f"'{scheduler}'" in one["reason"] and one["complete"]:
                return master.get(f"buildrequests?buildsetid={one['bsid']}")
        return None

    return eventually(f"a buildset of {scheduler}; {master.log}", look)
