"""Arguments of what a configuration is made of: unknown and missing ones are all found at once."""

from __future__ import annotations

from textwrap import dedent

import pytest

from buildbot._border.errors import collecting
from buildbot._host.reading.configuration import Reader
from buildbot._host.reading.document import Document
from buildbot._host.views.engine_access import EngineAccess
from buildbot.plugins import changes, reporters, schedulers, secrets, steps, util, worker
from buildbot.util.service import BuildbotService
from chargehand.config.errors import ConfigErrors
from chargehand.kit.guard import Guard

_NOT_CONFIGURED = (
    *("Change", "CommandMixin", "CompositeStepMixin", "EqConnectionPool", "LogLineObserver"),
    *("Match", "RemoteCommand", "ShellMixin", "ValidationError", "ValidationErrorCollector"),
)
"""What users' code gets, inherits or makes while builds run."""

_BEGINNING = """
from buildbot.plugins import changes, schedulers, steps, util, worker
c = BuildmasterConfig = {"workers": [worker.LocalWorker("w")]}
f = util.BuildFactory([steps.ShellCommand(command="true")])
c["builders"] = [util.BuilderConfig("b", factory=f, workername="w")]
c["schedulers"] = [schedulers.ForceScheduler("force", builderNames=["b"])]
"""


@pytest.fixture
def read(tmp_path):
    def errors_of(text):
        file = tmp_path / "master.cfg"
        file.write_text(_BEGINNING + dedent(text))
        with pytest.raises(ConfigErrors) as raised:
            Reader(Document(file, tmp_path), EngineAccess()).read()
        return [error.message for error in raised.value.errors]

    return errors_of


class OwnService(BuildbotService):
    """A service of a user's that hands on what it does not know."""

    def checkConfig(self, size=1, **kwargs):
        super().checkConfig(**kwargs)
        self.checked = size


class OwnWorker(worker.LocalWorker):
    def checkConfig(self, name, shape="round", **kwargs):
        super().checkConfig(name, **kwargs)


class OwnFilter(util.ChangeFilter):
    def __init__(self, team, **kwargs):
        super().__init__(**kwargs)


class OwnBuilder(util.BuilderConfig):
    """A builder of a user's that hands on what it does not know."""

    def __init__(self, name, team=None, **kwargs):
        self.team = team
        super().__init__(name, factory=util.BuildFactory(), workername="w", **kwargs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: worker.Worker("w", "p", max_build=1),
            'Worker has no argument "max_build"; did you mean "max_builds"?',
        ),
        (
            lambda: worker.LocalWorker("w", max_build=1),
            'LocalWorker has no argument "max_build"; did you mean "max_builds"?',
        ),
        (lambda: OwnWorker("w", nosuch=1), 'OwnWorker has no argument "nosuch"'),
        (
            lambda: util.ChangeFilter(brnch="x"),
            'ChangeFilter has no argument "brnch"; did you mean "branch"?',
        ),
        (lambda: OwnFilter("red", nosuch=1), 'OwnFilter has no argument "nosuch"'),
        (
            lambda: util.SourceStampFilter(projct_eq="x"),
            'SourceStampFilter has no argument "projct_eq"; did you mean "project_eq"?',
        ),
        (
            lambda: schedulers.Triggerable("t", ["b"], nosuch=1),
            'Triggerable has no argument "nosuch"',
        ),
        (
            lambda: util.BuilderConfig("b", factory=util.BuildFactory(), workername="w", lcoks=[]),
            'BuilderConfig has no argument "lcoks"; did you mean "locks"?',
        ),
        (
            lambda: OwnBuilder("b", team="red", lcoks=[]),
            'OwnBuilder has no argument "lcoks"; did you mean "locks"?',
        ),
        (
            lambda: util.BuildFactory(stpes=[]),
            'BuildFactory has no argument "stpes"; did you mean "steps"?',
        ),
        (
            lambda: changes.PBChangeSource(prot=1),
            'PBChangeSource has no argument "prot"; did you mean "port"?',
        ),
        (
            lambda: util.MasterLock("m", maxCuont=1),
            'MasterLock has no argument "maxCuont"; did you mean "maxCount"?',
        ),
        (
            lambda: util.Project("p", slg="x"),
            'Project has no argument "slg"; did you mean "slug"?',
        ),
        (
            lambda: reporters.BuildStatusGenerator(mod="x"),
            'BuildStatusGenerator has no argument "mod"; did you mean "mode"?',
        ),
        (
            lambda: reporters.MessageFormatter(templat="x"),
            'MessageFormatter has no argument "templat"; did you mean "template"?',
        ),
        (
            lambda: util.OldBuildCanceller("c", filters=[], nosuch=1),
            'OldBuildCanceller has no argument "nosuch"',
        ),
    ],
)
def test_an_unknown_argument_is_an_error_of_the_configuration_that_does_not_end_its_reading(
    make, message
):
    with collecting() as found:
        made = make()

    assert made is not None
    assert [error.message for error in found.errors] == [message]


