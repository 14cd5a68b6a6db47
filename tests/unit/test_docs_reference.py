"""The pages of the reference are those that the code makes, and every argument has its meaning."""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from buildbot._border.errors import collecting
from buildbot.plugins import util
from buildbot.process.old_build import OldBuildNames
from buildbot.process.old_logs import _Remembered
from buildbot.process.old_steps import OldStyleStep
from chargehand.plugins.root import activate
from chargehand_wire import messages

_REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def _loaded(name: str) -> ModuleType:
    activate()
    spec = importlib.util.spec_from_file_location(name, _REFERENCE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(_REFERENCE))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(_REFERENCE))
    return module


_pages = _loaded("pages")
_arguments = _loaded("arguments")
_CLASSES = [
    (namespace, name, kind)
    for namespace in _pages.NAMESPACES
    for name, kind in _pages.public(namespace).items()
    if isinstance(kind, type)
]


def test_the_pages_are_those_that_the_code_makes():
    found = _pages.pages()

    committed = {_REFERENCE / "api.md", *(_REFERENCE / "api").rglob("*.md")}
    assert found.keys() == committed, "run: PYTHONPATH=src python docs/reference/pages.py"
    for path, text in found.items():
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is out of date; run: PYTHONPATH=src python docs/reference/pages.py"
        )


def test_every_argument_has_its_meaning():
    missing = {
        f"{namespace}.{name}": sorted(arguments)
        for namespace, name, kind in _CLASSES
        if (arguments := _pages.accepted(kind) - _pages.described(kind).keys())
    }
    assert missing == {}, 'describe them under "Args:" in the docstring of the class'


def test_docstrings_of_steps_say_which_arguments_are_renderable():
    wrong = {}
    for namespace, name, kind in _CLASSES:
        if namespace == "steps":
            renderable = {
                attribute
                for base in kind.__mro__
                for attribute in base.__dict__.get("renderables") or ()
            }
            renderable |= {"name"} | {
                attribute.replace("worker", "slave")
                for attribute in renderable
                if attribute in ("workersrc", "workersrcs", "workerdest")
            }
            said = {n for n, (_, one) in _pages.described(kind).items() if one.is_renderable}
            taken = renderable & _pages.described(kind).keys()
            if said != taken:
                wrong[f"{namespace}.{name}"] = said ^ taken
    assert wrong == {}


def test_a_docstring_that_does_not_keep_the_convention_is_refused():
    docstring = """Sentence.

    Args:
        one (int, seconds, renderable): First
            and long.
        two (dict[str, int] | None, default 3, required): Second.
    """
    one, two = _arguments.arguments(docstring).values()
    assert (one.type, one.unit, one.is_renderable, one.meaning) == (
        *("int", "seconds", True),
        "First and long.",
    )
    assert (two.type, two.default, two.is_required) == ("dict[str, int] | None", "3", True)
    assert _arguments.introduction(docstring) == "Sentence."

    for line in ("one: no type", "one (int, minutes): an unknown unit", "one (int):"):
        with pytest.raises(_arguments.BadDocstring):
            _arguments.arguments(f"S.\n\nArgs:\n    {line}\n")


def test_the_glossary_has_the_old_keys_arguments_and_methods():
    glossary = _loaded("old_names")

    assert glossary.PAGE.read_text(encoding="utf-8") == glossary.page(), (
        "run: PYTHONPATH=src python docs/reference/old_names.py"
    )


def test_the_glossary_has_every_old_method():
    methods = _loaded("old_methods")

    for table, kinds in (
        (methods.OF_BUILDS, [OldBuildNames]),
        (methods.OF_STEPS, [OldStyleStep]),
        (methods.OF_LOGS, [_Remembered]),
    ):
        old = {
            name
            for kind in kinds
            for name, member in vars(kind).items()
            if not name.startswith("_") and (callable(member) or isinstance(member, property))
        }
        assert old - {"getWorkerName"} == set(table)


_NEEDED: dict[str, Any] = {
    "authenticator": None,
    "baseURL": "https://example.org/",
    "builderNames": ["b"],
    "codebase": "c",
    "command": "true",
    "dest": "b",
    "fields": [],
    "fromaddr": "ci@example.org",
    "masterdest": "b",
    "mastersrc": "a",
    "name": "n",
    "o": {},
    "password": "p",
    "jobdir": "jobs",
    "periodicBuildTimer": 1,
    "repourl": "https://example.org/x.git",
    "s": "x",
    "src": "a",
    "tests": "x",
    "url": "http://example.org/",
    "workerdest": "b",
    "workersrc": "a",
    "workersrcs": "a",
}
"""Arguments without which some class cannot be made."""
_NEEDED_BY: dict[str, dict[str, Any]] = {
    "AnyBranchScheduler": {"branches": None},
    "Dependent": {"upstream": None},
    "GitHubAuth": {"clientId": "i", "clientSecret": "s"},
    "EC2LatentWorker": {"instance_type": "t4g.small", "ami": "ami-1"},
    "HTTPStep": {"method": "GET"},
    "KubeLatentWorker": {"kube_config": util.KubeCtlProxyConfigLoader()},
    "LibVirtWorker": {"hd_image": "d"},
    "MarathonLatentWorker": {"marathon_url": "http://m", "image": "i"},
    "OpenStackLatentWorker": {"flavor": "f", "image": "i", "os_auth_url": "http://k"},
    "SingleBranchScheduler": {"branch": "main"},
    "UpcloudLatentWorker": {"api_username": "u", "api_password": "p", "image": "i"},
}
_MADE_BY_STEPS = {"RemoteCommand"}
_NO_LIMITS = {
    "usePTY": "a flag, which is ignored",
    "updateBuildSummaryPolicy": "a list of results",
    "hour": "also a text; the scheduler's is checked, and the janitor makes one",
    "dayOfWeek": "days go on after Sunday, as they always did",
    "force_at_day_of_week": "the same",
}
_HOOK = "Callable[[int, str, str]"
_NEGATIVE_HAS_A_MEANING = {"build_wait_timeout", "priority"}
_OLD_NAME = {"pollinterval": "pollInterval", "maxCountForSlave": "maxCountForWorker"}


