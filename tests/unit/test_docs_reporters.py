"""The reference of reporters has every argument, with its default."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from buildbot.plugins import reporters
from buildbot.reporters.message import MessageFormatterBase

_PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "reporters.md").read_text()
_CHOICE = {"tags", "builders", "schedulers", "branches"}


def _defaults(function: Any) -> dict[str, str]:
    return {
        name: "required" if parameter.default is parameter.empty else repr(parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "old", "kwargs", "options")
    }


def _table(reporter: str) -> dict[str, str]:
    """Return the arguments of a reporter's table, with their defaults."""
    heading = re.search(rf"^### .*`reporters\.{reporter}`.*$", _PAGE, re.MULTILINE)
    assert heading is not None
    section = _PAGE[heading.end() :].partition("\n##")[0]
    found = {}
    for names, defaults in re.findall(r"^\| (`[^|]+) \| (`[^|]+) \|", section, re.MULTILINE):
        values = re.findall(r"`([^`]+)`", defaults)
        for index, name in enumerate(re.findall(r"`([^`]+)`", names)):
            found[name] = values[min(index, len(values) - 1)]
    return found


@pytest.mark.parametrize(
    "name",
    ["MailNotifier", "HttpStatusPush", "GitHubStatusPush", "GitHubCommentPush", "GitLabStatusPush"],
)
def test_a_reporter_s_arguments_are_in_its_table(name: str) -> None:
    assert _table(name) == _defaults(getattr(reporters, name).checkConfig)


@pytest.mark.parametrize("name", [name for name in dir(reporters) if name.endswith("Generator")])
def test_a_generator_s_arguments_are_in_the_table(name: str) -> None:
    row = re.search(rf"^\| `reporters\.{name}` \|.*\|(.*)\|$", _PAGE, re.MULTILINE)
    assert row is not None
    told = set(re.findall(r"`([^`]+)`", row[1]))

    has_choice = name not in ("BuildSetCombinedStatusGenerator", "WorkerMissingGenerator")
    assert told | (_CHOICE if has_choice else set()) == set(
        _defaults(getattr(reporters, name).__init__)
    )


@pytest.mark.parametrize(
    "name", [name for name in dir(reporters) if name.startswith("MessageFormatter")]
)
def test_a_formatter_is_in_the_table(name: str) -> None:
    assert name == "MessageFormatterBase" or f"| `reporters.{name}` |" in _PAGE


def test_the_common_arguments_of_formatters_are_there() -> None:
    for argument in _defaults(MessageFormatterBase.__init__):
        assert argument.startswith(("wantP", "wantS", "wantL")) or f"`{argument}`" in _PAGE
