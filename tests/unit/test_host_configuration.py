"""Reading master.cfg: what is in it arrives, and what is wrong with it is shown together."""

from __future__ import annotations

import operator
import sys
import textwrap
from pathlib import Path

import pytest

from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.difference import difference
from chargehand.config.errors import ConfigErrors

GOOD = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
factory = util.BuildFactory([steps.ShellCommand(command=['make'])])
c['builders'] = [util.BuilderConfig(name='b', workernames=['local'], factory=factory)]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
"""
LINES = GOOD.count("\n")


class Files:
    """A directory with a configuration, and its reader."""

    def __init__(self, directory):
        self.directory = directory
        self.path = directory / "master.cfg"
        self.reader = Reader(Document(self.path, directory), EngineAccess())
        self.config = None

    def write(self, text, name="master.cfg"):
        (self.directory / name).write_text(text)
        return self

    def good_and(self, more):
        return self.write(GOOD + textwrap.dedent(more))

    def read(self):
        self.config = self.reader.read(self.config)
        return self.config

    def errors(self):
        with pytest.raises(ConfigErrors) as raised:
            self.reader.read()
        return raised.value.errors

    def the_error(self):
        [error] = self.errors()
        return error


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_a_good_file_becomes_a_configuration(files):
    config = files.good_and("c['title'] = 'T'; c['buildbotURL'] = 'http://x/y'").read()

    assert config.title == "T"
    assert config.url == "http://x/y/"
    assert [worker.name for worker in config.workers] == ["local"]
    assert config.builders[0].worker_names == ("local",)
    assert config.builders[0].builddir == "b"
    assert [scheduler.name for scheduler in config.schedulers] == ["force"]
    assert config.warnings == ()


def test_a_syntax_error_is_shown_with_its_line_and_a_caret(files):
    error = files.good_and("def f(: pass\n").the_error()

    assert (error.file, error.line) == (str(files.path), LINES + 1)
    assert "syntax error: invalid syntax\n    def f(: pass\n          ^" in error.message


def test_a_syntax_error_in_a_helper_module_names_that_file(files):
    files.write("x = (\n", "helper.py")

    error = files.good_and("import helper").the_error()

    assert error.file == str(files.directory / "helper.py")


def test_an_exception_is_shown_at_the_innermost_line_of_the_users(files):
    files.write("def fail():\n    return {}['gone']\n", "helper.py")

    error = files.good_and("import helper\nhelper.fail()\n").the_error()

    assert (error.file, error.line) == (str(files.directory / "helper.py"), 2)
    assert "KeyError: 'gone'" in error.message
    assert f"{files.path}:{LINES + 2}" in error.message


def test_leaving_by_exit_is_an_error_of_the_configuration(files):
    error = files.good_and("import sys; sys.exit('no settings')").the_error()

    assert error.message == "the configuration calls sys.exit('no settings') here"


def test_two_errors_are_shown_at_once_with_the_lines_of_the_calls(files):
    errors = files.good_and(
        """
        from buildbot import config
        config.error('one')
        util.MasterLock('')
        raise ValueError('three')
        """
    ).errors()

    assert [error.line - LINES for error in errors] == [3, 4, 5]
    assert errors[0].message == "one"
    assert "ValueError: three" in errors[2].message


def test_errors_that_the_user_raises_are_kept(files):
    error = files.good_and(
        "from buildbot.config import ConfigErrors\nraise ConfigErrors(['mine'])\n"
    ).the_error()

    assert (error.message, error.line) == ("mine", LINES + 2)


def test_a_file_that_is_not_there_is_an_error(files):
    assert "does not exist" in files.the_error().message


def test_a_file_without_buildmaster_config_says_what_to_write(files):
    assert "BuildmasterConfig = {}" in files.write("x = 1\n").the_error().message


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("bulders", 'did you mean "builders"?'),
        ("buildbotUrl", 'did you mean "buildbotURL"?'),
        ("change_sources", 'unknown key "change_sources"; did you mean "change_source"?'),
        ("mergeRequests", "c['collapseRequests']"),
        ("zzzz", 'unknown key "zzzz"'),
    ],
)
def test_a_misspelt_or_removed_key_is_an_error_with_a_suggestion(files, key, hint):
    error = files.good_and(f"c['{key}'] = []").the_error()

    assert hint in error.message
    assert error.line == LINES + 1


@pytest.mark.parametrize(
    ("more", "messages"),
    [
        (
            "c['builders'].append(util.BuilderConfig(name='x', factory=factory))",
            ["has no workers", "has no scheduler"],
        ),
        (
            "c['builders'][0].workernames = ['gone', 'away']",
            ['builder "b" uses unknown worker "gone"', 'builder "b" uses unknown worker "away"'],
        ),
        (
            "c['builders'] *= 2",
            ['several builders are named "b"'],
        ),
        ("c['workers'] *= 2", ['several workers are named "local"']),
        ("c['schedulers'] *= 2", ['several schedulers are named "force"']),
        (
            "c['change_source'] = [changes.GitPoller('file:///r')] * 2",
            ["several change sources are named"],
        ),
        (
            "c['schedulers'][0].builderNames.append('gone')",
            ['scheduler "force" uses unknown builder "gone"'],
        ),
        ("c['schedulers'] = []", ['builder "b" has no scheduler']),
        ("c['workers'] = []", ["no workers are configured"]),
        ("c['builders'] = []", ["no builders are configured"]),
        (
            "c['workers'].append(worker.LocalWorker('a/b'))",
            ["worker name 'a/b' is not valid"],
        ),
        (
            "c['workers'].append(worker.Worker('far', 'p'))",
            ["cannot connect without a port"],
        ),
        ("c['builders'][0].project = 'p'", ['builder "b" uses unknown project "p"']),
        (
            "c['builders'][0].locks = [util.MasterLock('l').access('counting'),"
            " util.WorkerLock('l').access('counting')]",
            ['two different locks are named "l"'],
        ),
        ("c['builders'] = [3]", ["c['builders'] must be a list"]),
        (
            "c['builders'] = [{'name': 'b', 'workername': 'local', 'factory': factory, 'tag': 1}]",
            [
                'has no key "tag"; did you mean "tags"?',
            ],
        ),
        ("c['schedulers'] = [schedulers.ForceScheduler]", ["the class ForceScheduler"]),
        ("c['workers'] = 3", ["c['workers'] must be a list"]),
        ("c['services'] = [object]", ["c['services'] must be a list of"]),
        ("c['configurators'] = 3", ["c['configurators'] must be a list"]),
    ],
)
def test_what_does_not_fit_together_is_an_error(files, more, messages):
    errors = files.good_and(more).errors()

    assert len(errors) == len(messages)
    for message in messages:
        assert any(message in error.message for error in errors), errors
    assert all(error.line for error in errors)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("title = 3", "c['title'] must be a string"),
        ("buildbotURL = None", "c['buildbotURL'] must be a string"),
        ("logMaxSize = 'a'", "c['logMaxSize'] must be an integer"),
        ("logMaxTailSize = -1", "c['logMaxTailSize'] must be a positive integer"),
        ("logCompressionMethod = 'rar'", "c['logCompressionMethod'] must be 'raw'"),
        ("logCompressionLimit = 'x'", "c['logCompressionLimit'] must be an integer"),
        ("logEncoding = 'klingon'", 'unknown encoding "klingon"'),
        ("caches = {'x': 'y'}", "c['caches']['x'] must be a whole number, 1 or more"),
        ("caches = {'Builds': 0}", "c['caches']['Builds'] must be a whole number, 1 or more"),
        ("buildCacheSize = -1", "c['buildCacheSize'] must be a whole number, 0 or more, not -1"),
        ("protocols = {'pb': {'port': 99999}}", "port must be a number from 0 to 65535, not 99999"),
        ("protocols = {'pb': {'port': '70000'}}", "port must be a number from 0 to 65535"),
        ("www = {'ws_ping_interval': -1}", "must be a number of seconds, 0 or more, not -1"),
        ("www = {'ws_ping_interval': 'x'}", "c['www']['ws_ping_interval'] must be a number"),
        ("www = {'maxRotatedFiles': 1.5}", "c['www']['maxRotatedFiles'] must be a whole number"),
        ("validation = {'q': 1}", "unknown keys in c['validation']: \"q\""),
        ("collapseRequests = 3", "c['collapseRequests'] must be a function"),
        ("prioritizeBuilders = 3", "c['prioritizeBuilders'] must be a function"),
        ("select_next_worker = 3", "c['select_next_worker'] must be a function"),
        ("codebaseGenerator = 3", "c['codebaseGenerator'] must be a function"),
        ("revlink = 3", "c['revlink'] must be a function"),
        ("properties = 3", "c['properties'] must be a dictionary"),
        ("properties = {'x': object()}", "must be a value that JSON can represent"),
        ("db = {'foo': 1}", "unknown keys in c['db']: \"foo\""),
        ("db = 'nonsense'", "the database URL is not valid"),
        ("db = 'postgresql://user@host:port/name'", "the database URL is not valid"),
        ("db_url = 3", "the database URL must be a string"),
        ("mq = {'type': 'z'}", "c['mq']: unknown type 'z'"),
        ("secretsProviders = 3", "c['secretsProviders'] must be a list"),
        ("secretsProviders = [3]", "c['secretsProviders'] must be a list of secrets.*"),
        (
            "protocols = {'native': {'port': 8011, 'client_ca': 'ca.pem'}}",
            "client_ca must be the path of a file, beside an 'ssl:' port, not 'ca.pem'",
        ),
        ("protocols = {'native': {'port': 99999}}", "port must be a number from 0 to 65535"),
        ("protocols = {'pb': 3}", "c['protocols']['pb'] must be a dictionary"),
        ("protocols = {'telepathy': {}}", 'unknown protocol "telepathy"'),
        ("metrics = 3", "c['metrics'] must be a dictionary"),
        ("user_managers = 3", "c['user_managers'] must be a list"),
        ("buildbotNetUsageData = 4", "c['buildbotNetUsageData'] must be a string or a function"),
        ("changeHorizon = 'x'", "c['changeHorizon'] must be an integer"),
        ("projects = [4]", "c['projects'] must be a list of util.Project(...), not of 4"),
        ("www = {'port': 80, 'prot': 1}", "unknown key \"prot\" in c['www']; did you"),
        ("www = {'port': 'tls:1'}", "c['www']['port']: 'tls' is not supported"),
        ("www = {'port': 99999}", "99999 is not a valid port (0\u201365535)"),
        ("www = {'port': 'tcp:x'}", "'tcp:x' has no port number"),
        ("www = 3", "c['www'] must be a dictionary"),
    ],
)
def test_a_wrong_setting_is_an_error_at_its_line(files, setting, message):
    key, value = setting.split(" = ")

    error = files.good_and(f"c['{key}'] = {value}").the_error()

    assert message in error.message
    assert error.line == LINES + 1


@pytest.mark.parametrize(
    ("port", "listen"),
    [
        ("8010", (("", 8010),)),
        ("'8010'", (("", 8010),)),
        ("'tcp:8010:interface=127.0.0.1'", (("127.0.0.1", 8010),)),
        (r"'tcp6:8010:interface=\\:\\:1'", (("::1", 8010),)),
        ("'unix:/run/x.sock'", ("/run/x.sock",)),
        ("['tcp:1', 'unix:/x']", (("", 1), "/x")),
        ("None", ()),
    ],
)
def test_the_web_port_may_be_written_in_all_ways(files, port, listen):
    assert files.good_and(f"c['www'] = dict(port={port})").read().web.listen == listen


@pytest.mark.parametrize(
    "setting",
    [
        "buildHorizon = 5",
        "manhole = object()",
        "metrics = {'log_interval': 1}",
        "validation = {'branch': None}",
        "mq = {'type': 'wamp'}",
        "www = {'port': 1, 'custom_templates_dir': 'templates'}",
        "services = [reporters.GerritStatusPush('s', 'u')]",
        "db = {'db_url': 'sqlite://', 'engine_kwargs': {'echo': True}}",
    ],
)
def test_what_is_not_supported_yet_is_accepted_with_a_warning(files, setting):
    key, value = setting.split(" = ", 1)

    config = files.good_and(f"c['{key}'] = {value}").read()

    assert config.warnings
    assert config.warnings[0].line


def test_builders_may_be_dictionaries(files):
    config = files.good_and(
        "c['builders'] = [dict(name='b', workername='local', factory=factory, tags=['x'])]"
    ).read()

    assert config.builders[0].tags == ("x",)


def test_a_single_change_source_needs_no_list(files):
    config = files.good_and("c['change_source'] = changes.GitPoller('file:///r')").read()

    assert len(config.change_sources) == 1


def test_configurators_alter_the_configuration(files):
    config = files.good_and(
        """
        class Titles:
            def configure(self, config_dict):
                config_dict['title'] = 'configured'
        c['configurators'] = [Titles()]
        """
    ).read()

    assert config.title == "configured"


_FAILING = """
        class Bad(util.JanitorConfigurator):
            def configure(self, config_dict):
                {statement}
        c['configurators'] = [Bad(hour=1)]
        """


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("config_dict['nothing']", "configurator Bad failed: KeyError: 'nothing'"),
        ("raise SystemExit(0)", "the configuration calls sys.exit(0) here"),
        ("from buildbot.config import error; error('no name')", "no name"),
    ],
)
def test_a_configurator_that_fails_is_one_error_at_its_line(files, statement, message):
    text = _FAILING.format(statement=statement)

    (error,) = files.good_and(text).errors()

    assert error.message.splitlines()[0] == message
    assert (files.directory / "master.cfg").read_text().splitlines()[
        (error.line or 0) - 1
    ].strip() == statement


@pytest.mark.parametrize(
    ("configurator", "message"),
    [
        ("util.JanitorConfigurator", "the class JanitorConfigurator (write JanitorConfigurator())"),
        ("'janitor'", "'janitor' is not a configurator: it has no method configure()"),
        ("util.JanitorConfigurator(logHorizon=3)", "logHorizon must be a datetime.timedelta"),
        ("util.JanitorConfigurator(dayOfweek=3)", 'no argument "dayOfweek"; did you mean'),
        ("util.JanitorConfigurator(logHorizon=DAY, hour=25)", "0–23"),
        ("util.JanitorConfigurator(logHorizon=DAY, name='mine')", 'no argument "name"'),
    ],
)
def test_what_is_wrong_with_a_configurator_is_said_at_its_line(files, configurator, message):
    text = f"import datetime; DAY = datetime.timedelta(1)\nc['configurators'] = [{configurator}]"

    (error,) = files.good_and(text).errors()

    assert message in error.message
    assert error.line


def test_configurators_see_old_keys_under_todays_names_and_lists_for_tuples(files):
    config = files.good_and(
        """
        import datetime
        c['slaves'] = tuple(c.pop('workers'))
        c['builders'] = tuple(c['builders'])
        c['configurators'] = [util.JanitorConfigurator(logHorizon=datetime.timedelta(1))]
        """
    ).read()

    assert [one.name for one in config.workers] == ["local", "__Janitor"]
    assert [one.name for one in config.builders][-1] == "__Janitor"
    assert not config.multi_master


def test_builders_without_any_scheduler_are_named_where_they_are_configured(files):
    (error,) = files.good_and("del c['schedulers']").errors()

    line = Path(error.file).read_text().splitlines()[error.line - 1]
    assert line.startswith("c['builders'] = ")


def test_a_configurator_does_not_hide_a_builder_without_scheduler(files):
    (error,) = files.good_and(
        """
        import datetime
        c['schedulers'] = []
        c['configurators'] = [util.JanitorConfigurator(logHorizon=datetime.timedelta(1))]
        """
    ).errors()

    assert "has no scheduler" in error.message


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("util.OldBuildCanceller('n')", "filters must be a list of tuples"),
        ("util.OldBuildCanceller('n', filters=[('a',)])", "each of filters must be a tuple"),
        (
            "util.OldBuildCanceller('n', filters=[(1, util.SourceStampFilter())])",
            "list of builders' names",
        ),
        ("util.OldBuildCanceller('n', filters=[('a', util.ChangeFilter())])", "SourceStampFilter"),
        (
            "util.OldBuildCanceller('n', filters=[], branch_key='b')",
            "branch_key must be a function",
        ),
        (
            "util.FailingBuildsetCanceller('n', filters=[(['a'], 3, util.SourceStampFilter())])",
            "or None for all, not 3",
        ),
    ],
)
def test_what_is_wrong_with_a_canceller_is_said(files, service, message):
    (error,) = files.good_and(f"c['services'] = [{service}]").errors()

    assert message in error.message


def test_modules_beside_the_file_are_read_again(files):
    files.write("title = 'one'\n", "helper.py")
    files.good_and("import helper; c['title'] = helper.title")
    first = files.read().title

    files.write("title = 'two'\n", "helper.py")

    assert (first, files.read().title) == ("one", "two")
    assert files.config.modules == (str(files.directory / "helper.py"),)


def test_a_broken_file_leaves_the_modules_of_the_running_configuration(files):
    files.write("title = 'one'\n", "lasting.py")
    files.good_and("import lasting; c['title'] = lasting.title").read()

    files.write("title = 'two'\n", "lasting.py")
    files.good_and("import lasting; raise ValueError").errors()

    import lasting  # what users' running functions would get

    assert lasting.title == "one"


@pytest.mark.parametrize("broken", ["raise ValueError", "c['titel'] = 'misspelt'"])
def test_a_broken_file_takes_nothing_from_the_functions_of_the_running_configuration(files, broken):
    files.write("title = 'one'\n", "enduring.py")
    text = """
        import enduring
        import sys
        sys.running = lambda: (c['title'], len(c['workers']))
        c['title'] = enduring.title
        """
    files.good_and(text).read()
    running = sys.running

    files.write("title = 'two'\n", "enduring.py")
    files.good_and(text + f"        {broken}").errors()
    files.good_and(f"import enduring; {broken}").errors()

    import enduring

    assert running() == ("one", 1)
    assert enduring.title == "one"
    del sys.running


def test_basedir_and_file_are_known_to_the_configuration(files):
    config = files.good_and("import os; c['title'] = basedir + os.path.basename(__file__)").read()

    assert config.title == f"{files.directory}master.cfg"


CLASSES = """
import re
class MyStep(steps.BuildStep):
    pattern = re.compile('x')
    def run(self):
        return helper(self)
