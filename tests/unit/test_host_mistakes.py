"""One mistake in a configuration gives one message, at its line, which says what to do."""

from __future__ import annotations

import re

import pytest

from buildbot._host.reading import explanations
from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from chargehand.config.errors import ConfigErrors

_GOOD = """\
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('arm-1')]
step = steps.ShellCommand(command=['make'])
factory = util.BuildFactory([step])
builder = util.BuilderConfig(name='release', workernames=['arm-1'], factory=factory)
c['builders'] = [builder]
force = schedulers.ForceScheduler(name='force', builderNames=['release'])
c['schedulers'] = [force]
c['buildbotURL'] = 'http://ci.example.com/'
"""
_BUILDER = "workernames=['arm-1'], factory=factory)"


def _read(directory, text):
    path = directory / "master.cfg"
    path.write_text(text)
    return Reader(Document(path, directory), EngineAccess()).read()


def _errors(directory, text):
    with pytest.raises(ConfigErrors) as raised:
        _read(directory, text)
    return raised.value.errors


def test_a_key_that_is_set_twice_is_wrong_where_it_was_set_last(tmp_path):
    [error] = _errors(tmp_path, f"{_GOOD}\nc['buildbotURL'] = 'http://[::1:8099/'\n")

    assert error.line == len(_GOOD.splitlines()) + 2