def test_all_unknown_arguments_and_the_known_wrong_ones_are_told_together(tmp_path):
    missing = tmp_path / "missing"

    with collecting() as found:
        secrets.SecretInAFile(dirname=str(missing), strp=True, nosuch="x")

    assert {error.message for error in found.errors} >= {
        'SecretInAFile has no argument "strp"; did you mean "strip"?',
        'SecretInAFile has no argument "nosuch"',
        f"directory {missing} does not exist",
    }


def test_known_arguments_are_kept_and_reach_the_service():
    with collecting() as found:
        service = OwnService(name="s", size=3)

    assert not found.errors
    assert service.checked == 3
    assert service.getConfigDict()["kwargs"] == {"size": 3}


def test_outside_of_a_configuration_python_says_which_argument_is_unknown():
    with pytest.raises(TypeError, match="max_build"):
        worker.Worker("w", "p", max_build=1)
    with pytest.raises(TypeError, match="brnch"):
        util.ChangeFilter(brnch="x")
    with pytest.raises(TypeError, match="lcoks"):
        util.BuilderConfig("b", factory=util.BuildFactory(), workername="w", lcoks=[])


def test_a_type_error_of_the_users_own_code_is_not_taken_for_an_unknown_argument():
    class Broken(BuildbotService):
        def checkConfig(self, **kwargs):
            dict(1)

    with collecting() as found, pytest.raises(TypeError, match="not iterable"):
        Broken(name="s", size=1)

    assert not found.errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: worker.Worker("w"), 'Worker needs the argument "password"'),
        (lambda: schedulers.Triggerable("t"), 'Triggerable needs the argument "builderNames"'),
        (lambda: changes.GitPoller(), 'GitPoller needs the argument "repourl"'),
        (lambda: changes.SVNPoller(), 'SVNPoller needs the argument "repourl"'),
        (lambda: steps.HTTPStep(), 'HTTPStep needs the arguments "url" and "method"'),
        (lambda: steps.FileUpload("a"), 'FileUpload needs the argument "masterdest"'),
        (lambda: util.Interpolate(), 'Interpolate needs the argument "fmtstring"'),
        (lambda: util.MasterLock(), 'MasterLock needs the argument "name"'),
        (lambda: util.StringParameter(), 'StringParameter needs the argument "name"'),
        (
            lambda: worker.LocalWorker("w", name="v"),
            'LocalWorker got argument "name" twice, by position and by name',
        ),
        (
            lambda: util.MasterLock("m", 1, 2),
            "MasterLock takes at most 2 positional arguments, not 3",
        ),
    ],
)
def test_a_missing_argument_is_an_error_of_the_configuration_that_does_not_end_its_reading(
    make, message
):
    with collecting() as found:
        made = make()

    assert made is not None
    assert [error.message for error in found.causes()] == [message]


def test_nothing_that_is_offered_ends_the_reading_for_its_arguments():
    stopped = {}
    for space in (changes, reporters, schedulers, secrets, steps, util, worker):
        for name in dir(space):
            kind = getattr(space, name)
            if isinstance(kind, type) and name not in _NOT_CONFIGURED:
                for given in ({}, {"nosuchargument": 1}):
                    with collecting(), Guard(lambda _: None) as reading:
                        kind(**given)
                    if isinstance(reading.failure, TypeError):
                        stopped[f"{space.__name__}.{name}"] = reading.failure

    assert stopped == {}


def test_what_a_file_does_with_something_that_could_not_be_made_is_no_further_error(read):
    errors = read(
        """
        lock = util.MasterLock()
        c["schedulers"] = [schedulers.Triggerable(builderNames=["b"])]
        c["schedulers"][0].codebases.update(lock.access("counting").lockid)
        """
    )

    assert errors == [
        'MasterLock needs the argument "name"',
        'Triggerable needs the argument "name"',
    ]


def test_a_file_that_is_prepared_for_older_releases_goes_without_an_argument(read):
    errors = read(
        """
        try:
            builder = util.BuilderConfig("b", factory=f, workername="w", new_argument=1)
        except TypeError:
            builder = util.BuilderConfig("b", factory=f, workername="w")
        try:
            lock = util.MasterLock("m", new_argument=1)
        except (ValueError, TypeError):
            lock = util.MasterLock("m")
        try:
            other = util.MasterLock("o", wrong=1)
        except ValueError:
            pass
        """
    )

    assert errors == ['MasterLock has no argument "wrong"']


def test_all_unknown_keys_of_a_builder_s_dictionary_are_told_at_once(read):
    errors = read(
        """
        c["builders"] = [{"name": "d", "workername": "w", "factory": f, "lcoks": [], "tga": []}]
        """
    )

    assert errors == [
        'builder "d" has no key "lcoks"; did you mean "locks"?',
        'builder "d" has no key "tga"; did you mean "tags"?',
    ]