def helper(step):
    return NUMBER
NUMBER = 1
factory.addStep(MyStep())
factory.addStep(steps.ShellCommand(command=util.Interpolate('%(prop:x)s'), doStepIf=lambda s: True))
c['builders'][0].nextBuild = lambda builder, requests: requests[0]
"""


def test_reading_an_unchanged_file_again_finds_nothing_changed(files):
    first = files.good_and(CLASSES).read()

    second = files.read()

    assert second is first
    assert difference(first, second).summary() == "nothing changed"


def test_a_changed_setting_alone_leaves_all_components_as_they_were(files):
    first = files.good_and(CLASSES).read()

    second = files.good_and(CLASSES + "c['title'] = 'New'").read()

    assert second.title == "New"
    assert all(map(operator.is_, second.builders, first.builders))
    assert difference(first, second).summary() == "settings: title; 3 unchanged"


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("NUMBER = 1", "NUMBER = 2", "factory.steps[1]: class MyStep"),
        ("re.compile('x')", "re.compile('y')", "factory.steps[1]: class MyStep"),
        ("%(prop:x)s", "%(prop:y)s", "factory.steps[2].command.fmtstring"),
        ("lambda s: True", "lambda s: False", "factory.steps[2].doStepIf"),
        ("requests[0]", "requests[1]", "nextBuild"),
        ("command=['make']", "command=['make', 'all']", "factory.steps[0].command"),
        ("factory.addStep(MyStep())\n", "", "factory.steps"),
    ],
)
def test_a_changed_step_changes_its_builder_only(files, old, new, part):
    files.good_and(CLASSES).read()
    first = files.config

    files.write((GOOD + CLASSES).replace(old, new))
    found = difference(first, files.read())

    assert found.builders.changed == ("b",)
    assert found.summary() == f'builders: +0 -0 ~1 ("b": {part}); 2 unchanged'


_SERVICES = """
import datetime
c['workers'].append(worker.Worker('far', 'secret-1', max_builds=1, properties={'a': {'b': [1]}}))
c['protocols'] = {'pb': {'port': 9989}}
c['schedulers'] += [
    schedulers.Nightly('night', ['b'], hour=3),
    schedulers.AnyBranchScheduler(name='any', builderNames=['b'], treeStableTimer=5,
                                  change_filter=util.ChangeFilter(branch='main'))]
