"""Git pollers and odd repositories: one bad item keeps nothing else from being found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from git_bench import Bench

from chargehand.intake.git_command import GitFailed
from chargehand.intake.git_poller import Watched
from chargehand.testing.git_repository import Repository

_GOOD = "author A <a@x> 1 +0000"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit("first")
    made.push()
    return made


@pytest.fixture
def bench(tmp_path: Path, repository: Repository) -> Bench:
    return Bench(tmp_path, repository)


def _made_commit(repository: Repository, lines: str | None, message: str = "odd") -> str:
    """Make a commit with these lines for its people and dates, on top of what is checked out."""
    tree, parent = repository.git("write-tree"), repository.git("rev-parse", "HEAD")
    header = f"tree {tree}\nparent {parent}\n" + (f"{lines}\n" if lines else "")
    return subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
        cwd=repository.copy,
        input=f"{header}\n{message}\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize(
    ("lines", "author", "committer", "when"),
    [
        (f"{_GOOD}\ncommitter C <c@x>", "A <a@x>", "C <c@x>", None),
        (f"{_GOOD}\ncommitter C <c@x> 99999999999999999999 +0000", "A <a@x>", "C <c@x>", None),
        (f"{_GOOD}\ncommitter C <c@x> -2208988800 +0000", "A <a@x>", "C <c@x>", None),
        (f"{_GOOD}\ncommitter C <c@x> 4102444800 -0730", "A <a@x>", "C <c@x>", 4102444800),
        (f"{_GOOD}\ncommitter C <c@x> 5 +9999", "A <a@x>", "C <c@x>", 5),
        ("author  <> 1 +0000\ncommitter  <> 5 +0000", "(no author)", None, 5),
        ("author  <a@x> 1 +0000\ncommitter C <> 5 +0000", "<a@x>", "C <>", 5),
        ("author A\ncommitter C", "(no author)", None, None),
        ("committer C <c@x> 5 +0000", "(no author)", "C <c@x>", 5),
        (None, "(no author)", None, None),
    ],
)
async def test_commits_with_odd_people_and_dates_are_changes(
    bench: Bench,
    repository: Repository,
    lines: str | None,
    author: str,
    committer: str | None,
    when: float | None,
) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    odd = _made_commit(repository, lines)
    repository.push(f"{odd}:refs/heads/odd")
    repository.commit("good")
    repository.push()

    await poller.poll()

    found = {change.branch: change for change in bench.store.changes}
    assert found["main"].comments == "good"
    assert (found["odd"].author, found["odd"].committer) == (author, committer)
    assert found["odd"].when == (when or 0.0)  # the store takes the time of arrival for None
    assert bool(poller.warnings) is (when is None)


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"x/\xe9/y"])
async def test_a_name_that_is_not_utf_8_is_skipped_and_told(
    bench: Bench, repository: Repository, name: bytes
) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.push(os.fsdecode(b"HEAD:refs/heads/" + name))
    await poller.poll()
    repository.commit("good")
    repository.push("main", "HEAD:refs/heads/caf\u00e9")

    await poller.poll()

    assert bench.seen() == [("main", "good")]
    [warning] = poller.warnings
    assert warning.startswith('skipping ref "refs/heads/') and "not UTF-8" in warning


async def test_a_branch_that_cannot_be_fetched_keeps_no_other_from_it(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.git("checkout", "-q", "-b", "broken")
    lost = repository.commit("broken", "lost")
    repository.push("broken", *(f"main:refs/heads/b{n}" for n in range(20)))
    blob = repository.git("rev-parse", f"{lost}:lost")
    (repository.bare / "objects" / blob[:2] / blob[2:]).unlink()
    repository.git("checkout", "-q", "main")
    repository.commit("good")
    repository.push("main:refs/heads/main", "main:refs/heads/b7")

    for _ in range(2):
        await poller.poll()

    assert bench.seen() == [("main", "good")]
    [warning] = poller.warnings
    assert warning.startswith("skipping broken until it can be fetched: git fetch failed: ")

    repository.git("push", "-q", "origin", ":broken")
    await poller.poll()

    assert poller.warnings == ()


async def test_nothing_that_can_be_fetched_is_a_failure(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    lost = repository.commit("broken", "lost")
    repository.push()
    blob = repository.git("rev-parse", f"{lost}:lost")
    (repository.bare / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(GitFailed, match="git fetch failed"):
        await poller.poll()


async def test_a_renamed_file_has_both_its_names(bench: Bench, repository: Repository) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.git("mv", "file", "new name\nwith a line")
    repository.git("commit", "-q", "-m", "renamed")
    repository.push()

    await poller.poll()

    [change] = bench.store.changes
    assert sorted(change.files) == ["file", "new name\nwith a line"]


@pytest.mark.parametrize(
    "message",
    ["one line", "subject\nin two\n\nbody\n\n\nend", "  indented\n# not a comment", "\u00e4" * 999],
)
async def test_a_message_comes_as_it_was_written(
    bench: Bench, repository: Repository, message: str
) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.git("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", message)
    repository.push()

    await poller.poll()

    assert [change.comments for change in bench.store.changes] == [message]


async def test_a_huge_message_is_cut(bench: Bench, repository: Repository) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    odd = _made_commit(repository, f"{_GOOD}\ncommitter C <c@x> 5 +0000", "x" * 2_000_000)
    repository.push(f"{odd}:refs/heads/odd")

    await poller.poll()

    [change] = bench.store.changes
    assert len(change.comments) < 101_000
    assert change.comments.endswith("(1900000 more characters)")


async def test_of_merges_each_branch_has_its_own_commits(
    bench: Bench, repository: Repository
) -> None:
    every, listed = bench.poller("every", branches=Watched.ALL_BRANCHES), bench.poller("listed")
    for poller in (every, listed):
        await poller.poll()
    git = repository.git
    for side in ("one", "two"):
        git("checkout", "-q", "-b", side, "main")
        repository.commit(f"on {side}", side)
    git("checkout", "-q", "main")
    repository.commit("on main", "m")
    git("merge", "-q", "--no-ff", "-m", "octopus", "one", "two")
    git("checkout", "-q", "one")
    git("merge", "-q", "--no-ff", "-m", "merged back", "main")
    repository.push("main", "one", "two")

    await every.poll()
    of_every = sorted(bench.seen(), key=str)
    bench.store.changes.clear()
    await listed.poll()

    assert of_every == [
        ("main", "octopus"),
        ("main", "on main"),
        ("one", "merged back"),
        ("one", "on one"),
        ("two", "on two"),
    ]
    assert sorted(bench.seen(), key=str) == [("main", "octopus"), ("main", "on main")]


async def test_a_new_history_begins_with_its_root(bench: Bench, repository: Repository) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.git("checkout", "-q", "--orphan", "pages")
    repository.commit("root", "index")
    repository.push("pages")

    await poller.poll()

    [change] = bench.store.changes
    assert (change.branch, change.comments) == ("pages", "root")
    assert change.files == ("file", "index")


async def test_users_functions_that_fail_cost_no_change(
    bench: Bench, repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_: object) -> str:
        raise ValueError("oh")

    async def chooses(name: object) -> bool:
        if name != "refs/heads/main":
            raise ValueError(name)
        return True

    poller = bench.poller(category=fails, project=fails, branches=chooses)
    repository.push("main:refs/heads/other")
    await poller.poll()
    repository.commit("good")
    repository.push("main", "main:refs/heads/other")

    await poller.poll()

    [change] = bench.store.changes
    assert (change.comments, change.category, change.project) == ("good", None, "")
    assert "the configured function for category failed" in caplog.text


@pytest.mark.parametrize(
    ("branches", "warnings"),
    [
        (("main",), ()),
        (
            ("mian",),
            ('no branch matches "mian"; the repository has dev, main; did you mean "main"?',),
        ),
        (("main", "x"), ('no branch matches "x"; the repository has dev, main',)),
    ],
)
async def test_a_branch_that_the_repository_does_not_have_is_told(
    bench: Bench, repository: Repository, branches: tuple[str, ...], warnings: tuple[str, ...]
) -> None:
    repository.push("main:refs/heads/dev")
    poller = bench.poller(branches=branches)

    for _ in range(2):
        await poller.poll()

        assert poller.warnings == warnings


async def test_a_branch_is_missed_no_longer_once_it_is_there(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(branches=("main", "release"))
    await poller.poll()
    repository.commit("new")
    repository.push("main:refs/heads/release")

    await poller.poll()

    assert (poller.warnings, bench.seen()) == ((), [("release", "new")])


async def test_what_is_pushed_after_the_heads_were_remembered_is_found(
    bench: Bench, repository: Repository
) -> None:
    assert await bench.poller().remember()
    repository.commit("new")
    repository.push()

    again = bench.poller()
    assert not await again.remember()
    await again.poll()

    assert bench.seen() == [("main", "new")]
