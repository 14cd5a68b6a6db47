"""The poller of Subversion, with a real repository, and with svnserve where the server matters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from connections import free_port

from buildbot.changes.svn_paths import (
    split_file_alwaystrunk,
    split_file_branches,
    split_file_projects_branches,
)
from chargehand.intake.polling import PollFailed
from chargehand.intake.svn_command import Login, SvnCommand
from chargehand.intake.svn_output import UnreadableOutput, place_of, revisions_of
from chargehand.intake.svn_poller import Settings, SvnPoller
from chargehand.testing.intake import MemoryChangeStore, MemoryStateStore
from chargehand.testing.svn_repository import SvnRepository


class Bench:
    """A poller with its stores."""

    def __init__(self, repository: SvnRepository) -> None:
        self.repository = repository
        self.state = MemoryStateStore()
        self.store = MemoryChangeStore(self.state)

    def poller(self, split: Any = split_file_branches, **settings: Any) -> SvnPoller:
        """Make a poller as a master that starts would."""

        async def asked(path: str) -> Any:
            found = split(path)
            if isinstance(found, tuple):
                return {"branch": found[0], "path": found[1]}
            return found

        chosen = Settings(split=asked, **{"url": self.repository.url, **settings})
        return SvnPoller(
            name="p",
            settings=chosen,
            svn=SvnCommand(slots=asyncio.Semaphore(2)),
            state=self.state,
            publish=self.store.add,
        )

    def seen(self) -> list[tuple[str | None, str, tuple[str, ...]]]:
        return [(change.branch, change.comments, change.files) for change in self.store.changes]


@pytest.fixture
def repository(tmp_path: Path) -> SvnRepository:
    made = SvnRepository(tmp_path)
    made.commit("layout", "mkdir trunk", "mkdir branches", "put new= trunk/old")
    return made


@pytest.fixture
def bench(repository: SvnRepository) -> Bench:
    return Bench(repository)


async def test_the_first_poll_brings_no_history(bench: Bench) -> None:
    await bench.poller().poll()

    assert bench.seen() == []
    assert bench.store.transactions == 1


async def test_a_revision_becomes_a_change_with_all_its_particulars(
    bench: Bench, repository: SvnRepository
) -> None:
    poller = bench.poller(
        category="cat", project="proj", revlink_template="http://svn.example/?r=%s"
    )
    await poller.poll()
    number = repository.commit("süß\n\nbody", "put new= trunk/ä", "mkdir trunk/d", author="Ünal")

    await poller.poll()

    [change] = bench.store.changes
    assert change.author == "Ünal"
    assert sorted(change.files) == ["d", "ä"]
    assert change.comments == "süß\n\nbody"
    assert change.revision == str(number)
    assert change.branch is None
    assert change.repository == repository.url
    assert (change.category, change.project) == ("cat", "proj")
    assert change.revlink == f"http://svn.example/?r={number}"


async def test_a_revision_is_a_change_for_each_branch_it_touches(
    bench: Bench, repository: SvnRepository
) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.commit("branch off", "cp HEAD trunk branches/1.x")
    repository.commit("both", "put new= trunk/a", "put new= branches/1.x/a", "mkdir tags")
    repository.commit("end", "rm branches/1.x")

    await poller.poll()

    assert bench.seen() == [
        ("branches/1.x", "branch off", ("",)),
        ("branches/1.x", "both", ("a",)),
        (None, "both", ("a",)),
    ]


async def test_projects_are_told_apart_by_the_configurations_function(
    tmp_path: Path,
) -> None:
    (tmp_path / "r").mkdir()
    repository = SvnRepository(tmp_path / "r")
    repository.commit(
        "layout", *(f"mkdir {p} mkdir {p}/trunk mkdir {p}/branches" for p in ("nevow", "quotient"))
    )
    bench = Bench(repository)
    poller = bench.poller(split_file_projects_branches, project="unused")
    await poller.poll()
    repository.commit("n", "put new= nevow/trunk/a")
    repository.commit("q", "mkdir quotient/branches/2", "put new= quotient/branches/2/b")

    await poller.poll()

    assert [(c.project, c.branch, c.files) for c in bench.store.changes] == [
        ("nevow", None, ("a",)),
        ("quotient", "branches/2", ("", "b")),
    ]


async def test_only_what_is_below_the_address_counts(
    bench: Bench, repository: SvnRepository
) -> None:
    poller = bench.poller(split_file_alwaystrunk, url=f"{repository.url}/trunk")
    await poller.poll()
    repository.commit("not here", "mkdir trunk2", "put new= branches/x")
    repository.commit("here", "put new= trunk/new", "put new= trunk2/other")

    await poller.poll()

    assert bench.seen() == [(None, "here", ("new",))]


async def test_all_new_revisions_are_read_a_page_at_a_time(
    bench: Bench, repository: SvnRepository
) -> None:
    poller = bench.poller(page=2)
    await poller.poll()
    for number in range(5):
        repository.commit(str(number), f"put new= trunk/f{number}")

    await poller.poll()

    assert [comments for _, comments, _ in bench.seen()] == ["0", "1", "2", "3", "4"]
    assert bench.store.transactions == 4, "the first look, and three pages"


async def test_a_master_that_starts_again_goes_on_where_it_was(
    bench: Bench, repository: SvnRepository
) -> None:
    await bench.poller().poll()
    repository.commit("meanwhile", "put new= trunk/a")

    assert not await bench.poller().remember()
    await bench.poller().poll()
    await bench.poller().poll()

    assert [comments for _, comments, _ in bench.seen()] == ["meanwhile"]


async def test_the_revision_of_an_earlier_installation_is_continued_from(
    bench: Bench, repository: SvnRepository
) -> None:
    seen = repository.newest()
    repository.commit("meanwhile", "put new= trunk/a")

    await bench.poller(recalled=seen).poll()

    assert [comments for _, comments, _ in bench.seen()] == ["meanwhile"]


async def test_a_repository_that_was_made_anew_is_followed_from_there(
    bench: Bench, repository: SvnRepository, tmp_path: Path
) -> None:
    repository.commit("more", "put new= trunk/a")
    poller = bench.poller()
    await poller.poll()
    (tmp_path / "other").mkdir()
    other = SvnRepository(tmp_path / "other")
    other.commit("layout", "mkdir trunk")
    repository.path.rename(tmp_path / "gone")
    other.path.rename(repository.path)

    await poller.poll()
    repository.commit("new", "put new= trunk/b")
    await poller.poll()

    assert [comments for _, comments, _ in bench.seen()] == ["new"]


@pytest.mark.parametrize("answer", [7, "trunk", {}, {"path": None}, {"branch": "b"}])
async def test_nonsense_from_the_function_fails_the_poll_and_loses_nothing(
    bench: Bench, repository: SvnRepository, answer: object
) -> None:
    answers = [answer]

    def split(path: str) -> object:
        return answers.pop() if answers else {"path": path}

    poller = bench.poller(split)
    await poller.poll()
    repository.commit("kept", "put new= trunk/a")

    with pytest.raises(PollFailed, match="split_file returned"):
        await poller.poll()
    await poller.poll()

    assert [comments for _, comments, _ in bench.seen()] == ["kept"]


async def test_a_server_is_asked_with_a_password_that_no_argument_shows(
    bench: Bench, repository: SvnRepository
) -> None:
    repository.ask_for_password()
    with repository.served(free_port()) as url:

        async def login() -> Login:
            return Login(user="ann", password=repository.password)

        async def wrong() -> Login:
            return Login(user="ann", password="wrong")

        poller = bench.poller(url=url, login=login)
        await poller.poll()
        repository.commit("secret", "put new= trunk/a")
        await poller.poll()
        with pytest.raises(PollFailed, match="E170001"):
            await bench.poller(url=url, login=wrong).poll()

    assert [comments for _, comments, _ in bench.seen()] == ["secret"]
    with pytest.raises(PollFailed, match="svn info failed: svn: E"):
        await poller.poll()


async def test_a_missing_svn_is_named(bench: Bench) -> None:
    svn = SvnCommand(binary="/nowhere/svn", slots=asyncio.Semaphore(1))

    with pytest.raises(PollFailed, match="cannot run svn: /nowhere/svn not found"):
        await svn.run("info", "x", login=Login(), timeout=5)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"<info>",
        b"<info/>",
        b"<info><entry revision='x'><url>svn://h/r</url></entry></info>",
        b"<info><entry revision='-1'><url>svn://h/r</url><repository><root>svn://h/r</root>"
        b"</repository></entry></info>",
    ],
)
def test_what_svn_did_not_write_is_named(output: bytes) -> None:
    with pytest.raises(UnreadableOutput):
        place_of(output)


def test_a_log_with_nothing_in_it_has_no_revisions() -> None:
    assert revisions_of(b"<log/>") == []
    [revision] = revisions_of(b"<log><logentry revision='3'/></log>")
    assert (revision.author, revision.message, revision.paths) == ("", "", ())