c['services'] = [reporters.MailNotifier('a@b.c', name='mail', generators=[
    reporters.BuildStatusGenerator(mode='failing')])]
c['change_source'] = [changes.GitPoller('http://r', pollInterval=5)]
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("secret-1", "secret-2", 'workers: +0 -0 ~1 ("far": password)'),
        ("['b'], hour", "['b', 'b'], hour", 'schedulers: +0 -0 ~1 ("night": builderNames)'),
        ("max_builds=1", "max_builds=2", 'workers: +0 -0 ~1 ("far": max_builds)'),
        ("[1]}}", "[1, 2]}}", 'workers: +0 -0 ~1 ("far": properties.a.b)'),
        ("hour=3", "hour=4", 'schedulers: +0 -0 ~1 ("night": hour)'),
        ("treeStableTimer=5", "treeStableTimer=6", '~1 ("any": treeStableTimer)'),
        ("branch='main'", "branch='x'", '~1 ("any": change_filter.filters'),
        ("mode='failing'", "mode='all'", "generators[0].mode"),
        ("pollInterval=5", "pollInterval=6", '("http://r": pollInterval)'),
        ("schedulers.Nightly", "schedulers.NightlyTriggerable", '~1 ("night": class Nightly'),
    ],
)
def test_what_changed_of_an_object_is_named_without_its_value(files, old, new, found):
    files.good_and(_SERVICES).read()
    first = files.config

    files.write((GOOD + _SERVICES).replace(old, new))
    summary = difference(first, files.read()).summary()

    assert found in summary
    assert "secret-" not in summary


