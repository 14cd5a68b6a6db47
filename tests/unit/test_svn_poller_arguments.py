"""SVNPoller as configurations write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from buildbot._border.errors import ConfigErrors, collecting
from buildbot.changes.svnpoller import SVNPoller, split_file_alwaystrunk, split_file_branches
from buildbot.process.properties import Interpolate
from chargehand.intake.svn_poller import Settings


def test_it_becomes_settings_of_the_engine(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("41\n")
    component = SVNPoller(
        "svn://h/r/",
        split_file_branches,
        "me",
        "pass",
        7,
        12,
        "/bin/svn",
        "http://x/%s",
        "cat",
        "prj",
        str(tmp_path / "cache"),
        extra_args=["--config-dir=/x"],
    )._as_component()

    settings = component.settings
    assert component.name == "svn://h/r/"
    assert isinstance(settings, Settings)
    assert settings.url == "svn://h/r"
    assert (settings.schedule.interval, settings.page, settings.binary) == (7, 12, "/bin/svn")
    assert (settings.revlink_template, settings.category) == ("http://x/%s", "cat")
    assert (settings.project, settings.recalled) == ("prj", 41)
    assert settings.more_arguments == ("--config-dir=/x",)


def test_old_names_of_arguments_are_taken_with_a_warning() -> None:
    with collecting() as collector:
        poller = SVNPoller(svnurl="svn://h/r", pollinterval=30)

    assert poller._engine_settings().url == "svn://h/r"
    assert poller.pollInterval == 30
    assert "'svnurl' is now called 'repourl'" in str(collector.warnings)


async def test_each_form_of_an_answer_is_understood() -> None:
    answers: list[Any] = [("b", "f"), {"path": "f", "project": "p"}, None]
    poller = SVNPoller("svn://h/r", split_file=lambda path: answers.pop(0))

    assert await poller._split("x") == {"branch": "b", "path": "f"}
    assert await poller._split("x") == {"path": "f", "project": "p"}
    assert await poller._split("x") is None


async def test_a_subclass_may_take_paths_apart_itself() -> None:
    class Own(SVNPoller):
        async def _transform_path(self, path: str) -> Any:
            return {"path": path.upper()}

    assert await Own("svn://h/r")._split("a") == {"path": "A"}


def test_a_subclass_may_poll_itself() -> None:
    class Own(SVNPoller):
        def poll(self) -> Any:
            return None

    assert not isinstance(Own("svn://h/r")._as_component().settings, Settings)


async def test_secrets_are_rendered_for_each_poll() -> None:
    login = await SVNPoller("svn://h/r", svnuser="me", svnpasswd=Interpolate("a%%b"))._login()

    assert (login.user, login.password) == ("me", "a%b")


def test_without_a_function_every_file_is_one_of_the_trunk() -> None:
    assert SVNPoller("svn://h/r").split_file is split_file_alwaystrunk


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"repourl": "--config-dir=x"}, "starts like an option"),
        ({"repourl": 7}, "repourl must be a string"),
        ({"split_file": "trunk"}, "split_file must be a function"),
        ({"histmax": 0}, "histmax must be a whole number, 1 or more"),
        ({"extra_args": "--x"}, "extra_args must be a list of strings"),
        ({"pollInterval": "soon"}, "pollInterval must be a number of seconds"),
        ({"splitfile": "x"}, 'has no argument "splitfile"; did you mean "split_file"'),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with collecting() as collector, pytest.raises(ConfigErrors, match=sentence):
        SVNPoller(**{"repourl": "url", **arguments})
        collector.raise_if_any()
