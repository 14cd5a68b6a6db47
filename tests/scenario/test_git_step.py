"""The Git step: real repositories, on a real agent."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from git_field import Field, started_field

from buildbot._border.bridge import install
from buildbot.process.factory import BuildFactory
from buildbot.process.recipe import Recipe
from buildbot.steps.source.git import Git, GitCommit, GitPush, GitTag
from buildbot.steps.source.github import GitHub
from chargehand.domain.build import Segment
from chargehand.domain.identifiers import LogId
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.testing.execution import Workshop, sources_of
from chargehand.testing.git_repository import Repository
from chargehand.testing.memory_logs import MemoryLogStore


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    async with started_field(tmp_path) as found:
        yield found


async def test_a_clone_brings_the_sources_and_their_revision(field: Field) -> None:
    build = await field.get()

    assert build.result == Result.SUCCESS
    assert field.files() == {"a"}
    assert field.property("got_revision") == field.repository.git("rev-parse", "HEAD")
    assert field.workshop.outcome() == [("git", 0, "update")]
    url = field.repository.url
    assert field.commands() == [f"git clone {url} . --progress", "git rev-parse HEAD"]


async def test_an_update_keeps_what_builds_made_and_follows_the_branch(field: Field) -> None:
    await field.get()
    (field.directory / "build" / "made").touch()
    revision = field.repository.commit("second", "b")
    field.repository.push()

    build = await field.get(stamp={"branch": "main"})

    assert build.result == Result.SUCCESS
    assert field.files() == {"a", "b", "made"}
    assert field.property("got_revision") == revision
    assert field.commands() == [
        f"git fetch -f --no-recurse-submodules --progress {field.repository.url} refs/heads/main",
        "git checkout -f -B main FETCH_HEAD",
        "git rev-parse HEAD",
    ]


@pytest.mark.parametrize("mode", ["incremental", "full"])
async def test_what_is_no_clone_makes_way_for_one(field: Field, mode: str) -> None:
    (field.directory / "build" / "left").mkdir(parents=True)

    build = await field.get(mode=mode)

    assert build.result == Result.SUCCESS
    assert field.files() == {"a"}


async def test_tags_are_fetched_even_if_the_revision_is_there(field: Field) -> None:
    first = field.repository.git("rev-parse", "HEAD")
    await field.get(tags=True)
    field.repository.git("tag", "new")
    field.repository.git("push", "-q", "origin", "new")

    await field.get(stamp={"branch": "main", "revision": first}, tags=True)

    assert field.commands()[0].startswith("git fetch -f --tags")


async def test_the_revision_of_the_source_stamp_is_checked_out(field: Field) -> None:
    first = field.repository.git("rev-parse", "HEAD")
    field.repository.commit("second", "b")
    field.repository.push()

    await field.get(stamp={"branch": "main", "revision": first})
    cloned = field.files()
    await field.get(stamp={"branch": "main"})
    updated = field.files()
    await field.get(stamp={"branch": "main", "revision": first})

    assert (cloned, updated, field.files()) == ({"a"}, {"a", "b"}, {"a"})
    assert field.property("got_revision") == first
    assert not any("fetch" in command for command in field.commands())


async def test_the_latest_is_used_when_that_is_asked_for(field: Field) -> None:
    first = field.repository.git("rev-parse", "HEAD")
    field.repository.commit("second", "b")
    field.repository.push()

    await field.get(stamp={"branch": "main", "revision": first}, alwaysUseLatest=True)

    assert field.files() == {"a", "b"}


@pytest.mark.parametrize(
    ("method", "left"),
    [
        ("clean", {"a", ".gitignore", "ignored"}),
        ("fresh", {"a", ".gitignore"}),
        (None, {"a", ".gitignore"}),
        ("clobber", {"a", ".gitignore"}),
        ("copy", {"a", ".gitignore"}),
    ],
)
async def test_a_full_update_leaves_what_its_method_leaves(
    field: Field, method: str | None, left: set[str]
) -> None:
    (field.repository.copy / ".gitignore").write_text("ignored\n")
    field.repository.commit("second", "a")
    field.repository.push()
    await field.get(mode="full", method=method)
    for name in ("ignored", "made"):
        (field.directory / "build" / name).touch()

    build = await field.get(mode="full", method=method)

    assert build.result == Result.SUCCESS
    assert field.files() == left
    assert field.property("got_revision") == field.repository.git("rev-parse", "HEAD")


async def test_a_shallow_clone_has_only_as_much_history_as_asked_for(field: Field) -> None:
    for number in range(4):
        field.repository.commit(f"c{number}")
    field.repository.push()

    await field.get(shallow=2)

    assert (field.directory / "build" / ".git" / "shallow").exists()
    assert f"git clone --depth 2 {field.repository.url} . --progress" in field.commands()


async def test_a_revision_that_no_branch_has_any_more_is_fetched_by_its_name(
    field: Field,
) -> None:
    field.repository.git("-C", str(field.repository.bare), "config", "uploadpack.allowAny", "true")
    config = ("config", "uploadpack.allowAnySHA1InWant", "true")
    field.repository.git("-C", str(field.repository.bare), *config)
    lost = field.repository.commit("lost", "lost")
    field.repository.push()
    field.repository.git("reset", "-q", "--hard", "HEAD~1")
    field.repository.push()

    build = await field.get(stamp={"branch": "main", "revision": lost})

    assert build.result == Result.SUCCESS
    assert field.files() == {"a", "lost"}


async def test_a_ref_that_is_no_branch_is_fetched(field: Field) -> None:
    field.repository.commit("pull", "pulled")
    field.repository.push("HEAD:refs/pull/1/head")

    build = await field.get(stamp={"branch": "refs/pull/1/head"})
    cloned = field.files()
    again = await field.get(stamp={"branch": "refs/pull/1/head"})

    assert (build.result, again.result) == (Result.SUCCESS, Result.SUCCESS)
    assert cloned == field.files() == {"a", "pulled"}


async def test_of_a_pull_request_github_gets_the_newest_merge(field: Field) -> None:
    field.repository.commit("merge", "merged")
    field.repository.push("HEAD:refs/pull/1/merge")

    build = await field.build(
        GitHub(repourl=field.repository.url), branch="refs/pull/1/merge", revision="f" * 40
    )

    assert build.result == Result.SUCCESS
    assert field.files() == {"a", "merged"}


async def test_a_tag_may_stand_for_a_branch(field: Field) -> None:
    field.repository.git("tag", "-a", "v1", "-m", "v1")
    field.repository.push("v1")
    field.repository.commit("second", "b")
    field.repository.push()

    await field.get(branch="v1", getDescription={"tags": True, "always": True})

    assert field.files() == {"a"}
    assert field.property("commit-description") == "v1"


async def test_a_description_that_there_is_not_fails_nothing(field: Field) -> None:
    build = await field.get(getDescription=True)

    assert build.result == Result.SUCCESS
    assert field.property("commit-description") is None


async def test_submodules_come_and_are_cleaned(field: Field, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Repository(tmp_path / "other")
    other.commit("in the submodule", "s")
    other.push()
    allow = ("-c", "protocol.file.allow=always")
    field.repository.git(*allow, "submodule", "--quiet", "add", other.url, "sub")
    field.repository.git("commit", "-q", "-m", "with submodule")
    field.repository.push()
    arguments: dict[str, Any] = {
        "submodules": True,
        "mode": "full",
        "method": "fresh",
        "config": {"protocol.file.allow": "always"},
    }
    first = await field.get(**arguments)
    (field.directory / "build" / "sub" / "made").touch()

    second = await field.get(**arguments)

    assert (first.result, second.result) == (Result.SUCCESS, Result.SUCCESS)
    assert field.files("build/sub") == {"s"}


async def test_a_failure_is_the_steps_and_halts_the_build(field: Field) -> None:
    url = f"{field.repository.url}-gone"

    build = await field.build(Git(repourl=url), Git(repourl=field.repository.url, name="next"))

    assert build.result == Result.FAILURE
    [(name, result, sentence)] = field.workshop.outcome()
    assert (name, result) == ("git", 2)
    assert sentence == f"cannot clone {url}: repository does not exist"
    assert "does not appear to be a git repository" in field.workshop.logs.text("stdio")


async def test_a_clone_is_tried_again_as_often_as_asked_for(field: Field) -> None:
    build = await field.get(branch="nowhere", retry=(0, 2))

    assert build.result == Result.FAILURE
    clones = [command for command in field.commands() if command.startswith("git clone")]
    assert len(clones) == 3


async def test_a_broken_clone_is_replaced(field: Field) -> None:
    await field.get()
    (field.directory / "build" / ".git" / "HEAD").write_text("nonsense")

    build = await field.get()

    assert build.result == Result.SUCCESS
    assert field.files() == {"a"}
    assert "cloning again" in field.workshop.logs.text("stdio")


async def test_a_repository_that_is_away_costs_no_clone(field: Field) -> None:
    await field.get()
    (field.directory / "build" / "made").touch()
    away = field.repository.bare.rename(field.repository.bare.with_name("away"))

    build = await field.get(stamp={"branch": "main"})

    assert build.result == Result.FAILURE
    [(_, _, sentence)] = field.workshop.outcome()
    url = field.repository.url
    assert sentence == f"cannot fetch from {url}: repository does not exist"
    assert field.files() == {"a", "made"}
    away.rename(field.repository.bare)


async def test_a_branch_that_does_not_exist_is_named(field: Field) -> None:
    fresh = await field.get(stamp={"branch": "nowhere"})
    [(_, _, of_clone)] = field.workshop.outcome()
    await field.get()
    existing = await field.get(stamp={"branch": "nowhere"})
    [(_, _, of_fetch)] = field.workshop.outcome()

    assert (fresh.result, existing.result) == (Result.FAILURE, Result.FAILURE)
    assert of_clone.endswith('up.git: it has no branch or tag "nowhere"')
    assert of_fetch.endswith('up.git: it has no branch or tag "nowhere"')


async def test_a_copy_may_go_anywhere_below_the_builder(field: Field) -> None:
    build = await field.get(mode="full", method="copy", workdir="deep/er/app")

    assert build.result == Result.SUCCESS
    assert field.files("deep/er/app") == {"a"}


async def test_a_fetch_that_fails_is_tried_again_when_that_is_asked_for(field: Field) -> None:
    await field.get()

    build = await field.get(stamp={"branch": "nowhere"}, retryFetch=True)

    assert build.result == Result.FAILURE
    assert len([command for command in field.commands() if "fetch" in command]) == 2


async def test_codebases_have_steps_directories_and_revisions_of_their_own(field: Field) -> None:
    plan = [
        Git(repourl=field.repository.url, codebase="one"),
        Git(repourl=field.repository.url, codebase="two", workdir="other"),
    ]
    sources = sources_of(SourceStamp(codebase="one"), SourceStamp(codebase="two"))
    install(asyncio.get_running_loop())
    factory = Recipe(BuildFactory(plan), lambda: None)
    field.workshop = Workshop(factory, session=field._session, sources=sources)

    await field.workshop.run()

    revision = field.repository.git("rev-parse", "HEAD")
    assert field.workshop.outcome() == [
        ("git-one", 0, "update one"),
        ("git-two", 0, "update two"),
    ]
    assert field.property("got_revision") == {"one": revision, "two": revision}
    assert field.files("other") == {"a"}


async def test_a_codebase_that_is_not_in_the_build_is_a_failure_in_words(field: Field) -> None:
    build = await field.get(codebase="missing")

    assert build.result == Result.FAILURE
    [(_, _, sentence)] = field.workshop.outcome()
    assert sentence == 'this build has no codebase "missing"'


async def test_passwords_and_keys_lie_beside_the_builder_only_while_it_runs(
    field: Field,
) -> None:
    private = field.directory.parent / ".b1.build.buildbot"
    modes = field.directory.parent / "modes"
    script = field.directory.parent / "bin" / "git"
    script.parent.mkdir()
    real = shutil.which("git")
    script.write_text(f'#!/bin/sh\nstat -c "%a %n" {private}/.??* {private}/ssh* > {modes}\n')
    script.open("a").write(f'exec {real} "$@"\n')
    script.chmod(0o755)

    build = await field.get(
        sshPrivateKey="TOP SECRET KEY",
        sshHostKey="ssh-ed25519 AAAA",
        auth_credentials=("user", "pass word"),
        env={"PATH": [str(script.parent), "${PATH}"]},
    )

    assert build.result == Result.SUCCESS
    text = field.workshop.logs.text("stdio")
    assert "TOP SECRET" not in text
    assert "pass word" not in text
    assert f"GIT_SSH_COMMAND=ssh -o BatchMode=yes -i {field.directory.parent}/.b1.build" in text
    lines = [line.split() for line in modes.read_text().splitlines()]
    assert {Path(path).name: mode for mode, path in lines} == {
        ".git-credentials": "600",
        "ssh-key": "600",
        "ssh-known-hosts": "600",
    }
    assert not private.exists()


async def test_what_was_got_can_be_changed_tagged_and_pushed(field: Field) -> None:
    await field.get(stamp={"branch": "main"})
    await field.get(stamp={"branch": "main"})
    (field.directory / "build" / "new").write_text("new")
    config = {"user.name": "Bot", "user.email": "bot@example.org"}

    build = await field.build(
        GitCommit(paths=["new"], messages=["add new"], config=config),
        GitTag(tagName="v9", annotated=True, messages=["nine"], config=config),
        GitPush(repourl=field.repository.url, branch="main"),
        GitPush(repourl=field.repository.url, branch="v9", name="push tag"),
    )

    assert build.result == Result.SUCCESS
    field.repository.git("fetch", "-q", "--tags", "origin")
    assert field.repository.git("log", "-1", "--format=%s", "origin/main") == "add new"
    assert field.repository.git("describe", "origin/main") == "v9"


async def test_a_step_that_waits_to_try_again_can_be_stopped(field: Field) -> None:
    step = Git(repourl=f"{field.repository.url}-gone", retry=(3600, 1))
    install(asyncio.get_running_loop())
    plan = Recipe(BuildFactory([step]), lambda: None)
    field.workshop = Workshop(plan, session=field._session)
    logs, failed = field.workshop.logs, asyncio.Event()

    def append(log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        appended = MemoryLogStore.append(logs, log_id, segment)
        if "exit code 128" in logs.text("stdio"):
            failed.set()
        return appended

    logs.append = append
    running = asyncio.create_task(field.workshop.run())
    await failed.wait()

    [build] = field.workshop.builds.builds
    assert field.workshop.service.stop(build, "enough")

    assert (await running).result == Result.CANCELLED
