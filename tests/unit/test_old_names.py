"""Names of earlier versions of Buildbot are accepted, with one warning for each use."""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path

import pytest

from buildbot import plugins
from buildbot._border.errors import collecting
from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from buildbot.locks import WorkerLock
from buildbot.plugins.old_names import OLD_NAMES, OLD_PLUGINS
from buildbot.schedulers.basic import SingleBranchScheduler
from buildbot.steps.shell import SetPropertyFromCommand

PLUGINS = [(namespace, name) for namespace, names in OLD_PLUGINS.items() for name in names]
NAMES = [(module, name) for module, names in OLD_NAMES.items() for name in names]

OLD_STYLE = """\
from buildbot.plugins import buildslave
from buildbot.buildslave import BuildSlave
from buildbot.config import BuilderConfig
from buildbot.locks import SlaveLock
from buildbot.process.factory import BuildFactory
from buildbot.scheduler import Scheduler
from buildbot.status import html, mail
from buildbot.status.results import *
from buildbot.status.web import auth, authz
from buildbot.steps.shell import SetProperty, ShellCommand
from buildbot.steps.slave import MakeDirectory

c = BuildmasterConfig = {}
c['slaves'] = [BuildSlave('one', 'secret'), buildslave.BuildSlave('two', 'secret')]
c['slavePortnum'] = 9989
c['projectName'] = 'Old'
c['projectURL'] = 'http://old.example.org'
c['mergeRequests'] = False
assert SUCCESS == 0
f = BuildFactory()
f.addStep(MakeDirectory(dir='build/x'))
f.addStep(SetProperty(command='echo hello', property='said'))
f.addStep(ShellCommand(command='make', locks=[SlaveLock('cpu').access('counting')]))
c['builders'] = [
    BuilderConfig(name='a', slavename='one', factory=f, category='all',
                  nextSlave=lambda builder, slaves: slaves[0]),
    {'name': 'b', 'slavenames': ['one', 'two'], 'slavebuilddir': 'bb', 'factory': f,
     'mergeRequests': True},
]
c['schedulers'] = [Scheduler(name='s', branch='master', treeStableTimer=1,
                             builderNames=['a', 'b'])]
c['status'] = [
    html.WebStatus(http_port=8010, authz=authz.Authz(auth=auth.BasicAuth([('a', 'b')]))),
    mail.MailNotifier(fromaddr='ci@example.org', mode='problem'),
]
"""


def _reader(directory: Path, text: str) -> Reader:
    path = directory / "master.cfg"
    path.write_text(text)
    return Reader(Document(path, directory), EngineAccess())


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_an_old_name_is_imported_with_one_warning_at_its_line(tmp_path, module, name):
    path = tmp_path / "master.cfg"
    code = compile(f"\nfrom {module} import {name}\n", str(path), "exec")

    with collecting(str(tmp_path)) as collector:
        exec(code, {})

    [warned] = collector.warnings
    assert warned.message == (f"{module}.{name} is an old name: {OLD_NAMES[module][name].advice}")
    assert (warned.file, warned.line) == (str(path), 2)


def test_an_old_name_is_what_it_is_called_today():
    from buildbot.scheduler import Scheduler

    from buildbot.locks import SlaveLock
    from buildbot.steps.shell import SetProperty

    assert SlaveLock is WorkerLock
    assert Scheduler is SingleBranchScheduler
    assert SetProperty is SetPropertyFromCommand


def test_other_names_of_such_modules_do_not_exist():
    for module in ("buildbot.locks", "buildbot.scheduler", "buildbot.interfaces"):
        with pytest.raises(AttributeError, match="has no attribute 'Xyzzy'"):
            _ = importlib.import_module(module).Xyzzy


