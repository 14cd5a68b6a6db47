"""What git's complaints mean."""

from __future__ import annotations

import pytest

from buildbot.util.git_failures import is_absent, is_damaged, lock_file, sentence

_HASH = "f" * 40


@pytest.mark.parametrize(
    ("command", "errors", "expected"),
    [
        (
            ["clone", "/srv/x.git", "."],
            "Cloning into '.'...\nfatal: repository '/srv/x.git' does not exist",
            "cannot clone /srv/x.git: repository does not exist",
        ),
        (
            ["fetch", "/srv/x.git", "refs/heads/a"],
            "fatal: couldn't find remote ref refs/heads/a",
            'cannot fetch from /srv/x.git: it has no branch or tag "a"',
        ),
        (
            ["fetch", "x"],
            "ssh: Could not resolve hostname git.example: Name or service not known",
            "cannot fetch from /srv/x.git: unknown host git.example",
        ),
        (
            ["push", "x"],
            "git@x: Permission denied (publickey).",
            "cannot push to /srv/x.git: access denied",
        ),
        (["checkout", "-f", "abc"], "error: no\nfatal: really", "cannot check out abc: no"),
        (["clean", "-f"], "", "git clean failed: exit status 1"),
    ],
)
def test_a_failure_is_told_with_its_cause(command: list[str], errors: str, expected: str) -> None:
    assert sentence(command, "/srv/x.git", errors, 1) == expected


def test_no_password_is_told() -> None:
    told = sentence(["clone"], "https://me:secret@host/x", "fatal: https://me:secret@host/x", 1)

    assert "secret" not in told
    assert told.startswith("cannot clone https://host/x: ")


@pytest.mark.parametrize(
    "errors",
    [
        "fatal: not a git repository (or any of the parent directories): .git",
        f"fatal: loose object {_HASH} (stored in x) is corrupt",
        f"error: object file .git/objects/ff/f is empty\nfatal: bad object {_HASH}",
        "fatal: .git/index: index file smaller than expected",
        f"error: Could not read {_HASH}",
        f"fatal: unable to read tree {_HASH}",
    ],
)
def test_damage_of_the_clone_is_recognised(errors: str) -> None:
    assert is_damaged(errors)


@pytest.mark.parametrize(
    "errors",
    [
        "fatal: '/srv/x.git' does not appear to be a git repository\n"
        "fatal: Could not read from remote repository.",
        "fatal: could not read Username for 'https://x': terminal prompts disabled",
        f"remote: fatal: unable to read tree {_HASH}\nfatal: protocol error: bad pack header",
        "fatal: unable to find remote helper for 'hg'",
        "fatal: unable to access 'https://x/': Could not resolve host: x",
        "error: RPC failed; curl 56\nfatal: early EOF",
    ],
)
def test_an_outage_is_no_damage(errors: str) -> None:
    assert not is_damaged(errors)
    assert not is_absent(errors)


def test_the_lock_of_a_killed_git_is_found() -> None:
    assert (
        lock_file("fatal: Unable to create '/w/.git/index.lock': File exists.")
        == "/w/.git/index.lock"
    )
    assert (
        lock_file("error: could not lock config file .git/config: File exists")
        == ".git/config.lock"
    )
    assert lock_file("fatal: destination path '.' already exists") is None
