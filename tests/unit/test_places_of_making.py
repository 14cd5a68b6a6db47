"""Which line of a configuration made an object, found out cheaply."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from buildbot._border import origin
from buildbot._border.errors import collecting
from buildbot._border.making import note_making
from buildbot._border.origin import Origin, Places
from buildbot._border.per_class import per_class
from buildbot.config.builder import BuilderConfig
from buildbot.process.build_factory import BuildFactory
from buildbot.steps.shell import ShellCommand

MOST_CALLS = 80
"""For a builder with two steps."""
_FILE = "/farm/master.cfg"


def _made(source: str, file: str = _FILE, directory: str = "/farm/") -> dict[str, Any]:
    names: dict[str, Any] = {
        "BuilderConfig": BuilderConfig,
        "BuildFactory": BuildFactory,
        "ShellCommand": ShellCommand,
    }
    with collecting(directory) as collector:
        FunctionType(compile(source, file, "exec"), names)()
    assert not collector.errors
    return names


def _place(thing: Any) -> str:
    """Return the file and line that errors of the object name; nothing where it is not known."""
    error = ValueError()
    note_making(error, thing)
    return "".join(getattr(error, "__notes__", [])).rpartition(" ")[2].rstrip(")")


_MANY = """\
def factory():
    return BuildFactory([
        ShellCommand(command='true'),
        ShellCommand(command='false')])

many = [
    BuilderConfig(name=f'b{number}', workernames=['local'], factory=factory())
    for number in range(20)]
"""


def test_a_line_that_makes_many_objects_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Origin] = []

    def noted(file: str, line: int) -> Origin:
        looked_up.append(Origin(file, line))
        return looked_up[-1]

    monkeypatch.setattr(origin, "Origin", noted)

    builders = _made(_MANY)["many"]

    assert {_place(builder) for builder in builders} == {f"{_FILE}:7"}
    steps = [_place(step) for builder in builders for step in builder.factory.steps]
    assert steps == [f"{_FILE}:3", f"{_FILE}:4"] * 20
    assert sorted(one.line for one in looked_up) == [3, 4, 7]


def test_few_frames_are_looked_at_for_each_object() -> None:
    calls = 0

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call" and "/buildbot/" in frame.f_code.co_filename

    sys.setprofile(count)
    try:
        _made(_MANY)
    finally:
        sys.setprofile(None)

    assert calls < 20 * MOST_CALLS


def test_constructors_of_what_is_made_are_passed_over() -> None:
    made = _made(
        """\
class Mine(BuilderConfig):
    def __init__(self, name):
        super().__init__(name=name, workernames=['local'], factory=BuildFactory())

class Several:
    def __init__(self):
        self.one = Mine('a')

one = Mine('b')
several = Several()
"""
    )

    assert _place(made["one"]) == f"{_FILE}:9"
    assert _place(made["several"].one) == f"{_FILE}:7"


@pytest.mark.parametrize("file", ["/shared/builders.py", _FILE])
def test_a_file_elsewhere_counts_where_none_of_the_directory_is(file: str) -> None:
    made = _made("factory = BuildFactory([ShellCommand(command='true')])", file)

    assert _place(made["factory"].steps[0]) == f"{file}:1"


def test_our_files_and_libraries_are_passed_over_although_they_are_in_the_directory() -> None:
    prefix = str(Path(sys.prefix).resolve().parent)

    made = _made(
        "factory = BuildFactory([ShellCommand(command='true')])",
        f"{prefix}/master.cfg",
        f"{prefix}/",
    )

    assert _place(made["factory"].steps[0]) == f"{prefix}/master.cfg:1"
    with collecting(f"{prefix}/") as collector:
        code = compile("\n\nShellCommand()", f"{prefix}/master.cfg", "exec")
        FunctionType(code, {"ShellCommand": ShellCommand})()
    assert [(one.file, one.line) for one in collector.errors] == [(f"{prefix}/master.cfg", 3)]


def test_nothing_is_looked_up_when_no_configuration_is_read() -> None:
    assert _place(ShellCommand(command="true").get_step_factory()) == ""


def test_places_outside_of_users_files_are_none() -> None:
    assert Places("/farm/").of(None) is None


def test_what_is_found_out_of_a_class_is_forgotten_with_it() -> None:
    asked = []

    @per_class
    def name_of(kind: type) -> str:
        asked.append(kind.__name__)
        return kind.__name__

    for _ in range(3):
        kind = type("Kind", (), {})
        assert [name_of(kind), name_of(kind)] == ["Kind", "Kind"]
        del kind
        gc.collect()

    assert asked == ["Kind"] * 3
