"""Change sources of the extension API: what configurations name, and what users write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer

from buildbot._border import bridge
from buildbot._border.bridge import inward, outward
from buildbot._border.errors import ConfigErrors, collecting
from buildbot._border.reactor import install_reactor
from buildbot.changes.base import ChangeSource, PollingChangeSource
from buildbot.changes.base import ReconfigurablePollingChangeSource as Reconfigurable
from buildbot.changes.gitpoller import GitPoller
from buildbot.changes.pb import PBChangeSource
from buildbot.clients.sendchange import SendChangeFailed, send
from buildbot.pbmanager import PBManager
from buildbot.plugins import changes, util
from buildbot.process.build_parts import ChangeView
from buildbot.util.git_credential import GitCredentialOptions
from buildbot.util.service import AsyncMultiService
from chargehand.config.model import Component, HostedSettings, NotYet
from chargehand.domain.change import Change as StoredChange
from chargehand.domain.identifiers import MasterId
from chargehand.intake.git_poller import Settings, Watched
from chargehand.intake.rules import change_from
from chargehand.intake.service import Intake
from chargehand.kit.values import replace
from chargehand.testing.git_repository import Repository
from chargehand.testing.intake import (
    MemoryChangeSourceStore,
    MemoryChangeStore,
    MemoryStateStore,
)


class Master(AsyncMultiService):
    """As much of a master as change sources ask for."""

    def __init__(self, basedir: Path) -> None:
        super().__init__()
        self.basedir = str(basedir)
        self.running = 1
        self._master = self
        self.pbmanager = PBManager()
        self.state_store = MemoryStateStore()
        self.changes = MemoryChangeStore(self.state_store)
        self.intake = Intake(
            changes=self.changes,
            state=self.state_store,
            sources=MemoryChangeSourceStore(),
            master_id=MasterId(1),
            basedir=basedir,
        )
        self.data = self.updates = self.db = self.state = self  # each of them, in one

    def addChange(self, *, trust_reason: str | None = None, **change: Any) -> Any:
        new = change_from(change)
        if trust_reason is not None:
            new = replace(new, trust_reason=trust_reason)
        return outward(self.intake.add_change(new))

    def getObjectId(self, name: str, kind: str) -> Any:
        return defer.succeed((name, kind))

    def getState(self, key: tuple[str, str], name: str, default: Any) -> Any:
        return outward(self.state_store.get(*key, name, default))

    def setState(self, key: tuple[str, str], name: str, value: Any) -> Any:
        return outward(self.state_store.set(*key, name, value))


Run = Callable[..., Any]


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Master]:
    loop = asyncio.get_running_loop()
    install_reactor(loop)
    bridge.install(loop)
    master = Master(tmp_path)
    yield master
    await master.intake.stop()


async def _run(master: Master, *sources: Any) -> None:
    components = []
    for source in sources:
        component: Component = source._as_component()
        source.master = master
        components.append(component)
    await master.intake.reconfigure(components)


async def _plain(self: Any) -> None:
    await self.master.data.updates.addChange(author="async", comments=self.name)


def _deferred(self: Any) -> Any:
    return self.master.data.updates.addChange(author="deferred", comments=self.name)


@defer.inlineCallbacks
def _generator(self: Any) -> Any:
    yield self.master.data.updates.addChange(author="generator", comments=self.name)


@pytest.mark.parametrize("style", [_plain, _deferred, _generator])
async def test_a_users_poller_may_be_written_in_any_style(master: Master, style: Any) -> None:
    class Mine(PollingChangeSource):
        poll = style

        def __init__(self, url: str) -> None:
            self.url = url
            super().__init__(name=url, pollInterval=3600, pollAtLaunch=True)

    await _run(master, Mine("some url"))

    [change] = await master.changes.wait_for(1)
    assert change.comments == "some url"


async def test_a_users_poller_is_polled_when_it_is_forced(master: Master) -> None:
    class Mine(Reconfigurable):
        poll = _plain

    await _run(master, Mine(name="mine", pollInterval=3600))

    assert master.intake.force("mine")
    assert len(await master.changes.wait_for(1)) == 1


async def test_a_poller_takes_arguments_by_check_config_and_reconfig_service(
    master: Master,
) -> None:
    class Mine(Reconfigurable):
        def checkConfig(self, url: str, **kwargs: Any) -> None:
            super().checkConfig(**kwargs)

        @defer.inlineCallbacks
        def reconfigService(self, url: str, **kwargs: Any) -> Any:
            yield super().reconfigService(**kwargs)
            self.url = url

        def poll(self) -> Any:
            return self.master.data.updates.addChange(author=self.url)

    await _run(master, Mine(url="the url", name="mine", pollInterval=60, pollAtLaunch=True))

    [change] = await master.changes.wait_for(1)
    assert change.author == "the url"


async def test_a_users_source_may_listen_as_it_likes(master: Master) -> None:
    calls = []

    class Mine(ChangeSource):
        def startService(self) -> Any:
            calls.append("start")
            return super().startService()

        def activate(self) -> Any:
            calls.append("activate")
            return super().activate()

        def stopService(self) -> Any:
            calls.append("stop")
            return super().stopService()

    await _run(master, Mine())
    await master.intake.reconfigure([])

    assert calls == ["start", "activate", "stop"]
    assert Mine().name == "Mine"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, Watched.DEFAULT_BRANCH),
        ({"branch": "b"}, ("b",)),
        ({"branches": ["a", "b"]}, ("a", "b")),
        ({"branches": True}, Watched.ALL_BRANCHES),
        ({"only_tags": True}, Watched.TAGS),
    ],
)
def test_a_git_poller_becomes_settings_of_the_engine(
    arguments: dict[str, Any], expected: Any
) -> None:
    component = GitPoller("url", pollInterval=7, **arguments)._as_component()

    assert component.name == "url"
    assert isinstance(component.settings, Settings)
    assert component.settings.branches == expected
    assert component.settings.schedule.interval == 7
    assert component.settings.directory == "gitpoller-work"


def test_the_arguments_may_be_given_in_order_or_by_their_old_names() -> None:
    source = GitPoller("url", None, "b", "wd", 60, "/bin/git", False, "cat", "prj", 30)

    settings = source._engine_settings()

    assert settings.branches == ("b",)
    assert (settings.directory, settings.binary) == ("wd", "/bin/git")
    assert (settings.category, settings.project) == ("cat", "prj")
    assert settings.schedule.interval == 30
    assert not settings.use_timestamps


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"branch": "a", "branches": ["b"]}, "set either branch or branches, not both"),
        ({"only_tags": True, "branch": "b"}, "set either only_tags or branch/branches, not both"),
        ({"branches": "main"}, "branches must be a list of names, True, or a function"),
        ({"fetch_refspec": "x"}, "fetch_refspec is no longer supported"),
        ({"encoding": "klingon"}, "unknown encoding 'klingon'"),
        ({"sshHostKey": "k"}, "sshPrivateKey must be provided"),
        ({"sshPrivateKey": "k", "sshHostKey": "k", "sshKnownHosts": "k"}, "only one of"),
        ({"pollInterval": "soon"}, "pollInterval must be a number of seconds"),
        ({"pollRandomDelayMin": 5, "pollRandomDelayMax": 2}, "must not be greater"),
        ({"repourl": "--upload-pack=x"}, "starts like an option"),
        ({"auth_credentials": "user"}, "must be a tuple of a name and a password"),
        ({"brnch": "x"}, 'has no argument "brnch"; did you mean "branch"'),
    ],
)
def test_what_is_wrong_with_a_git_poller_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with collecting() as collector, pytest.raises(ConfigErrors, match=sentence):
        GitPoller(**{"repourl": "url", **arguments})
        collector.raise_if_any()


async def test_secrets_of_a_git_poller_are_rendered_for_each_poll() -> None:
    source = GitPoller(
        "https://example.org/x.git",
        sshPrivateKey="key",
        auth_credentials=("user", "pass"),
        git_credentials=GitCredentialOptions(["url=https://other"], use_http_path=True),
    )
    hook = source._engine_settings().credentials
    assert hook is not None

    credentials = await hook()

    assert credentials.ssh_private_key == "key"
    assert credentials.descriptions == (
        "url=https://example.org/x.git\nusername=user\npassword=pass\n",
        "url=https://other",
    )
    assert credentials.use_http_path


async def test_functions_of_a_git_poller_may_be_async(master: Master, tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push("main", "main:other")

    async def category(change: dict[str, Any]) -> str:
        return f"on {change['branch']}"

    def branches(ref: str) -> bool:
        return not ref.endswith("other")

    source = GitPoller(
        repository.url, branches=branches, category=category, pollInterval=0, pollAtLaunch=True
    )
    await _run(master, source)
    await master.changes.wait_for_transactions(1)
    repository.commit("new")
    repository.push("main", "main:other")

    assert master.intake.force(repository.url)
    [change] = await master.changes.wait_for(1)

    assert (change.category, change.branch) == ("on main", "main")


async def test_a_git_poller_may_do_something_around_its_poll(
    master: Master, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push()
    polls = []

    class Mine(GitPoller):
        @defer.inlineCallbacks
        def poll(self) -> Any:
            yield super().poll()
            polls.append(dict(self.lastRev))

    source = Mine(repository.url, pollInterval=3600)
    assert isinstance(source._as_component().settings, HostedSettings)
    await _run(master, source)
    await inward(source.poll)
    new = repository.commit("new")
    repository.push()

    await inward(source.poll)

    [change] = master.changes.changes
    assert (change.comments, change.files) == ("new", ("file",))
    assert polls[-1] == {"main": new}


async def test_a_git_poller_may_make_its_own_changes_of_commits(
    master: Master, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push()

    class Mine(GitPoller):
        @defer.inlineCallbacks
        def _get_commit_comments(self, rev: str) -> Any:
            comments = yield super()._get_commit_comments(rev)
            return comments.upper()

        async def _get_commit_files(self, rev: str) -> list[str]:
            return [f"mine/{name}" for name in await super()._get_commit_files(rev)]

    source = Mine(repository.url, pollInterval=3600, project="prj")
    await _run(master, source)
    await inward(source.poll)
    repository.commit("one", "a")
    repository.commit("two", "b c")
    repository.push()

    await inward(source.poll)
    await inward(source.poll)

    assert [(c.comments, c.files, c.project) for c in master.changes.changes] == [
        ("ONE", ("mine/a",), "prj"),
        ("TWO", ("mine/b c",), "prj"),
    ]
    assert master.changes.changes[0].author == "Ann Ö <ann@example.org>"


async def test_a_git_poller_may_take_each_branchs_news_into_its_own_hands(
    master: Master, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push()

    class Mine(GitPoller):
        @defer.inlineCallbacks
        def _process_changes(self, newRev: str, branch: str) -> Any:
            log = yield self._dovccmd("log", ["-1", "--format=%s", newRev], self.workdir)
            yield self.master.data.updates.addChange(author="me", comments=log, branch=branch)

    source = Mine(repository.url, branches=True, pollInterval=3600)
    await _run(master, source)
    await inward(source.poll)
    repository.commit("new")
    repository.push()

    await inward(source.poll)

    [change] = master.changes.changes
    assert (change.comments, change.branch) == ("new\n", "main")


async def test_a_pb_source_takes_changes_from_who_knows_its_password(master: Master) -> None:
    source = PBChangeSource("u", "p", port="tcp:0:interface=127.0.0.1", prefix="src/")
    await _run(master, source)
    assert source._registration is not None
    port = source._registration.getPort()

    await send(master=f"127.0.0.1:{port}", user="u", password="p", who="Ann", files=["src/a"])

    [change] = master.changes.changes
    assert (change.author, change.files) == ("Ann", ("a",))


async def test_a_pb_source_limits_how_far_its_changes_are_trusted(master: Master) -> None:
    source = PBChangeSource(
        "u", "p", port="tcp:0:interface=127.0.0.1", name="forks", trust="reviewed"
    )
    await _run(master, source)
    assert source._registration is not None
    address = f"127.0.0.1:{source._registration.getPort()}"

    for level in (None, "untrusted", "trusted"):
        await send(master=address, user="u", password="p", who="Ann", trust=level)
    with pytest.raises(SendChangeFailed, match=r"trust must be one of .*, not 'full'"):
        await send(master=address, user="u", password="p", who="Ann", trust="full")

    assert [(one.trust, one.trust_reason) for one in master.changes.changes] == [
        ("reviewed", "change source forks"),
        ("untrusted", "as its sender said"),
        ("reviewed", "change source forks"),
    ]


async def test_a_pb_source_without_a_port_uses_that_of_the_workers(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    class Config:
        protocols = {"pb": {"port": "tcp:0:interface=127.0.0.1"}}

    master.config = Config()  # type: ignore[attr-defined]
    source = PBChangeSource()

    await _run(master, source)

    assert source._registration is not None
    assert source.name == "PBChangeSource:None"


async def test_a_pb_source_whose_port_is_taken_does_not_harm_the_others(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = f"tcp:{server.sockets[0].getsockname()[1]}:interface=127.0.0.1"
    good = PBChangeSource(port="tcp:0:interface=127.0.0.1")

    await _run(master, PBChangeSource(port=port), good)

    assert good._registration is not None
    assert f"cannot listen on {port}" in caplog.text
    server.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"user": ""}, "user must be a name"),
        ({"port": 9.5}, "port must be a number from 0 to 65535, not 9.5"),
        ({"prefix": 3}, "prefix must be a string or None"),
    ],
)
def test_what_is_wrong_with_a_pb_source_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigErrors, match=sentence):
        PBChangeSource(**arguments)


def test_a_source_of_a_kind_to_come_is_accepted_under_the_name_of_what_it_watches() -> None:
    component = changes.HgPoller("https://example.org/x", pollInterval=60)._as_component()

    assert component.name == "https://example.org/x"
    assert component.settings == NotYet("HgPoller")
    with pytest.raises(ConfigErrors, match='has no argument "pollIntervall"'):
        changes.HgPoller("url", pollIntervall=60)


def test_paths_of_subversion_are_taken_apart() -> None:
    assert util.svn.split_file_alwaystrunk("a/b") == {"path": "a/b"}
    assert util.svn.split_file_branches("trunk/a/b") == (None, "a/b")
    assert util.svn.split_file_branches("branches/1.x/a/b") == ("branches/1.x", "a/b")
    assert util.svn.split_file_branches("tags/1/a") is None
    assert util.svn.split_file_projects_branches("p/branches/1.x/a") == {
        "project": "p",
        "branch": "branches/1.x",
        "path": "a",
    }
    assert util.svn.split_file_projects_branches("README") is None


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"eventtype": "ref-updated"}, True),
        ({"eventtype": "patchset-created"}, False),
        ({"eventtype_re": "ref-.*", "branch": "main"}, True),
        ({"eventtype_fn": lambda kind: kind == "x"}, False),
        ({"eventtype_not_eq": "ref-updated"}, False),
    ],
)
def test_changes_of_gerrit_are_chosen_by_their_event(
    conditions: dict[str, Any], expected: bool
) -> None:
    fields: dict[str, Any] = {
        "id": 1,
        "source_stamp_id": 1,
        "author": "a",
        "committer": None,
        "files": (),
        "comments": "",
        "revision": None,
        "when": 0.0,
        "branch": "main",
        "category": None,
        "revlink": "",
        "properties": {"event.type": ("ref-updated", "Change")},
        "repository": "",
        "project": "",
        "codebase": "",
    }
    change = ChangeView(StoredChange(**fields))

    assert util.GerritChangeFilter(**conditions).filter_change(change) is expected
