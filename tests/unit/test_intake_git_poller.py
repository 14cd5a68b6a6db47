"""The git poller, with real repositories."""

from __future__ import annotations

import asyncio
import stat
import subprocess
from pathlib import Path

import pytest
from git_bench import Bench

from chargehand.intake.git_access import Credentials, access
from chargehand.intake.git_command import GitCommand, GitFailed
from chargehand.intake.git_poller import Watched
from chargehand.testing.git_repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit("first")
    made.push()
    return made


@pytest.fixture
def bench(tmp_path: Path, repository: Repository) -> Bench:
    return Bench(tmp_path, repository)


async def test_the_first_poll_brings_no_history(bench: Bench) -> None:
    await bench.poller().poll()

    assert bench.seen() == []
    assert bench.store.transactions == 1


async def test_a_commit_becomes_a_change_with_all_its_particulars(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(category="cat", project="proj")
    await poller.poll()
    revision = repository.commit("subject\n\nbody line\n", "ä b", "dir/c")
    repository.push()

    await poller.poll()

    [change] = bench.store.changes
    assert change.author == "Ann Ö <ann@example.org>"
    assert change.committer == "Carl <carl@example.org>"
    assert change.files == ("dir/c", "ä b")
    assert change.comments == "subject\n\nbody line"
    assert change.revision == revision
    assert change.when == 1609459200
    assert change.branch == "main"
    assert change.repository == repository.url
    assert (change.category, change.project) == ("cat", "proj")


async def test_an_unchanged_repository_costs_one_command_and_no_transaction(
    bench: Bench, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    script = tmp_path / "git"
    script.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec git "$@"\n')
    script.chmod(0o755)
    poller = bench.poller(binary=str(script))
    await poller.poll()
    log.unlink()

    await poller.poll()

    assert log.read_text().split() == ["ls-remote"]
    assert bench.store.transactions == 1


async def test_many_commits_come_oldest_first_and_in_one_transaction(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    for number in range(5):
        repository.commit(f"c{number}")
    repository.push()

    await poller.poll()

    assert bench.seen() == [("main", f"c{number}") for number in range(5)]
    assert bench.store.transactions == 2


async def test_changes_made_while_the_master_was_down_are_found(
    bench: Bench, repository: Repository
) -> None:
    await bench.poller().poll()
    repository.commit("meanwhile")
    repository.push()

    await bench.poller().poll()
    await bench.poller().poll()

    assert bench.seen() == [("main", "meanwhile")]


async def test_a_change_that_could_not_be_stored_comes_with_the_next_poll(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.commit("again")
    repository.push()
    bench.store.refuse = OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await poller.poll()
    await poller.poll()

    assert bench.seen() == [("main", "again")]


async def test_a_new_branch_brings_only_what_no_watched_branch_had(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit("t1")
    repository.commit("t2")
    repository.push("topic", "topic:same-as-topic")

    await poller.poll()

    assert [comments for _, comments in bench.seen()] == ["t1", "t2"]
    assert len({branch for branch, _ in bench.seen()}) == 1


async def test_pushes_without_new_commits_are_changes_when_asked_for(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(branches=Watched.ALL_BRANCHES, build_pushes_with_no_commits=True)
    await poller.poll()
    repository.push("main:release")

    await poller.poll()

    assert bench.seen() == [("release", "first")]


async def test_a_merge_shows_what_it_brings_into_its_first_parent(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit("on topic", "t")
    repository.git("checkout", "-q", "main")
    repository.commit("on main", "m")
    repository.git("merge", "-q", "--no-ff", "-m", "merged", "topic")
    repository.push()

    await poller.poll()

    files = {change.comments: change.files for change in bench.store.changes}
    assert files == {"on main": ("m",), "merged": ("t",)}
    assert bench.seen()[-1] == ("main", "merged")


async def test_a_rewritten_branch_brings_its_new_commits(
    bench: Bench, repository: Repository
) -> None:
    repository.commit("bad idea")
    repository.push()
    poller = bench.poller()
    await poller.poll()
    repository.git("commit", "-q", "--amend", "-m", "good idea")
    repository.push()

    await poller.poll()

    assert bench.seen() == [("main", "good idea")]


async def test_a_deleted_branch_is_forgotten_and_may_make_room_for_its_like(
    bench: Bench, repository: Repository
) -> None:
    repository.git("checkout", "-q", "-b", "a")
    repository.commit("on a")
    repository.push("a")
    poller = bench.poller(branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.git("push", "-q", "origin", ":a")
    await poller.poll()
    repository.commit("on a/b")
    repository.push("a:refs/heads/a/b")

    await poller.poll()

    assert bench.seen() == [("a/b", "on a"), ("a/b", "on a/b")]
    assert set(await bench.state.get("p", "GitPoller", "lastRev")) == {
        "refs/heads/main",
        "refs/heads/a/b",
    }


async def test_branches_may_be_listed_before_they_exist(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(branches=("main", "later"))
    await poller.poll()
    repository.git("checkout", "-q", "-b", "later")
    repository.commit("late")
    repository.push("later", "later:unwatched")

    await poller.poll()

    assert bench.seen() == [("later", "late")]


async def test_a_function_chooses_among_all_refs(bench: Bench, repository: Repository) -> None:
    asked = []

    async def choose(ref: str) -> bool:
        asked.append(ref)
        return ref.startswith("refs/pull/")

    poller = bench.poller(branches=choose)
    repository.push("main:refs/pull/1/head")
    await poller.poll()
    repository.commit("wanted")
    repository.push("main", "main:refs/pull/2/head")

    await poller.poll()

    assert bench.seen() == [("refs/pull/2/head", "wanted")]
    assert "refs/heads/main" in asked
    assert "HEAD" not in asked


async def test_tags_are_watched_light_annotated_and_of_no_commit(
    bench: Bench, repository: Repository
) -> None:
    repository.git("tag", "v1")
    repository.push("v1")
    poller = bench.poller(branches=Watched.TAGS)
    await poller.poll()
    repository.commit("second")
    repository.git("tag", "-a", "v2", "-m", "v2")
    repository.git("tag", "-a", "v2-again", "v2", "-m", "a tag of a tag")
    repository.git("tag", "blob", "HEAD:file")
    repository.push("v2", "v2-again", "blob")

    await poller.poll()
    await poller.poll()

    assert bench.seen() == [("refs/tags/v2", "second")]
    assert bench.store.transactions == 2


async def test_the_default_branch_is_followed_when_it_is_renamed(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    repository.commit("moved")
    repository.push("main:trunk")
    subprocess.run(
        ["git", "symbolic-ref", "HEAD", "refs/heads/trunk"], cwd=repository.bare, check=True
    )

    await poller.poll()

    assert bench.seen() == [("trunk", "moved")]


async def test_the_first_push_to_an_empty_repository_is_one_change(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    bench = Bench(tmp_path, repository)
    poller = bench.poller()
    await poller.poll()
    repository.commit("one")
    repository.commit("two")
    repository.push()

    await poller.poll()

    assert bench.seen() == [("main", "two")]


async def test_marks_that_buildbot_left_are_understood(
    bench: Bench, repository: Repository
) -> None:
    head = repository.git("rev-parse", "HEAD")
    await bench.state.set("p", "GitPoller", "lastRev", {"main": head})
    repository.commit("since then")
    repository.push()

    await bench.poller(branches=("main",)).poll()

    assert bench.seen() == [("main", "since then")]


async def test_category_and_project_may_be_functions_of_the_change(
    bench: Bench, repository: Repository
) -> None:
    async def project(change: dict[str, object]) -> str:
        return f"p-{change['branch']}"

    async def category(change: dict[str, object]) -> str:
        return f"{change['project']}:{change['files']}"

    poller = bench.poller(project=project, category=category, use_timestamps=False)
    await poller.poll()
    repository.commit("x", "f")
    repository.push()

    await poller.poll()

    [change] = bench.store.changes
    assert (change.project, change.category) == ("p-main", "p-main:['f']")
    assert change.when == 0.0


async def test_messages_in_another_encoding_are_read_with_it(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller(encoding="latin-1")
    await poller.poll()
    (repository.copy / "f").write_text("x")
    repository.git("add", "-A")
    message = repository.copy.parent / "message"
    message.write_bytes("Grün".encode("latin-1"))
    repository.git("-c", "i18n.commitEncoding=latin1", "commit", "-q", "-F", str(message))
    repository.push()

    await poller.poll()

    assert bench.seen() == [("main", "Grün")]


async def test_a_vanished_repository_is_an_error_in_words_and_polls_work_when_it_is_back(
    bench: Bench, repository: Repository
) -> None:
    poller = bench.poller()
    await poller.poll()
    away = repository.bare.rename(repository.bare.with_name("away"))

    with pytest.raises(GitFailed, match=r"git ls-remote failed: fatal: '.*up.git' does not appear"):
        await poller.poll()
    away.rename(repository.bare)
    repository.commit("back")
    repository.push()
    await poller.poll()

    assert bench.seen() == [("main", "back")]


async def test_a_missing_git_is_an_error_in_words(bench: Bench) -> None:
    with pytest.raises(GitFailed, match="cannot run git: /no/git not found"):
        await bench.poller(binary="/no/git").poll()


async def test_a_command_that_hangs_is_ended_with_all_its_children(tmp_path: Path) -> None:
    script = tmp_path / "git"
    script.write_text(f"#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! > {tmp_path}/child\nwait\n")
    script.chmod(0o755)
    git = GitCommand(binary=str(script), slots=asyncio.Semaphore(1), grace=0.05)

    with pytest.raises(GitFailed, match=r"git ls-remote timed out after 0\.5 seconds"):
        await git.run("ls-remote", directory=tmp_path, timeout=0.5)

    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    assert not child.exists() or child.read_text().split()[2] == "Z"


async def test_passwords_in_addresses_are_not_told(tmp_path: Path) -> None:
    script = tmp_path / "git"
    script.write_text(
        "#!/bin/sh\necho \"fatal: no 'https://me:p@ss:word@host/r.git'\" >&2\nexit 1\n"
    )
    script.chmod(0o755)
    git = GitCommand(binary=str(script), slots=asyncio.Semaphore(1))

    with pytest.raises(GitFailed, match=r"no 'https://\*\*\*@host/r\.git'"):
        await git.run("fetch", directory=tmp_path, timeout=5)


async def test_a_damaged_cache_is_made_anew(
    bench: Bench, repository: Repository, tmp_path: Path
) -> None:
    poller = bench.poller()
    await poller.poll()
    for file in (tmp_path / "work" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"")
    repository.commit("after the damage")
    repository.push()

    with pytest.raises(GitFailed, match="removed its cache"):
        await poller.poll()
    await poller.poll()

    assert bench.seen() == [("main", "after the damage")]


async def test_a_directory_that_is_not_our_cache_is_never_removed(
    bench: Bench, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "HEAD").write_text("precious")

    with pytest.raises(GitFailed):
        await bench.poller().poll()

    assert (work / "HEAD").read_text() == "precious"


async def test_two_pollers_share_a_directory(bench: Bench, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other") if (tmp_path / "other").mkdir() is None else None
    assert other is not None
    other.commit("elsewhere")
    other.push()
    one, two = bench.poller("one"), bench.poller("two", url=other.url)
    await asyncio.gather(one.poll(), two.poll())
    other.commit("elsewhere, later")
    other.push()

    await asyncio.gather(one.poll(), two.poll())

    assert bench.seen() == [("main", "elsewhere, later")]


async def test_passwords_in_addresses_are_not_shown(bench: Bench) -> None:
    with pytest.raises(GitFailed) as caught:
        await bench.poller(url="http://user:secret@127.0.0.1:1/x.git").poll()

    assert "secret" not in str(caught.value)


async def test_secrets_lie_in_private_files_only_while_they_are_needed() -> None:
    git = GitCommand(slots=asyncio.Semaphore(1))
    credentials = Credentials(
        ssh_private_key="KEY",
        ssh_host_key="ssh-ed25519 AAAA",
        descriptions=("url=https://example.org\nusername=u\npassword=p w",),
    )

    async with access(credentials, git) as allowed:
        command = allowed.environment["GIT_SSH_COMMAND"].split()
        key = Path(command[command.index("-i") + 1])
        hosts = key.with_name("known_hosts")
        store = key.with_name("credentials")
        assert key.read_text() == "KEY\n"
        assert hosts.read_text() == "* ssh-ed25519 AAAA\n"
        assert store.read_text() == "https://u:p%20w@example.org\n"
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (key, hosts, store, key.parent)]
        assert modes == [0o600, 0o600, 0o600, 0o700]
        assert f"UserKnownHostsFile={hosts}" in command

    assert not key.parent.exists()


async def test_what_a_killed_git_left_locked_does_not_stop_later_polls(
    bench: Bench, repository: Repository, tmp_path: Path
) -> None:
    poller = bench.poller()
    await poller.poll()
    [ref] = (tmp_path / "work" / "refs" / "chargehand").rglob("main")
    ref.with_name("main.lock").touch()
    repository.commit("after the kill")
    repository.push()

    with pytest.raises(GitFailed, match="removed its cache"):
        await poller.poll()
    await poller.poll()

    assert bench.seen() == [("main", "after the kill")]


async def test_branches_without_news_cost_nothing_of_their_own(
    bench: Bench, repository: Repository, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    script = tmp_path / "git"
    script.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec git "$@"\n')
    script.chmod(0o755)
    poller = bench.poller(binary=str(script), branches=Watched.ALL_BRANCHES)
    await poller.poll()
    repository.push(*(f"main:branch{number}" for number in range(50)))
    log.unlink()

    await poller.poll()

    assert bench.seen() == []
    assert log.read_text().split().count("rev-list") == 1