@pytest.mark.parametrize(
    ("written", "wrong", "line", "message"),
    [
        ("command=['make']", "comand=['make']", 4, 'no argument "comand"; did you mean "command"?'),
        ("command=", "haltOnFailur=True, command=", 4, 'did you mean "haltOnFailure"?'),
        ("steps.ShellCommand(", "steps.ShelCommand(", 4, 'did you mean "ShellCommand"'),
        ("steps.Shell", "steps.Git(repurl='x'); steps.Shell", 4, 'did you mean "repourl"?'),
        ("command=", "env={'J': 4}, command=", 4, "env: J must be a string"),
        ("command=", "env={'J': ['a', 4]}, command=", 4, "env: J must be a string"),
        ("command=", "env={4: 'J'}, command=", 4, "names of variables must be strings, not 4"),
        ("command=", "env={'A=B': 'J'}, command=", 4, "'A=B' is not a valid name"),
        ("command=", "env='J=4', command=", 4, "env must be a dictionary"),
        ("steps.Shell", "steps.MasterShellCommand('x', env={'J': 4}); steps.Shell", 4, "env: J"),
        ("steps.Shell", "steps.Git(repourl='x', env={'J': 4}); steps.Shell", 4, "env: J"),
        ("command=", "locks=['x'], command=", 4, "not of 'x'"),
        ("command=", "locks='x', command=", 4, "locks must be a list"),
        ("name='release', ", "name='release', locks=['x'], ", 6, "not of 'x'"),
        ("name='release', ", "name='release', env={'J': 4}, ", 6, "env: J must be a string"),
        ("name='release', ", "name='release', tag=['x'], ", 6, 'did you mean "tags"?'),
        ("name='release', ", "name=5, ", 6, "builder name must be a string, not 5"),
        ("name='release', ", "", 6, "a builder needs a name"),
        ("workernames=['arm-1']", "workernames=['arm-7']", 6, 'did you mean "arm-1"?'),
        ("workernames=['arm-1']", "workernames=['x']", 6, 'unknown worker "x"'),
        ("workernames=['arm-1']", "workernames=1.5", 6, "must be a list of strings, not 1.5"),
        ("schedulers.ForceScheduler(", "schedulers.ForceScheduler(reason='x', ", 8, "reason must"),
        ("workernames=['arm-1']", "workernames=[['arm-1']]", 6, "must be a list of strings"),
        ("name='release', ", "name='release', builddir={}, ", 6, "builddir must be the name of"),
        ("name='release', ", "name='release', workerbuilddir=3, ", 6, "workerbuilddir must be"),
        ("workernames=", "workernams=", 6, 'did you mean "workernames"?'),
        ("LocalWorker('arm-1')", "LocalWorker('arm-1', locks=['x'])", 3, "not of 'x'"),
        ("LocalWorker('arm-1')", "LocalWorker('arm-1', max_build=1)", 3, '"max_builds"?'),
        ("LocalWorker('arm-1')", "LocalWorker('arm-1', missing_timeout='5')", 3, "of seconds"),
        ("LocalWorker('arm-1')", "LocalWorker(5)", 3, "worker name 5"),
        ("LocalWorker('arm-1')", "LocalWorker()", 3, 'LocalWorker needs the argument "name"'),
        ("[worker.LocalWorker('arm-1')]", "[3]", 3, "c['workers'] must be a list"),
        ("[worker.LocalWorker('arm-1')]", "3", 3, "c['workers'] must be a list"),
        ("[worker.LocalWorker('arm-1')]", "[]", 3, "no workers are configured"),
        ("[builder]", "[builder, builder]", 6, 'several builders are named "release"'),
        ("[builder]", "[]", 7, "no builders are configured"),
        ("[builder]", "3", 7, "c['builders'] must be a list"),
        ("[builder]", "[{'name': 'release', 'tag': 'x', 'workernames': ['arm-1'], 'factory': "
         "factory}]", 6, 'has no key "tag"'),
        ("['release']", "['relaese']", 8, 'unknown builder "relaese"; did you mean "release"?'),
        ("['release']", "'release'", 8, "builderNames must be a list"),
        ("name='force', ", "name='force', buttonNam='x', ", 8, 'did you mean "buttonName"?'),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(hour=25, ", 8, "hour=25: must be 0–23"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(minute=[0, 60], ", 8, "must be 0–59"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(force_at_hour=24, ", 8, "force_at_hour"),
        ("command=", "timeout=-5, command=", 4, "ShellCommand: timeout must be a number of sec"),
        ("command=", "decodeRC={0: 9}, command=", 4, "the result for exit code 0 must be a"),
        ("LocalWorker('arm-1')", "LocalWorker('arm-1', max_builds=-1)", 3, "max_builds must be"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(dayOfMonth=32, ", 8, "must be 1–31"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(hour=len, ", 8, "must be a number, a"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(month='x', ", 8, "must be 1–12"),
        ("schedulers.ForceScheduler(", "schedulers.Nightly(hours=2, ", 8, 'did you mean "hour"?'),
        ("schedulers.ForceScheduler(", "schedulers.Periodic(", 8, '"periodicBuildTimer"'),
        ("[force]", "[]", 9, 'builder "release" has no scheduler'),
        ("[force]", "3", 9, "c['schedulers'] must be a list"),
        ("'http://ci.example.com/'", "'http://[::1:8099/'", 10, "not a valid URL"),
        ("'http://ci.example.com/'", "'http://ci.example.com:99999/'", 10, "not a valid URL"),
        ("'http://ci.example.com/'", "4", 10, "c['buildbotURL'] must be a string"),
    ],
)  # fmt: skip
def test_one_mistake_gives_one_message_at_its_line(tmp_path, written, wrong, line, message):
    assert written in _GOOD

    [error] = _errors(tmp_path, _GOOD.replace(written, wrong, 1))

    assert message in error.message
    assert (error.file, error.line) == (str(tmp_path / "master.cfg"), line)


def test_what_is_not_wrong_is_read(tmp_path):
    assert _read(tmp_path, _GOOD).warnings == ()


@pytest.mark.parametrize("value", [
    "'x'", "['a', 'b']", "None", "util.Property('p')", "['a', util.Interpolate('%(prop:x)s')]",
])  # fmt: skip
def test_a_variable_may_be_rendered_joined_or_removed(tmp_path, value):
    assert not _read(
        tmp_path, _GOOD.replace("command=", f"env={{'J': {value}}}, command=", 1)
    ).warnings


def test_a_misspelled_worker_is_reported_once_however_many_builders_use_it(tmp_path):
    many = (
        "c['builders'] = [util.BuilderConfig(name=f'b{n}', workernames=['arm-2'], factory=factory)"
        " for n in range(300)]\n"
        "c['schedulers'] = [schedulers.AnyBranchScheduler(name='x', "
        "builderNames=[b.name for b in c['builders']])]\n"
    )

    [error] = _errors(tmp_path, _GOOD + many)

    assert (
        error.message
        == 'builder "b0" and 299 more use unknown worker "arm-2"; did you mean "arm-1"?'
    )


def test_independent_mistakes_are_reported_together(tmp_path):
    text = _GOOD.replace("comm", "com", 1).replace("'arm-1']", "'arm-3']", 1)

    found = _errors(tmp_path, text.replace("['release']", "['relaese']"))

    assert [error.line for error in sorted(found, key=lambda one: one.line)] == [4, 6, 8]


def test_an_old_style_step_causes_a_warning_where_it_is_written_however_often_it_is_used(tmp_path):
    step = (
        "class Old(steps.BuildStep):\n"
        "    def start(self):\n"
        "        d = self.runCommand(None)\n"
        "        d.addCallback(lambda _: self.step_status.setText(['done']))\n"
        "factory.addStep(Old())\n"
        "factory.addStep(Old())\n"
    )

    warnings = _read(tmp_path, _GOOD + step).warnings

    said = [(one.message.partition(";")[0], one.line - _GOOD.count("\n")) for one in warnings]
    assert said == [
        ("step Old defines start(), which is called as in Buildbot 0.8", 2),
        ("step_status is an old name", 4),
    ]


def test_a_step_with_start_and_run_is_read(tmp_path):
    step = (
        "class Both(steps.BuildStep):\n"
        "    def start(self):\n        pass\n"
        "    async def run(self):\n        return util.SUCCESS\n"
        "factory.addStep(Both())\n"
    )

    assert not _read(tmp_path, _GOOD + step).warnings


@pytest.mark.parametrize(
    ("written", "odd", "line", "message"),
    [
        ("LocalWorker('arm-1')", "LocalWorker('arm-1', 'pass')", 3, "not a password"),
        ("'http://ci.example.com/'", "'ci.example.com'", 10, "not an absolute URL"),
    ],
)
def test_what_buildbot_runs_as_it_is_written_is_only_warned_of(
    tmp_path, written, odd, line, message
):
    [warning] = _read(tmp_path, _GOOD.replace(written, odd, 1)).warnings

    assert message in warning.message
    assert warning.line == line


def test_users_own_exceptions_are_shown_as_they_are(tmp_path):
    text = _GOOD + "def own(a):\n    pass\nown(b=1)\n"

    [error] = _errors(tmp_path, text)

    assert re.search(r"TypeError: own\(\) got an unexpected keyword argument 'b'", error.message)


def test_a_module_that_python_no_longer_has_is_named_with_what_to_use():
    said = explanations.of_exception(ModuleNotFoundError(name="imp"), "/farm/master.cfg", "/farm/")

    assert said == (
        'module "imp" is no longer part of Python since 3.12: use importlib (importlib.reload for '
        "imp.reload)"
    )
