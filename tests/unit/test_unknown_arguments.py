"""Unknown arguments of what a configuration is made of: all of them are found at once."""

from __future__ import annotations

import pytest

from buildbot._border.errors import collecting
from buildbot.plugins import reporters, schedulers, secrets, util, worker
from buildbot.util.service import BuildbotService


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
