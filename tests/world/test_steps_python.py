"""Steps for Python projects: what they run, and what they make of the output."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from written import started

from buildbot.plugins import steps
from chargehand.domain.result import Result

_CONFIGURATION = """
add('trial', steps.Trial(python=['python3', '-W', 'error'], tests='pkg', recurse=True, jobs=2,
                         testpath='src', env={'PYTHONPATH': 'lib'}))
add('changes', steps.Trial(testChanges=True, randomly=True, reactor='asyncio'))
add('pyflakes', steps.PyFlakes())
add('pylint', steps.PyLint(command=['pylint', 'pkg']))
add('sphinx', steps.Sphinx('docs', sphinx_builddir='_build', sphinx_builder='html',
    tags=['a', 'b'], defines={'x': True, 'y': 'z'}, mode='full', strict_warnings=True))
add('epydoc', steps.BuildEPYDoc())
add('hlint', steps.HLint())
add('removes', steps.RemovePYCs())
"""

_TESTS = """\
pkg.test.One.test_a ... [OK]
pkg.test.One.test_b ... [FAIL]
pkg.test.One.test_c ... [OK]

===============================================================================
[FAIL]
Traceback (most recent call last): ...
pkg.test.One.test_b
-------------------------------------------------------------------------------
Ran 3 tests in 0.1s

FAILED (failures=1, successes=2)
"""

_FLAKES = """\
pyflakes pkg
pkg/a.py:1:1: 'os' imported but unused
pkg/a.py:2:1: undefined name 'x'
pkg/b.py:3: something else
"""

_LINT = """\
pkg/a.py:1:0: C0111: Missing docstring (missing-docstring)
W:  2, 0: Unused import os (unused-import)
Your code has been rated
"""

Case = tuple[str, dict[str, Any], Result, str, dict[str, Any]]

_CASES: list[Case] = [
    (
        "trial",
        {"rc": 1, "output": _TESTS},
        Result.FAILURE,
        "3 tests 1 failure (failure)",
        {},
    ),
    (
        "changes",
        {"output": "a.b ... [OK]\nRan 1 tests in 1s\n\nPASSED (successes=1)\n"},
        Result.SUCCESS,
        "1 test passed",
        {},
    ),
    ("changes", {"output": "Ran 0 tests in 0s\n"}, Result.SUCCESS, "no tests run", {}),
    ("changes", {"output": "hello\n"}, Result.FAILURE, "testlog unparseable (failure)", {}),
    ("changes", {"rc": 1}, Result.FAILURE, "tests failed (failure)", {}),
    (
        "pyflakes",
        {"rc": 1, "output": _FLAKES},
        Result.FAILURE,
        "pyflakes unused=1 undefined=1 misc=1 (failure)",
        {"pyflakes-unused": 1, "pyflakes-total": 3, "pyflakes-redefs": 0},
    ),
    (
        "pyflakes",
        {"rc": 1, "output": "checking\n\na.py:1:3: invalid syntax\nfoo(\n   ^\n"},
        Result.FAILURE,
        "pyflakes misc=3 (failure)",
        {"pyflakes-misc": 3},
    ),
    (
        "pyflakes",
        {"rc": 1, "output": "a.py:1: 'x' imported but unused\nand so on\n"},
        Result.WARNINGS,
        "pyflakes unused=1 misc=1 (warnings)",
        {},
    ),
    ("pyflakes", {"rc": 1, "output": "checking a\n"}, Result.SUCCESS, "pyflakes", {}),
    (
        "pyflakes",
        {"rc": 2, "output": "a.py:1: 'x' imported but unused\n"},
        Result.FAILURE,
        "pyflakes unused=1 (failure)",
        {},
    ),
    (
        "pylint",
        {"rc": 20, "output": _LINT},
        Result.WARNINGS,
        "pylint convention=1 warning=1 (warnings)",
        {"pylint-convention": 1, "pylint-warning": 1, "pylint-total": 2},
    ),
    (
        "sphinx",
        {"errors": "a.rst:1: WARNING: odd\nbuild succeeded\n"},
        Result.WARNINGS,
        "sphinx 1 warnings (warnings)",
        {},
    ),
    (
        "epydoc",
        {"output": "Warning: one\nError: two\n"},
        Result.WARNINGS,
        "epydoc warnings=1 errors=1 (warnings)",
        {"epydoc-total": 2},
    ),
    ("hlint", {}, Result.SKIPPED, "hlint (skipped)", {}),
    ("removes", {}, Result.SUCCESS, "remove .pycs", {}),
]

_COMMANDS = {
    "trial": "python3 -W error trial --reporter=bwverbose --recurse --jobs=2 pkg",
    "changes": "trial --reporter=bwverbose --reactor=asyncio --random=0",
    "pyflakes": "make pyflakes",
    "pylint": "pylint pkg",
    "sphinx": "sphinx-build -b html -t a -t b -D x=1 -D y=z -E -W docs _build",
    "epydoc": "make epydocs",
    "removes": "find . -name *.pyc -exec rm {} ;",
}


async def test_steps_for_python_run_their_programs_and_count_what_these_say() -> None:
    async with started(_CONFIGURATION) as ci:
        worker = ci.worker("local")
        for name, outcome, result, state, properties in _CASES:
            worker.on(_COMMANDS.get(name, "nothing"), **outcome)
            build = await ci.build(name)

            (step,) = ci.steps(build)
            assert (name, step.result, step.state) == (name, result, state)
            found = await ci.properties(build)
            assert {key: found[key][0] for key in properties} == properties
            if name in _COMMANDS:
                assert worker.commands[-1] == _COMMANDS[name]


async def test_messages_of_pylint_that_name_a_place_are_test_results() -> None:
    configuration = """
add('kept', steps.PyLint(command=['pylint', 'pkg']))
add('not kept', steps.PyLint(command=['pylint', 'pkg'], store_results=False))
"""
    parseable = "pkg/c.py:12: [R0903(too-few), Foo] Too few public methods"
    async with started(configuration) as ci:
        ci.worker("local").on("pylint pkg", output=f"{_LINT}{parseable}\n")
        build = await ci.build("kept")
        other = await ci.build("not kept")

        (kept,) = await ci.get(f"builds/{build.id}/test_result_sets")
        results = await ci.get(f"test_result_sets/{kept['test_result_setid']}/results")
        assert await ci.get(f"builds/{other.id}/test_result_sets") == []

    found = [(one["test_code_path"], one["line"], one["value"]) for one in results]
    assert found == [
        ("pkg/a.py", 1, _LINT.splitlines()[0]),
        ("pkg/c.py", 12, parseable),
    ]
    assert kept["complete"]
    assert (kept["description"], kept["category"]) == ("Pylint warnings", "code_issue")
    assert (kept["value_unit"], kept["tests_failed"], kept["tests_passed"]) == ("message", 2, 0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (steps.Trial, "needs the argument tests="),
        (steps.PyLint, 'needs the argument "command"'),
        (steps.Sphinx, 'needs the argument "sphinx_builddir"'),
        (
            partial(steps.Sphinx, sphinx_builddir="x", mode="half"),
            'must be "incremental" or "full"',
        ),
    ],
)
def test_arguments_that_are_missing_or_wrong_are_named(
    make: Callable[[], object], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        make()