@pytest.mark.parametrize(
    "statement",
    [
        "from buildbot.status.web import console, grid",
        "from buildbot.status.web.slaves import BuildSlavesResource",
        "from buildbot.status.persistent_queue import DiskQueue",
        "from buildbot.process.buildrequest import BuildRequestCollapser",
        "from buildbot.util.subscription import SubscriptionPoint",
        "from buildbot.scripts.logwatcher import LogWatcher",
        "import buildbot.steps.dummy",
        "from buildbot.reporters.words import GREETINGS",
    ],
)
def test_a_name_of_buildbot_s_own_is_accepted(tmp_path, statement):
    path = tmp_path / "master.cfg"

    with collecting(str(tmp_path)) as collector:
        exec(compile(f"{statement}\n", str(path), "exec"), {})

    assert collector.errors == []
    assert all((one.file, one.line) == (str(path), 1) for one in collector.warnings)


def test_a_result_is_found_in_any_module_that_had_it(tmp_path):
    with collecting(str(tmp_path)) as collector:
        from buildbot.reporters.words import FAILURE

    assert FAILURE == 2
    [warned] = collector.warnings
    assert warned.message.endswith("use buildbot.process.results.FAILURE")


@pytest.mark.parametrize(("namespace", "name"), PLUGINS)
def test_an_old_name_of_a_namespace_is_accepted(namespace, name):
    with collecting() as collector:
        found = getattr(getattr(plugins, namespace.rpartition(".")[2]), name)

    old = OLD_PLUGINS[namespace][name]
    assert found.__name__ == (old.new or name).rpartition(":")[2]
    [warned] = collector.warnings
    assert old.advice in warned.message


def test_the_namespaces_of_old_are_still_there():
    with collecting() as collector:
        from buildbot.plugins import buildslave, status

        assert buildslave.BuildSlave is plugins.worker.Worker
        assert status.MailNotifier is plugins.reporters.MailNotifier
    assert len(collector.warnings) == 2


def test_a_configuration_of_old_is_read_with_warnings(tmp_path):
    config = _reader(tmp_path, OLD_STYLE).read()

    assert config.title == "Old"
    assert config.title_url == "http://old.example.org"
    assert config.protocols == {"pb": {"port": 9989}}
    assert config.collapse_requests is False
    assert [worker.name for worker in config.workers] == ["one", "two"]
    first, second = config.builders
    assert (first.worker_names, first.tags) == (("one",), ("all",))
    assert first.next_worker is not None
    assert (second.worker_names, second.worker_builddir) == (("one", "two"), "bb")
    assert second.collapse_requests is True
    lines = OLD_STYLE.splitlines()
    for key in ("slaves", "slavePortnum", "projectName", "projectURL", "mergeRequests", "status"):
        [warned] = [one for one in config.warnings if f"c['{key}']" in one.message]
        assert f"c['{key}']" in lines[warned.line - 1]


def test_a_configuration_of_old_is_unchanged_when_it_is_read_again(tmp_path):
    reader = _reader(tmp_path, OLD_STYLE)
    config = reader.read()

    again = reader.read(config)

    assert again is config


def test_what_is_set_under_both_names_is_read_under_today_s(tmp_path):
    more = textwrap.dedent("""
        c['title'] = 'New'
    """)

    assert _reader(tmp_path, OLD_STYLE + more).read().title == "New"


def test_the_glossary_has_every_old_name():
    page = (Path(__file__).parents[2] / "docs/reference/glossary.md").read_text()

    rows = page.partition("## Old names")[2].splitlines()
    assert [row for row in rows if row.startswith("| `")] == [
        f"| `{module}.{name}` | {OLD_NAMES[module][name].advice} |"
        for module in sorted(OLD_NAMES)
        for name in sorted(OLD_NAMES[module])
    ]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_an_import_of_all_names_brings_the_old_ones(module: str, name: str) -> None:
    if "plugins" in module:
        return
    found: dict[str, object] = {}

    with collecting() as collector:
        exec(f"from {module} import *", found)

    assert name in found
    if importlib.import_module(module).__spec__.origin:
        assert not collector.warnings  # Most of them are not used.
