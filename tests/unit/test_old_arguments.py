"""Arguments of earlier versions of Buildbot are accepted, with one warning for each."""

from __future__ import annotations

from typing import Any

import pytest

from buildbot import plugins
from buildbot._border.errors import collecting
from buildbot._border.old_arguments import (
    IGNORED_SOURCE_ARGUMENTS,
    RENAMED_ARGUMENTS,
    SOURCE_MODES,
)
from buildbot.plugins import steps, util, worker
from buildbot.process import factory

RENAMED = [
    (kind, old, new) for kind, names in RENAMED_ARGUMENTS.items() for old, new in names.items()
]
NEEDED: dict[str, dict[str, Any]] = {
    "BuilderConfig": {"name": "b", "workernames": ["w"], "factory": util.BuildFactory()},
    "DirectoryUpload": {"workersrc": "a", "masterdest": "b"},
    "FileDownload": {"mastersrc": "a", "workerdest": "b"},
    "FileUpload": {"workersrc": "a", "masterdest": "b"},
    "GitPoller": {"repourl": "/srv/x.git"},
    "HgPoller": {"repourl": "/srv/x"},
    "JSONPropertiesDownload": {"workerdest": "b"},
    "JSONStringDownload": {"o": 1, "workerdest": "b"},
    "MultipleFileUpload": {"workersrcs": ["a"], "masterdest": "b"},
    "P4Source": {"p4base": "//depot"},
    "SVN": {"repourl": "svn://x"},
    "SVNPoller": {"repourl": "svn://x"},
    "ShellArg": {"command": "make", "logname": "stdio"},
    "StringDownload": {"s": "x", "workerdest": "b"},
    "WorkerLock": {"name": "l"},
}
VALUES = {
    "pollinterval": 300,
    "slavesrcs": ["a"],
    "slavenames": ["w"],
    "maxCountForSlave": {"w": 2},
}


def class_named(name: str) -> Any:
    spaces = (steps, util, plugins.changes)
    return next(found for space in spaces if (found := space.get(name)) is not None)


@pytest.mark.parametrize(("kind", "old", "new"), RENAMED)
def test_a_renamed_argument_is_accepted_with_one_warning(kind: str, old: str, new: str) -> None:
    arguments = {**NEEDED[kind], old: VALUES.get(old, "x")}
    arguments.pop(new, None)
    if old == "nextSlave":
        arguments[old] = lambda builder, workers: workers[0]

    with collecting() as collector:
        class_named(kind)(**arguments)

    assert collector.errors == []
    [warned] = [one for one in collector.warnings if old in one.message]
    assert new in warned.message


@pytest.mark.parametrize("mode", SOURCE_MODES)
@pytest.mark.parametrize("kind", ["Git", "SVN"])
def test_an_old_mode_of_a_source_step_is_that_of_today(kind: str, mode: str) -> None:
    if (kind, mode) == ("Git", "export"):
        return  # which never was one of Git's

    with collecting() as collector:
        step = class_named(kind)(repourl="/srv/x", mode=mode)

    assert collector.errors == []
    assert {name: getattr(step, name) for name in SOURCE_MODES[mode]} == SOURCE_MODES[mode]
    [warned] = collector.warnings
    for name, value in SOURCE_MODES[mode].items():
        assert f"{name}={value!r}" in warned.message


@pytest.mark.parametrize("name", IGNORED_SOURCE_ARGUMENTS)
def test_an_old_argument_of_source_steps_is_ignored_with_a_warning(name: str) -> None:
    with collecting() as collector:
        steps.Git(repourl="/srv/x", **{name: True})

    assert collector.errors == []
    [warned] = collector.warnings
    assert name in warned.message


def test_rights_of_old_are_accepted_and_said_to_give_none() -> None:
    with collecting() as collector:
        util.Authz(auth=None, forceBuild="auth")

    assert collector.errors == []
    assert len(collector.warnings) == 2
    assert all("it gives no rights" in one.message for one in collector.warnings)


def test_a_step_may_be_a_class_with_its_arguments() -> None:
    made = util.BuildFactory()
    with collecting() as collector:
        made.addStep(steps.ShellCommand, command="make")
        made.addStep(factory.s(steps.ShellCommand, command="make"))

    assert collector.errors == []
    first, second = made.steps
    assert first == second
    assert len(collector.warnings) == 3


def test_what_is_wrong_with_the_arguments_of_such_a_class_is_said() -> None:
    with collecting() as collector:
        util.BuildFactory().addStep(steps.ShellCommand(command="a"), command="make")

    assert [one.message for one in collector.errors] == [
        "addStep() takes a step, and no argument 'command'"
    ]


def test_a_worker_has_the_name_under_which_buildbot_0_8_knew_it() -> None:
    with collecting() as found:
        known = worker.LocalWorker("arm-7").slavename

    assert known == "arm-7"
    assert "use workername" in found.warnings[0].message
