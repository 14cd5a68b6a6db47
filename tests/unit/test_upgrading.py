"""What ``upgrade-config`` makes of a source: today's names, and nothing else is touched."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildbot._border.old_arguments import RENAMED_ARGUMENTS, SOURCE_MODES
from buildbot._border.old_keys import RENAMED_KEYS
from buildbot._host.upgrading.python2 import is_python2
from buildbot._host.upgrading.upgrade import upgraded
from buildbot._host.upgrading.values import CannotUpgrade
from buildbot.plugins.old_names import OLD_NAMES

MOVED = [
    (module, name, old.new)
    for module, names in OLD_NAMES.items()
    for name, old in names.items()
    if old.new and old.is_moved
]

SNIPPETS = {
    "an import and its uses": (
        """\
        from buildbot.buildslave import BuildSlave  # our machines
        slaves = [BuildSlave('a', 'b')]
        """,
        """\
        from buildbot.worker import Worker  # our machines
        slaves = [Worker('a', 'b')]
        """,
    ),
    "a name of the author's own stays": (
        "from buildbot.buildslave import BuildSlave as Slave\nx = Slave('a', 'b')\n",
        "from buildbot.worker import Worker as Slave\nx = Slave('a', 'b')\n",
    ),
    "today's name is taken": (
        """\
        from buildbot.buildslave import BuildSlave
        class Worker:
            pass
        x = BuildSlave('a', 'b')
        """,
        """\
        from buildbot.worker import Worker as BuildSlave
        class Worker:
            pass
        x = BuildSlave('a', 'b')
        """,
    ),
    "a module and its attributes": (
        """\
        from buildbot import scheduler
        x = scheduler.Nightly(name='n')
        y = scheduler.Scheduler(name='s')
        """,
        """\
        from buildbot.schedulers.timed import Nightly
        from buildbot.schedulers.basic import SingleBranchScheduler
        x = Nightly(name='n')
        y = SingleBranchScheduler(name='s')
        """,
    ),
    "a dotted module": (
        "import buildbot.buildslave\nx = buildbot.buildslave.BuildSlave('a', 'b')\n",
        "from buildbot.worker import Worker\nx = Worker('a', 'b')\n",
    ),
    "one import of old and new names": (
        """\
        from buildbot.steps.shell import (
            ShellCommand,
            SetProperty,  # reads a property
        )
        f.addStep(SetProperty(command='a', property='b'))
        f.addStep(ShellCommand(command='a'))
        """,
        """\
        from buildbot.steps.shell import (
            ShellCommand)
        from buildbot.steps.shell import SetPropertyFromCommand
        f.addStep(SetPropertyFromCommand(command='a', property='b'))
        f.addStep(ShellCommand(command='a'))
        """,
    ),
    "all names of a module": (
        "from buildbot.scheduler import *\nx = Scheduler(name='s')\n",
        "from buildbot.schedulers.basic import SingleBranchScheduler\n"
        "x = SingleBranchScheduler(name='s')\n",
    ),
    "all names of a module that is still there": (
        """\
        from buildbot.schedulers.forcesched import *
        from buildbot.process.builder import *
        x = ForceScheduler(properties=[BuildslaveChoiceParameter(name='w')])
        """,
        """\
        from buildbot.schedulers.forcesched import *
        from buildbot.schedulers.forcesched import WorkerChoiceParameter
        from buildbot.process.builder import *
        x = ForceScheduler(properties=[WorkerChoiceParameter(name='w')])
        """,
    ),
    "all namespaces, and one that is gone": (
        "from buildbot.plugins import *\nx = buildslave.BuildSlave('a', 'b')\n",
        "from buildbot.plugins import *\n"
        "from buildbot.worker import Worker\n"
        "x = Worker('a', 'b')\n",
    ),
    "two names alike are told apart": (
        """\
        from buildbot.steps import shell
        from buildbot.steps.master import SetProperty
        a = shell.SetProperty(command='x', property='y')
        b = SetProperty(property='y', value='z')
        """,
        """\
        from buildbot.steps import shell
        from buildbot.steps.master import SetProperty
        a = shell.SetPropertyFromCommand(command='x', property='y')
        b = SetProperty(property='y', value='z')
        """,
    ),
    "a module that is still there": (
        """\
        from buildbot.process import buildstep
        class Watch(buildstep.LogLineObserver):
            step = buildstep.BuildStep
        """,
        """\
        from buildbot.process import buildstep
        from buildbot.process.logobserver import LogLineObserver
        class Watch(LogLineObserver):
            step = buildstep.BuildStep
        """,
    ),
    "names of namespaces": (
        """\
        from buildbot.plugins import buildslave, util, worker
        a = buildslave.BuildSlave('a', 'b')
        b = worker.BuildSlave('a', 'b')
        c = util.SlaveLock('cpu', maxCountForSlave={'a': 2})
        """,
        """\
        from buildbot.plugins import util, worker
        from buildbot.worker import Worker
        a = Worker('a', 'b')
        b = worker.Worker('a', 'b')
        c = util.WorkerLock('cpu', maxCountForWorker={'a': 2})
        """,
    ),
    "arguments of namespaces": (
        """\
        from buildbot.plugins import *
        for worker in ['a']:
            c['workers'].append(worker.Worker(worker, 'x'))
        c['change_source'] = changes.GitPoller('git://x', pollinterval=300)
        f.addStep(steps.FileUpload(slavesrc='a', masterdest='b'))
        f.addStep(steps.Git(repourl='x', mode='copy', submodules=True))
        """,
        """\
        from buildbot.plugins import *
        for worker in ['a']:
            c['workers'].append(worker.Worker(worker, 'x'))
        c['change_source'] = changes.GitPoller('git://x', pollInterval=300)
        f.addStep(steps.FileUpload(workersrc='a', masterdest='b'))
        f.addStep(steps.Git(repourl='x', mode='full', method='copy', submodules=True))
        """,
    ),
    "functions of others keep their arguments": (
        "from theirs import FileUpload\nFileUpload(slavesrc='a')\nmine(slavename='b')\n",
        "from theirs import FileUpload\nFileUpload(slavesrc='a')\nmine(slavename='b')\n",
    ),
    "builders": (
        """\
        from buildbot.config import BuilderConfig
        c['builders'] = [
            BuilderConfig(name='a', slavenames=['x'], factory=f, category='all',
                          mergeRequests=False),
            {'name': 'b', 'slavename': 'x', 'slavebuilddir': 'y', 'factory': f},
        ]
        """,
        """\
        from buildbot.config import BuilderConfig
        c['builders'] = [
            BuilderConfig(name='a', workernames=['x'], factory=f, tags=['all'],
                          collapseRequests=False),
            {'name': 'b', 'workername': 'x', 'workerbuilddir': 'y', 'factory': f},
        ]
        """,
    ),
    "keys": (
        """\
        c = BuildmasterConfig = {}
        c['slaves'] = []
        c['slaves'].append(x)
        c['slavePortnum'] = "tcp:9989:interface=127.0.0.1"
        c["projectName"] = 'P'
        c['mergeRequests'] = True
        mine['slaves'] = 1
        """,
        """\
        c = BuildmasterConfig = {}
        c['workers'] = []
        c['workers'].append(x)
        c['protocols'] = {'pb': {'port': "tcp:9989:interface=127.0.0.1"}}
        c["title"] = 'P'
        c['collapseRequests'] = True
        mine['slaves'] = 1
        """,
    ),
    "keys of a dictionary": (
        "BuildmasterConfig = {'slaves': [], 'slavePortnum': 9989, 'title': 'x'}\n",
        "BuildmasterConfig = {'workers': [], 'protocols': {'pb': {'port': 9989}}, 'title': 'x'}\n",
    ),
    "status": (
        """\
        from buildbot.status import html, mail
        c['status'] = []
        mn = mail.MailNotifier(fromaddr='a@b.c')
        c['status'].append(mn)
        c['status'].append(html.WebStatus(http_port=8010))
        """,
        """\
        from buildbot.status import html
        from buildbot.reporters.mail import MailNotifier
        c['services'] = []
        mn = MailNotifier(fromaddr='a@b.c')
        c['services'].append(mn)
        c['www'] = {'port': 8010, 'plugins': {}}
        """,
    ),
    "texts with properties": (
        """\
        from buildbot.process.properties import WithProperties
        a = WithProperties("%(branch)s-%(got_revision:-none)s-100%%")
        b = WithProperties("build-%s/%s", "revision", "slavename")
        """,
        """\
        from buildbot.process.properties import Interpolate
        a = Interpolate("%(prop:branch)s-%(prop:got_revision:-none)s-100%%")
        b = Interpolate("build-%(prop:revision)s/%(prop:workername)s")
        """,
    ),
    "texts with functions stay": (
        """\
        from buildbot.process.properties import WithProperties
        a = WithProperties("%(x)s", x=lambda build: 'y')
        b = WithProperties("%(x)s")
        c = WithProperties(text, 'x')
        d = WithProperties("%d", 'x')
        """,
        """\
        from buildbot.process.properties import WithProperties, Interpolate
        a = WithProperties("%(x)s", x=lambda build: 'y')
        b = Interpolate("%(prop:x)s")
        c = WithProperties(text, 'x')
        d = WithProperties("%d", 'x')
        """,
    ),
    "workers in texts": (
        "from buildbot.plugins import util\n"
        "a = util.Interpolate('%(prop:slavename)s on %(slave:host)s')\n"
        "b = util.Property('slavename')\n",
        "from buildbot.plugins import util\n"
        "a = util.Interpolate('%(prop:workername)s on %(worker:host)s')\n"
        "b = util.Property('workername')\n",
    ),
    "steps as classes and arguments": (
        """\
        from buildbot.steps.shell import ShellCommand
        from buildbot.process import factory
        f.addStep(ShellCommand, command='make')
        f = factory.BuildFactory([factory.s(ShellCommand, command='make')])
        """,
        """\
        from buildbot.steps.shell import ShellCommand
        from buildbot.process import factory
        f.addStep(ShellCommand(command='make'))
        f = factory.BuildFactory([ShellCommand(command='make')])
        """,
    ),
    "interfaces": (
        """\
        from zope.interface import implements, Interface
        class Look:
            implements(IEmailLookup)  # finds addresses
            def getAddress(self, user):
                return user
        class Empty(object):
            implements(IRenderable)
        """,
        """\
        from zope.interface import implementer, Interface
        @implementer(IEmailLookup)
        class Look:
            def getAddress(self, user):
                return user
        @implementer(IRenderable)
        class Empty(object):
            pass
        """,
    ),
    "functions of Python 2": (
        r'''
        import string
        x = file('x').read(), cmp(1, len(x)), string.join(['a', 'b'], ', '), string.atoi('1')
        y = sys.maxint, buffer(x), 'C:\users', ur'\u', '\\u', """ \Users
         \N """
        try: pass
        except StandardError: pass
        ''',
        r'''
        import string
        x = open('x').read(), ((1 > len(x)) - (1 < len(x))), ', '.join(['a', 'b']), int('1')
        y = sys.maxsize, memoryview(x), 'C:\\users', r'\u', '\\u', """ \\Users
         \\N """
        try: pass
        except Exception: pass
        ''',
    ),
    "strings and dictionaries of Python 2": (
        """\
        from string import maketrans
        import string
        a = maketrans('a', 'b')
        b = string.maketrans(string.letters, c)
        d = dict(x.items() + y.items())
        """,
        """\
        maketrans = str.maketrans
        import string
        a = maketrans('a', 'b')
        b = str.maketrans(string.ascii_letters, c)
        d = dict(list(x.items()) + list(y.items()))
        """,
    ),
    "Python 2": (
        """\
        import urllib2, os
        def f(d):
            print "x", d
            if d.has_key('a'):
                os.chmod('x', 0755)
            for k, v in d.iteritems():
        \t    print k, v
            try:
                pass
            except (A, B), e:
                raise A, 'text'
        """,
        """\
        import urllib.request, urllib.error, urllib.parse, os
        def f(d):
            print("x", d)
            if 'a' in d:
                os.chmod('x', 0o755)
            for k, v in d.items():
                    print(k, v)
            try:
                pass
            except (A, B) as e:
                raise A('text')
        """,
    ),
}


def of(text: str) -> str:
    return upgraded(textwrap.dedent(text), "master.cfg").text


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_becomes_what_is_written_today(name: str) -> None:
    old, new = SNIPPETS[name]

    assert of(old) == textwrap.dedent(new)


@pytest.mark.parametrize("name", SNIPPETS)
def test_what_is_upgraded_compiles_and_stays(name: str) -> None:
    new = of(SNIPPETS[name][0])

    compile(new, "master.cfg", "exec")
    assert upgraded(new, "master.cfg").text == new


@pytest.mark.parametrize(("module", "name", "new"), MOVED)
def test_each_name_that_has_moved_is_renamed_where_it_is_imported_and_used(
    module: str, name: str, new: str
) -> None:
    found = of(f"from {module} import {name}\nx = {name}\n")

    where, _, attribute = new.partition(":")
    assert found == f"from {where} import {attribute}\nx = {attribute}\n"


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [(kind, *names) for kind, one in RENAMED_ARGUMENTS.items() for names in one.items()],
)
def test_each_old_argument_is_renamed(kind: str, old: str, new: str) -> None:
    source = f"import buildbot.x as x\na = x.{kind}(1, {old} = 2, # why\n  b=3)\n"

    assert of(source) == source.replace(old, new)


def test_each_old_name_that_nothing_replaces_is_remarked_at_its_line() -> None:
    gone = [
        (f"{module}.{name}", old.advice)
        for module, names in OLD_NAMES.items()
        for name, old in names.items()
        if not old.new
    ]
    source = "".join(
        f"from {full.rpartition('.')[0]} import {full.rpartition('.')[2]} as x{number}\n"
        for number, (full, _) in enumerate(gone)
    )

    found = upgraded(source, "master.cfg")

    assert found.text == source
    assert [(one.line, one.text) for one in found.remarks] == [
        (line, f"{full}: {advice}") for line, (full, advice) in enumerate(gone, 1)
    ]


def test_a_rule_for_merging_is_left_to_the_author() -> None:
    source = "\nc['mergeRequests'] = my_rule\n"

    found = upgraded(source, "master.cfg")

    assert found.text == source
    [remark] = found.remarks
    assert remark.line == 2
    assert "function(master, builder, request1, request2)" in remark.text


def test_what_cannot_be_a_source_is_refused_with_its_line() -> None:
    with pytest.raises(CannotUpgrade, match=r"^master\.cfg:2: "):
        upgraded("x = 1\nthis is no Python\n", "master.cfg")


NAMES = st.sampled_from(["x", "Worker", "BuildSlave", "SetProperty", "c", "slaves", "f"])
LINES = st.lists(
    st.one_of(
        st.sampled_from([f"from {module} import {name}" for module, name, _ in MOVED]),
        st.sampled_from([f"import {module}" for module, _, _ in MOVED]),
        st.builds("c['{}'] = {}".format, st.sampled_from(sorted(RENAMED_KEYS)), NAMES),
        st.builds("{} = {}".format, NAMES, NAMES),
        st.builds("{}({})  # {}".format, NAMES, NAMES, NAMES),
        st.builds(
            "{}(mode='{}', slavename=1)".format, NAMES, st.sampled_from(sorted(SOURCE_MODES))
        ),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_to_upgrade_twice_changes_nothing_more_and_comments_stay(lines: list[str]) -> None:
    source = "\n".join(lines) + "\n"

    new = upgraded(source, "master.cfg").text

    compile(new, "master.cfg", "exec")
    assert upgraded(new, "master.cfg").text == new
    assert new.count("#") == source.count("#")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2\n",
        "try:\n    unicode\nexcept NameError:\n    unicode = str\nx = unicode(1)\n",
        "import sys\nif sys.version_info < (3,):\n    x = d.iteritems()\n",
        "def reload(x):\n    pass\nreload(1)\n",
        "from imp import reload\nreload(1)\n",
        "d.keys()\nx = map(f, y)\n",
    ],
)
def test_a_source_for_both_pythons_is_not_taken_for_python_2(source: str) -> None:
    assert not is_python2(source)
    assert upgraded(source, "x.py").text == source