def test_what_python_2_and_older_releases_had_is_accepted_with_a_warning(files):
    text = """
        class Mail(reporters.MailNotifier):
            compare_attrs = reporters.MailNotifier.compare_attrs + ['own']
            compare_attrs.remove('own')
            compare_attrs = ['first'] + reporters.MailNotifier.compare_attrs + ['last']

        assert 'first' in Mail.compare_attrs and 'last' in Mail.compare_attrs
        c['workers'] = {1: c['workers'][0]}.values()
        c['builders'] = map(lambda builder: builder, c['builders'])
        c['services'] = [reporters.GitHubStatusPush('t', repoOwner='o', repoName='r')]
        """

    config = files.good_and(text).read()

    assert [builder.name for builder in config.builders] == ["b"]
    assert sorted(str(warned).partition(": ")[2] for warned in config.warnings) == [
        'GitHubStatusPush: argument "repoName" was removed from Buildbot: the source stamps of a '
        "build say which repository and commit it is",
        'GitHubStatusPush: argument "repoOwner" was removed from Buildbot: the source stamps of a '
        "build say which repository and commit it is",
        "c['builders'] must be a list in Python 3: write list(...) around it",
        "c['workers'] must be a list in Python 3: write list(...) around it",
    ]


def test_a_link_that_leads_nowhere_is_named(files):
    files.path.symlink_to("elsewhere.cfg")

    message = f'configuration file "{files.path}", a link to elsewhere.cfg, does not exist'
    assert files.the_error().message == message


def test_an_open_file_is_not_executed(files):
    files.write("exec(open(__file__))")

    assert files.the_error().message == (
        "Python 3 does not execute an open file: write exec(FILE.read())"
    )
