"""The SVN step: real repositories, on a real agent."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from connections import free_port
from git_field import Field, started_field

from buildbot.steps.source.svn import SVN
from chargehand.domain.result import Result
from chargehand.testing.svn_repository import SvnRepository


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    async with started_field(tmp_path) as found:
        yield found


@pytest.fixture
def repository(tmp_path: Path) -> SvnRepository:
    made = SvnRepository(tmp_path)
    made.commit("layout", "mkdir trunk", "mkdir branches", "put new= trunk/a")
    return made


def trunk(repository: SvnRepository) -> str:
    return f"{repository.url}/trunk"


async def test_a_checkout_is_updated_and_keeps_what_builds_made(
    field: Field, repository: SvnRepository
) -> None:
    first = await field.check_out(repourl=trunk(repository))
    assert field.property("got_revision") == "1"
    assert field.workshop.outcome() == [("svn", 0, "update")]
    (field.directory / "build" / "made").touch()
    repository.commit("second", "put new= trunk/b")

    second = await field.check_out(repourl=f"{trunk(repository)}/")

    assert first.result == second.result == Result.SUCCESS
    assert field.files() == {"a", "b", "made"}
    assert field.property("got_revision") == "2"
    assert [line.split()[1] for line in field.commands()] == ["--version", "info", "update", "info"]


async def test_the_builds_revision_is_checked_out(field: Field, repository: SvnRepository) -> None:
    repository.commit("second", "put new= trunk/b")
    repository.commit("elsewhere", "mkdir tags")

    await field.check_out(repourl=trunk(repository), stamp={"revision": "1"})
    old, old_files = field.property("got_revision"), field.files()
    await field.check_out(repourl=trunk(repository), preferLastChangedRev=True)

    assert (old, old_files) == ("1", {"a"})
    assert (field.property("got_revision"), field.files()) == ("2", {"a", "b"})


@pytest.mark.parametrize(
    ("method", "left"),
    [
        ("clean", {"a", "x.o", "kept"}),
        ("fresh", {"a", "kept"}),
        (None, {"a", "kept"}),
        ("clobber", {"a"}),
        ("copy", {"a"}),
        ("export", {"a"}),
    ],
)
async def test_a_full_checkout_leaves_what_its_method_says(
    field: Field, repository: SvnRepository, method: str | None, left: set[str]
) -> None:
    arguments: dict[str, Any] = {"repourl": trunk(repository), "keep_on_purge": ["kept"]}
    await field.check_out(**arguments)
    build = field.directory / "build"
    for name in ("x.o", "made", "kept"):
        (build / name).touch()
    (build / "directory").mkdir()
    (build / "a").write_text("altered")

    built = await field.check_out(mode="full", method=method, **arguments)

    assert built.result == Result.SUCCESS
    assert field.files() == left
    assert (build / "a").read_text() == ""
    assert (build / ".svn").exists() is (method != "export")
    assert field.property("got_revision") == "1"


async def test_a_working_copy_of_another_address_is_replaced(
    field: Field, repository: SvnRepository
) -> None:
    repository.commit("branch", "cp HEAD trunk branches/1.x", "put new= branches/1.x/b")
    await field.check_out(repourl=trunk(repository))
    (field.directory / "build" / "made").touch()

    built = await field.check_out(
        baseURL=f"{repository.url}/", defaultBranch="trunk", stamp={"branch": "branches/1.x"}
    )

    assert built.result == Result.SUCCESS
    assert field.files() == {"a", "b"}


async def test_old_arguments_check_out_the_default_branch_where_a_build_has_none(
    field: Field, repository: SvnRepository
) -> None:
    built = await field.check_out(
        baseURL=f"{repository.url}/", defaultBranch="trunk", stamp={"branch": None}
    )

    assert built.result == Result.SUCCESS
    assert field.files() == {"a"}


async def test_what_a_killed_svn_left_locked_is_mended(
    field: Field, repository: SvnRepository
) -> None:
    await field.check_out(repourl=trunk(repository))
    copy = field.directory / "build"
    subprocess.run(
        ["python3", "-c", _LOCK, str(copy / ".svn" / "wc.db")], check=True, capture_output=True
    )
    (copy / "made").touch()
    repository.commit("second", "put new= trunk/b")

    built = await field.check_out(repourl=trunk(repository))

    assert built.result == Result.SUCCESS
    assert field.files() == {"a", "b", "made"}
    assert "cleanup" in [line.split()[1] for line in field.commands()]


_LOCK = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    "c.execute('INSERT INTO wc_lock VALUES (1, \"\", -1)'); c.commit()"
)


async def test_a_password_is_read_by_svn_and_shown_nowhere(
    field: Field, repository: SvnRepository
) -> None:
    repository.ask_for_password()
    with repository.served(free_port()) as url:
        arguments = {"repourl": f"{url}/trunk", "username": "ann"}

        good = await field.check_out(password=repository.password, **arguments)
        log = field.workshop.logs.text("stdio")
        bad = await field.check_out(password="wrong", **arguments, mode="full", method="clobber")

    assert good.result == Result.SUCCESS
    assert repository.password not in log
    assert "--password-from-stdin" in log
    assert bad.result == Result.FAILURE
    [(_, _, sentence)] = field.workshop.outcome()
    assert sentence.startswith("svn checkout failed: E")


async def test_a_failure_says_what_svn_said(field: Field, repository: SvnRepository) -> None:
    built = await field.check_out(repourl=f"{repository.url}/nowhere")
    [(_, _, sentence)] = field.workshop.outcome()

    assert built.result == Result.FAILURE
    assert sentence.startswith("svn checkout failed: E170000: ")


async def test_an_address_that_looks_like_an_option_is_refused(field: Field) -> None:
    built = await field.check_out(repourl="--config-dir=/x")

    assert built.result == Result.FAILURE
    assert "svn would take it as an option" in field.workshop.outcome()[0][2]


def test_the_revision_that_has_all_changes_is_the_highest() -> None:
    class Change:
        def __init__(self, revision: str | None) -> None:
            self.revision = revision

    step = SVN(repourl="svn://h/r")

    assert step.computeSourceRevision([Change("9"), Change("10"), Change(None)]) == 10
    assert step.computeSourceRevision([]) is None
