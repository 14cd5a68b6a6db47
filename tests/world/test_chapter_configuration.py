"""The chapter about customization: what its examples decide in a configuration, as it was written
for slaves and as it is written today."""

from __future__ import annotations

from collections import Counter

import pytest
from written import started, written

from chargehand.domain.result import Result
from chargehand.testing.world import World

_OLD_FARM = """
from buildbot.buildslave import BuildSlave
from buildbot.config import BuilderConfig

pythons = ['python2.7', 'python3.2', 'python3.3']
pytest_slaves = ["slave%s" % n for n in range(3)]
del c['workers']
c['slaves'] = [BuildSlave(name, 'pass') for name in pytest_slaves]
c['slavePortnum'] = 'tcp:0:interface=127.0.0.1'

for python in pythons:
    f = util.BuildFactory()
    f.addStep(steps.ShellCommand(command=[python, 'test.py'], name='test'))
    c['builders'].append(BuilderConfig(
            name="test-%s" % python,
            factory=f,
            slavenames=pytest_slaves))
"""

_NEW_FARM = """
pythons = ['python2.7', 'python3.2', 'python3.3']
pytest_workers = ["slave%s" % n for n in range(3)]
c['workers'] = [worker.Worker(name, 'pass') for name in pytest_workers]
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}

for python in pythons:
    f = util.BuildFactory()
    f.addStep(steps.ShellCommand(command=[python, 'test.py'], name='test'))
    c['builders'].append(util.BuilderConfig(
            name="test-%s" % python, factory=f, workernames=pytest_workers))
"""


@pytest.mark.parametrize("farm", [_OLD_FARM, _NEW_FARM], ids=["slaves", "workers"])
async def test_a_loop_makes_one_builder_for_each_python(farm: str) -> None:
    async with started(farm) as ci:
        for python in ("python2.7", "python3.2", "python3.3"):
            build = await ci.build(f"test-{python}")
            assert build.result is Result.SUCCESS
            assert f"o{python} test.py\n" not in await ci.text(build, "test")
            assert f"{python} test.py" in await ci.text(build, "test")

        rows = await ci.get("workers?order=name")
        assert [row["name"] for row in rows] == ["slave0", "slave1", "slave2"]
        assert (await ci.reconfigure(written(farm))).endswith("nothing changed")


_PRIORITIES = """
import hashlib
from twisted.internet import defer

c['workers'] = [worker.LocalWorker('local', max_builds=1)]
ORDER = []

class Notes(steps.BuildStep):
    name = 'notes'
    def run(self):
        ORDER.append([self.getProperty('buildername'), self.getProperty('branch')])
        self.setProperty('order', list(ORDER))
        return util.SUCCESS

def prioritizeBuilders(buildmaster, builders):
    '''Final releases first, then tests, then builds; never those in maintenance.'''
    builderPriorities = {"finalRelease": 0, "test": 1, "build": 2}
    builders = [b for b in builders if b.name != 'maintenance']
    builders.sort(key=lambda b: builderPriorities.get(b.name, 0))
    return builders

def late(buildmaster, builders):
    return defer.succeed(prioritizeBuilders(buildmaster, builders))

async def later(buildmaster, builders):
    return prioritizeBuilders(buildmaster, builders)

c['prioritizeBuilders'] = CHOSEN

def nextBuild(bldr, requests):
    for r in requests:
        if r.source.branch == 'release':
            return r
    return requests[0]

def get_request_priorities(requests):
    return defer.succeed([0 if r.source.branch == 'release' else 1 for r in requests])

def lateNextBuild(bldr, requests):
    d = get_request_priorities(requests)
    def pick(priorities):
        if requests:
            return min(zip(priorities, requests), key=lambda pair: pair[0])[1]
    d.addCallback(pick)
    return d

async def laterNextBuild(bldr, requests):
    return await lateNextBuild(bldr, requests)

for name in ('build', 'test', 'finalRelease', 'maintenance'):
    add(name, Notes(), nextBuild=NEXT)
add('first', blocking('held'))
"""


