"""The agent's words in a log, the environment of a command, and how arguments are read."""

from __future__ import annotations

import os
from typing import Any

import pytest

from chargehand.kit import error_text
from chargehand_worker import header
from chargehand_worker.arguments import BadArguments, shell_arguments
from chargehand_worker.environment import BadEnvironment, merged
from chargehand_worker.system_text import reason_of


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["echo", "a b", "it's", 'x"y', ""], """echo 'a b' 'it'"'"'s' 'x"y' \"\""""),
        (["a%b", "a+b", "a,b", "a-b/c:d=e@f_g.h"], "a%b a+b a,b a-b/c:d=e@f_g.h"),
        (["a<b", "a~b", "a$b", "é"], "'a<b' 'a~b' 'a$b' 'é'"),
    ],
)
def test_a_command_is_quoted_as_buildbot_does(arguments: list[str], expected: str) -> None:
    assert header.quoted(arguments) == expected


def beginning(**changes: Any) -> list[str]:
    settings: dict[str, Any] = {
        "command": ["true"],
        "directory": "/w/b/build",
        "timeout": 1200,
        "max_time": None,
        "logfiles": {},
        "environment": None,
        "stdin_size": None,
        "use_pty": False,
        "pty_refused": False,
    }
    return header.beginning(**{**settings, **changes}).split("\n")


def test_the_header_is_buildbots() -> None:
    assert beginning() == [
        "true",
        " in dir /w/b/build (timeout 1200 secs)",
        " watching logfiles {}",
        " argv: [b'true']",
        " using PTY: False",
    ]


def test_the_header_has_all_that_was_asked_for() -> None:
    lines = beginning(
        command="echo é",
        timeout=2.5,
        max_time=10.0,
        environment={"B": "2", "A": "1"},
        stdin_size=6,
        pty_refused=True,
    )

    assert lines == [
        "WARNING: disabling usePTY for this command",
        "echo é",
        " in dir /w/b/build (timeout 2.5 secs) (maxTime 10 secs)",
        " watching logfiles {}",
        r" argv: b'echo \xc3\xa9'",
        " environment:",
        "  A=1",
        "  B=2",
        " writing 6 bytes to stdin",
        " using PTY: False",
    ]


def test_one_second_is_not_seconds() -> None:
    assert (
        beginning(timeout=1, max_time=1.0)[1]
        == " in dir /w/b/build (timeout 1 sec) (maxTime 1 sec)"
    )


def test_no_limits_are_not_shown() -> None:
    assert beginning(timeout=None)[1] == " in dir /w/b/build"


def test_the_end_is_buildbots() -> None:
    assert header.end(exit_code=-1, signal=9, elapsed=2.0000001).split("\n") == [
        "process killed by signal 9",
        "program finished with exit code -1",
        "elapsedTime=2.000000",
    ]


def test_a_hidden_argument_is_passed_and_not_shown() -> None:
    arguments = shell_arguments({"workdir": "", "command": ["x", ["obfuscated", "real", "shown"]]})

    assert arguments.real == ["x", "real"]
    assert arguments.shown == ["x", "shown"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "command"),
        ({"command": []}, "empty"),
        ({"command": ["a", ["b"]]}, "must be a string"),
        ({"command": ["a"], "encoding": "klingon"}, "klingon"),
        ({"command": ["a"], "interruptSignal": "NOPE"}, "NOPE"),
        ({"command": ["a"], "max_lines": "many"}, "max_lines"),
        ({"command": ["a"], "maxTime": "abc"}, "shell: maxTime is not valid: 'abc'"),
        ({"command": ["a"], "max_lines": -1}, "max_lines must be 0 or more, or None, not -1"),
        ({"command": ["a"], "timeout": -5}, "timeout must be 0 or more, or None, not -5"),
        ({"command": ["a"], "maxTime": float("nan")}, "maxTime must be 0 or more"),
        ({"command": ["a"], "sigtermTime": -0.5}, "sigtermTime must be 0 or more"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(BadArguments, match=message):
        shell_arguments({"workdir": "", **wrong})


def test_unknown_arguments_are_ignored() -> None:
    assert shell_arguments({"workdir": "", "command": "x", "new": 1}).real[-1] == "x"


def test_the_environment_follows_buildbots_rules() -> None:
    own = {"HOME": "/h", "GONE": "1", "PYTHONPATH": "/own"}
    asked = {
        "GONE": None,
        "LIST": ["a", "${HOME}/b"],
        "NONE": "${NOPE}x",
        "PLAIN": "$HOME",
        "PYTHONPATH": ["/p", "/q"],
    }

    assert merged(own, asked) == {
        "HOME": "/h",
        "LIST": os.pathsep.join(["a", "/h/b"]),
        "NONE": "x",
        "PLAIN": "$HOME",
        "PYTHONPATH": os.pathsep.join(["/p", "/q", "/own"]),
    }


@pytest.mark.parametrize("wrong", [{"X": 5}, {"A=B": "1"}, {"": "1"}, {"X": "a\0b"}])
def test_an_impossible_environment_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEnvironment):
        merged({}, wrong)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileExistsError(17, "File exists", "/w/b1"), "File exists: /w/b1"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
        (ValueError("embedded null byte"), "a name or an argument has a zero byte"),
        (ValueError("odd"), "odd"),
    ],
)
def test_why_something_cannot_be_done_is_said_without_numbers(
    error: OSError | ValueError, said: str
) -> None:
    assert reason_of(error) == said
    if isinstance(error, OSError):
        assert error_text.reason_of(error) == said


@pytest.mark.parametrize(
    "name",
    [
        "API_TOKEN",
        "GITHUB_TOKEN",
        "PGPASSWORD",
        "SSHPASS",
        "aws_secret_access_key",
        "MYSQL_PWD",
        "DEPLOY_KEY",
        "NPM_AUTH",
        "REGISTRY_CREDENTIALS",
        "my-password",
        "TOKEN",
        "DB_PASS",
    ],
)
def test_the_value_of_a_variable_that_looks_secret_is_not_shown(name: str) -> None:
    assert f"  {name}=(not shown: its name looks secret)" in beginning(
        environment={name: "hunter2"}
    )


@pytest.mark.parametrize(
    "name",
    [
        "PWD",
        "OLDPWD",
        "PATH",
        "SSH_AUTH_SOCK",
        "GIT_ASKPASS",
        "KEYBOARD",
        "HOME",
        "XAUTHORITY",
        "TOKENIZERS_PARALLELISM",
        "PASSENGER_HOME",
        "KEY",
        "SECRETARY",
    ],
)
def test_other_variables_are_shown(name: str) -> None:
    assert f"  {name}=x" in beginning(environment={name: "x"})