def _numbers() -> Iterator[tuple[str, type, str, dict[str, Any]]]:
    """Yield the arguments that are numbers, each with what its class needs besides."""
    for _, class_name, kind in _CLASSES:
        described = _pages.described(kind)
        needed = {name: value for name, value in _NEEDED.items() if name in described}
        for name, (_, argument) in described.items():
            is_number = re.search(r"\b(int|float|timedelta)\b", argument.type.removeprefix(_HOOK))
            is_made = kind.__init__ is not object.__init__ and class_name not in _MADE_BY_STEPS
            if is_number and is_made and name not in _NO_LIMITS:
                yield class_name, kind, name, {**needed, **_NEEDED_BY.get(class_name, {})}


def _messages(kind: type, arguments: dict[str, Any]) -> list[str]:
    with collecting() as found:
        kind(**arguments)
    return [error.message for error in found.causes()]


@pytest.mark.parametrize("wrong", [-7, math.nan, 10**40])
def test_every_number_out_of_its_range_is_one_error_that_names_the_argument(wrong):
    accepted = []
    for class_name, kind, name, needed in _numbers():
        if wrong == -7 and name in _NEGATIVE_HAS_A_MEANING:
            continue
        written = _OLD_NAME.get(name, name)
        found = [text for text in _messages(kind, {**needed, name: wrong}) if written in text]
        if len(found) != 1:
            accepted.append((class_name, name, found))
    assert accepted == []


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("steps.ShellCommand", {"timeout": 0, "maxTime": None, "max_lines": 0, "sigtermTime": 0.5}),
        ("steps.ShellCommand", {"timeout": False, "maxTime": math.inf, "max_lines": None}),
        ("steps.ShellCommand", {"timeout": util.Property("t"), "max_lines": util.Property("n")}),
        ("steps.FileUpload", {"maxsize": 0, "mode": 0o7777}),
        ("steps.Git", {"shallow": True, "retry": (0, 0)}),
        ("steps.Git", {"shallow": 3, "retry": None, "timeout": None}),
        ("steps.Compile", {"maxWarnCount": 0}),
        ("steps.GET", {"timeout": (0.5, 3)}),
        ("worker.LocalWorker", {"max_builds": 0, "missing_timeout": None}),
        ("worker.LocalWorker", {"keepalive_interval": None, "missing_timeout": 0}),
        ("worker.LocalLatentWorker", {"build_wait_timeout": -1}),
        ("util.MasterLock", {"maxCount": 0}),
        ("util.WorkerLock", {"maxCountForWorker": {"arm-1": 0}}),
        ("schedulers.AnyBranchScheduler", {"treeStableTimer": 0}),
        ("schedulers.AnyBranchScheduler", {"treeStableTimer": None, "priority": -5}),
        ("schedulers.Periodic", {"periodicBuildTimer": 0.1}),
        ("changes.GitPoller", {"pollInterval": 0}),
        ("util.StringParameter", {"size": "80", "maxsize": 0}),
    ],
)
def test_numbers_with_a_meaning_are_taken(kind, arguments):
    namespace, _, name = kind.partition(".")
    [found] = [one for where, of, one in _CLASSES if (where, of) == (namespace, name)]
    needed = {key: value for key, value in _NEEDED.items() if key in _pages.described(found)}

    assert _messages(found, {**needed, **_NEEDED_BY.get(name, {}), **arguments}) == []


def test_every_message_of_the_worker_protocol_is_in_its_reference():
    text = (_REFERENCE / "worker-protocol.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| \w+ \| (.*) \|$", text, re.MULTILINE)

    documented = {
        (int(number), name, tuple(re.findall(r"`(\w+)`", fields))) for number, name, fields in rows
    }
    assert documented == {
        (int(kind.__struct_config__.tag), kind.__name__, kind.__struct_fields__)
        for kind in {*get_args(messages.FromWorker), *get_args(messages.FromMaster)}
    }
    assert f"Version {messages.PROTOCOL_VERSION}." in text