@pytest.mark.parametrize(
    ("builders", "requests"),
    [
        ("prioritizeBuilders", "nextBuild"),
        ("late", "lateNextBuild"),
        ("later", "laterNextBuild"),
    ],
)
async def test_functions_say_which_builder_and_which_request_comes_first(
    builders: str, requests: str
) -> None:
    text = _PRIORITIES.replace("CHOSEN", builders).replace("NEXT", requests)
    async with started(text) as ci:
        await ci.force("first")
        idle = await ci.force("maintenance")
        last = await ci.force("build", branch="main")
        for builder in ("test", "finalRelease"):
            for branch in ("main", "release"):
                await ci.force(builder, branch=branch)
        ci.worker("local").let_go("held")

        await ci.finished(last)

        order = (await ci.properties(ci.builds_of(last)[-1]))["order"][0]
        assert order == [
            *(["finalRelease", "release"], ["finalRelease", "main"]),
            *(["test", "release"], ["test", "main"], ["build", "main"]),
        ]
        assert "prioritizeBuilders" in await ci.waits(idle, "refused_by_function")


_WORKDIR_PER_REPOSITORY = """
import hashlib
from buildbot.buildslave import BuildSlave

def workdir(source_stamp):
    return hashlib.md5(source_stamp.repository.encode()).hexdigest()[:8]

c['slaves'] = [BuildSlave('myslave', 'pass')]
c['slavePortnum'] = 'tcp:0:interface=127.0.0.1'
del c['workers']
build_factory = util.BuildFactory()
build_factory.workdir = workdir
build_factory.addStep(sh('true', name='runs'))
c['builders'].append({'name': 'mybuilder',
                      'slavename': 'myslave',
                      'builddir': 'mybuilder',
                      'factory': build_factory})
"""


async def test_each_repository_has_a_working_directory_of_its_own() -> None:
    async with started(_WORKDIR_PER_REPOSITORY) as ci:
        one = await _directory(ci, "https://example.org/one.git")
        other = await _directory(ci, "https://example.org/two.git")

        assert one == await _directory(ci, "https://example.org/one.git")
        assert one == "mybuilder/f69ac970"
        assert other.startswith("mybuilder/") and other != one


async def _directory(ci: World, repository: str) -> str:
    build = await ci.build("mybuilder", repository=repository)
    text = await ci.text(build, "runs")
    return text.partition("in dir ")[2].partition("\n")[0]


_SPLITTERS = """
def split_file_branches(path):
    pieces = path.split('/')
    if len(pieces) > 1 and pieces[0] == 'trunk':
        return (None, '/'.join(pieces[1:]))
    elif len(pieces) > 2 and pieces[0] == 'branches':
        return ('/'.join(pieces[0:2]), '/'.join(pieces[2:]))
    else:
        return None

def split_file_projects_branches(path):
    if not "/" in path:
        return None
    project, path = path.split("/", 1)
    f = util.svn.split_file_branches(path)
    if f:
        info = dict(project=project, path=f[1])
        if f[0]:
            info['branch'] = f[0]
        return info
    return f

def my_file_splitter(path):
    pieces = path.split('/')
    if pieces[0] == 'trunk':
        branch = None
        pieces.pop(0)   # remove 'trunk'
    elif pieces[0] == 'branches':
        pieces.pop(0)   # remove 'branches'
        # grab branch name
        branch = 'branches/' + pieces.pop(0)
    else:
        return None     # something weird
    projectname = pieces.pop(0)
    if projectname != 'Nevow':
        return None     # wrong project
    return dict(branch=branch, path='/'.join(pieces))

class Asks(steps.BuildStep):
    '''Says what the splitters make of paths.'''
    name = 'asks'
    def run(self):
        amanda = ['trunk/amanda.h', 'branches/3_3/common-src/amanda.h', 'tags/x', 'trunk']
        for name in ('split_file_branches', 'split_file_projects_branches'):
            paths = amanda if name == 'split_file_branches' else ['amanda/' + p for p in amanda]
            ours, theirs = globals()[name], getattr(util.svn, name)
            self.setProperty(name, [[ours(p) for p in paths], [theirs(p) for p in paths]])
        nevow = ['trunk/Nevow/formless/webform.py', 'branches/1.5.x/Nevow/formless/webform.py',
                 'trunk/Quotient/file', 'branches/1.5.x/Quotient/file', 'tags/Nevow/x']
        self.setProperty('my_file_splitter', [my_file_splitter(p) for p in nevow])
        self.setProperty('kept', [util.svn.split_file_alwaystrunk(p) for p in amanda[:1]])
        return util.SUCCESS

c['change_source'] = [
    changes.SVNPoller('file:///no/amanda/trunk', pollInterval=0),
    changes.SVNPoller(svnurl='file:///no/amanda', pollInterval=0,
                      split_file=util.svn.split_file_branches),
    changes.SVNPoller(repourl='file:///no', pollinterval=0,
                      split_file=util.svn.split_file_projects_branches),
    changes.SVNPoller('file:///no/Nevow', split_file=my_file_splitter, pollInterval=0),
]
add('asks', Asks())
"""


