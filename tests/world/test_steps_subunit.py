"""SubunitShellCommand counts what tests say in subunit's text protocol."""

from __future__ import annotations

import pytest
from written import started

from chargehand.domain.result import Result

_PASSES = "test: a\nsuccess: a\n"
_FAILS = "test: b (of 2)\nfailure: b (of 2) [\nTraceback\n  boom\n]\n"
_OTHERS = """\
time: 2024-01-01 00:00:00Z
test: c
skip: c
testing e
said by the test itself
error: no test of this name
error e [ multipart
Content-Type: text/plain
traceback
5\r
boom
0\r
]
test: f
xfail: f [
failure: g
]
test: h
uxsuccess: h
"""

_STEPS = """
add('b', steps.SubunitShellCommand(command='run'), steps.SubunitShellCommand(
    command='none', name='none', failureOnNoTests=True, flunkOnFailure=False))
add('lenient', steps.SubunitShellCommand(command='none'))
"""


@pytest.mark.parametrize(
    ("output", "rc", "result", "said", "problems"),
    [
        (_PASSES, 0, Result.SUCCESS, "1 test passed", None),
        (_PASSES, 1, Result.FAILURE, "1 test passed (failure)", None),
        (
            "test: h\nuxsuccess: h\n",
            0,
            Result.SUCCESS,
            "1 test passed, 1 passed unexpectedly",
            None,
        ),
        (
            _PASSES + _FAILS,
            0,
            Result.FAILURE,
            "2 tests, 1 failed (failure)",
            "failure: b (of 2)\nTraceback\n  boom\n",
        ),
        (
            _PASSES.replace("success:", "successful") + _OTHERS,
            1,
            Result.FAILURE,
            "5 tests, 1 failed, 1 skipped, 1 failed as expected, 1 passed unexpectedly (failure)",
            "error: e\nContent-Type: text/plain\ntraceback\n5\nboom\n0\n",
        ),
    ],
)
async def test_tests_are_counted_and_failed_ones_are_told(
    output: str, rc: int, result: Result, said: str, problems: str | None
) -> None:
    async with started(_STEPS) as ci:
        ci.worker("local").on("run", output=output, rc=rc)
        build = await ci.build("b")
        step = ci.steps(build)[0]

        assert (build.result, step.state) == (result, said)
        if problems is not None:
            assert await ci.text(build, "shell", "problems") == problems


async def test_no_test_is_a_failure_where_that_is_asked_for() -> None:
    async with started(_STEPS) as ci:
        strict = ci.steps(await ci.build("b"))[-1]
        lenient = ci.steps(await ci.build("lenient"))[-1]

    assert (strict.result, strict.state) == (Result.FAILURE, "no tests run (failure)")
    assert (lenient.result, lenient.state) == (Result.SUCCESS, "no tests run")