async def test_paths_of_subversion_are_split_as_the_chapters_functions_split_them() -> None:
    async with started(_SPLITTERS) as ci:
        properties = await ci.properties(await ci.build("asks"))

        written_anew, given = properties["split_file_branches"][0]
        expected = [[None, "amanda.h"], ["branches/3_3", "common-src/amanda.h"], None, None]
        assert written_anew == given == expected
        written_anew, given = properties["split_file_projects_branches"][0]
        assert written_anew == given
        assert given[:2] == [
            {"project": "amanda", "path": "amanda.h"},
            {"project": "amanda", "path": "common-src/amanda.h", "branch": "branches/3_3"},
        ]
        assert properties["my_file_splitter"][0] == [
            {"branch": None, "path": "formless/webform.py"},
            {"branch": "branches/1.5.x", "path": "formless/webform.py"},
            *(None, None, None),
        ]
        assert properties["kept"][0] == [{"path": "trunk/amanda.h"}]
        assert len(await ci.get("changesources")) == 4


_SOURCES = """
from twisted.application import internet
from twisted.internet import defer
from buildbot.changes import base

class Notified(base.ChangeSource):
    '''Something pushes to it: here it pushes to itself.'''
    compare_attrs = ['url', 'seconds']

    def __init__(self, url, seconds=60):
        base.ChangeSource.__init__(self)
        self.url, self.seconds = url, seconds

    def startService(self):
        self.clock = internet.TimerService(self.seconds, self.hears)
        self.clock.setServiceParent(self)
        return base.ChangeSource.startService(self)

    def stopService(self):
        return base.ChangeSource.stopService(self)

    def describe(self):
        return "notified of " + self.url

    def hears(self):
        return self.master.addChange(
            author='pushed', files=['a/b'], comments='from %s' % self.url, revision='1',
            branch='main', project='p', repository=self.url)

class Poller(base.PollingChangeSource):
    compare_attrs = ['url', 'pollInterval']
    pollInterval = 100
    seen = 0

    def __init__(self, url, **kwargs):
        base.PollingChangeSource.__init__(self, **kwargs)
        self.url = url

    def describe(self):
        return "polls " + self.url

    @defer.inlineCallbacks
    def poll(self):
        self.seen += 1
        yield self.master.data.updates.addChange(
            author='polled', files=['f'], comments='', revision=str(self.seen), repository=self.url)

class Today(changes.ReconfigurablePollingChangeSource):
    def checkConfig(self, url, **kwargs):
        super().checkConfig(**kwargs)
    async def reconfigService(self, url, **kwargs):
        self.url = url
        await super().reconfigService(**kwargs)
    async def poll(self):
        await self.master.data.updates.addChange(author='today', revision='9', repository=self.url)

c['change_source'] = [
    Notified('http://push'), Poller('http://poll', name='poller'),
    Today('http://today', name='today', pollInterval=500)]
c['schedulers'] = [schedulers.AnyBranchScheduler(name='any', builderNames=['b'])]
add('b', sh('true'))
"""


async def test_change_sources_of_the_chapter_deliver_changes_and_are_compared() -> None:
    async with started(_SOURCES) as ci:
        await ci.sleep(510)

        found = Counter(str(change["author"]) for change in await ci.get("changes"))
        assert found == {"pushed": 9, "polled": 5, "today": 1}

        assert (await ci.reconfigure(written(_SOURCES))).endswith("nothing changed")
        other = _SOURCES.replace("http://poll'", "http://other'")
        assert "+0 -0 ~1" in await ci.reconfigure(written(other))
