"""Intake: which sources run, and what is done to every change."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chargehand.config.model import Component, HostedSettings, NotYet
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import MasterId
from chargehand.intake.git_poller import GitPoller, Settings
from chargehand.intake.polling import Schedule
from chargehand.intake.rules import InvalidChange
from chargehand.intake.service import Intake
from chargehand.testing.git_repository import Repository
from chargehand.testing.intake import (
    MemoryChangeSourceStore,
    MemoryChangeStore,
    MemoryStateStore,
)


class Runtime:
    """A user's source that notes what is done to it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[str] = []
        self._error = error

    async def start(self) -> None:
        self.calls.append("start")
        if self._error:
            raise self._error

    async def stop(self) -> None:
        self.calls.append("stop")

    def force(self) -> bool:
        self.calls.append("force")
        return True


class Bench:
    def __init__(self, basedir: Path) -> None:
        self.state = MemoryStateStore()
        self.changes = MemoryChangeStore(self.state)
        self.sources = MemoryChangeSourceStore()
        self.intake = Intake(
            changes=self.changes,
            state=self.state,
            sources=self.sources,
            master_id=MasterId(1),
            basedir=basedir,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def _hosted(name: str, runtime: Runtime, identity: Any = None) -> Component:
    return Component(name=name, settings=HostedSettings(runtime=runtime), identity=identity)


async def test_a_reconfiguration_touches_only_what_differs(bench: Bench) -> None:
    kept, altered, removed = Runtime(), Runtime(), Runtime()
    await bench.intake.reconfigure(
        [_hosted("kept", kept, 1), _hosted("altered", altered, 1), _hosted("removed", removed, 1)]
    )
    again, new, added = Runtime(), Runtime(), Runtime()

    await bench.intake.reconfigure(
        [_hosted("kept", again, 1), _hosted("altered", new, 2), _hosted("added", added, 1)]
    )

    assert kept.calls == ["start"]
    assert again.calls == []
    assert altered.calls == ["start", "stop"]
    assert removed.calls == ["start", "stop"]
    assert new.calls == ["start"]
    assert added.calls == ["start"]
    await bench.intake.stop()
    assert kept.calls == ["start", "stop"]
    assert bench.sources.active == set()


async def test_a_source_that_cannot_start_does_not_keep_the_others_from_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    good = Runtime()

    await bench.intake.reconfigure([_hosted("bad", Runtime(OSError("no"))), _hosted("good", good)])

    assert good.calls == ["start"]
    assert "cannot start change source bad" in caplog.text
    await bench.intake.stop()


async def test_a_kind_that_is_not_supported_yet_does_no_harm(bench: Bench) -> None:
    await bench.intake.reconfigure([Component(name="s", settings=NotYet("SVNPoller"))])

    assert not bench.intake.force("s")
    await bench.intake.stop()


async def test_bytes_in_a_change_are_decoded_and_nonsense_is_refused(bench: Bench) -> None:
    raw: Any = {"author": "Ö".encode(), "files": [b"f"], "properties": {"p": (b"v", "Mine")}}

    change = await bench.intake.add_change(NewChange(**raw))

    assert (change.author, change.files) == ("Ö", ("f",))
    assert change.properties == {"p": ("v", "Mine")}
    with pytest.raises(InvalidChange, match="branch must be a string"):
        await bench.intake.add_change(NewChange(author="a", branch=["x"]))  # type: ignore[arg-type]


@pytest.mark.looptime
async def test_another_masters_source_is_taken_over_when_it_is_given_up(bench: Bench) -> None:
    runtime = Runtime()
    bench.sources.others.add("shared")
    await bench.intake.reconfigure([_hosted("shared", runtime)])
    assert runtime.calls == []

    bench.sources.others.clear()
    await asyncio.sleep(61)

    assert runtime.calls == ["start"]
    await bench.intake.stop()


@pytest.mark.looptime
async def test_sources_that_come_later_are_claimed_again_as_well(bench: Bench) -> None:
    runtime = Runtime()
    bench.sources.others.add("shared")
    await bench.intake.reconfigure([])
    await bench.intake.reconfigure([_hosted("shared", runtime)])

    bench.sources.others.clear()
    await asyncio.sleep(61)

    assert runtime.calls == ["start"]
    await bench.intake.stop()


async def test_changes_get_their_link_and_codebase(bench: Bench) -> None:
    async def codebase(change: dict[str, Any]) -> str:
        return f"cb of {change['repository']}"

    await bench.intake.reconfigure(
        [],
        revlink=lambda revision, repository: f"{repository}/{revision}",
        codebase_generator=codebase,
    )

    plain = await bench.intake.add_change(NewChange(author="a", revision="1", repository="r"))
    explicit = await bench.intake.add_change(
        NewChange(author="a", revision="1", repository="r", revlink="own", codebase="mine")
    )

    assert (plain.revlink, plain.codebase) == ("r/1", "cb of r")
    assert (explicit.revlink, explicit.codebase) == ("own", "mine")


async def test_functions_that_fail_cost_no_change(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def revlink(revision: str, repository: str) -> str:
        raise ValueError("revlink")

    async def codebase(change: dict[str, Any]) -> str:
        raise ValueError("codebase")

    await bench.intake.reconfigure([], revlink=revlink, codebase_generator=codebase)

    change = await bench.intake.add_change(NewChange(author="a", revision="1", repository="r"))

    assert (change.revlink, change.codebase) == ("", "")
    assert "revlink failed" in caplog.text
    assert "codebaseGenerator failed" in caplog.text


async def test_a_git_repository_is_polled_and_may_be_asked_for_at_once(
    bench: Bench, tmp_path: Path
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@x")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path / "r", check=True)

    (tmp_path / "r").mkdir()
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "old")
    url = (tmp_path / "r").as_uri()
    settings = Settings(url=url, schedule=Schedule(interval=0, at_launch=True))
    await bench.intake.reconfigure([Component(name="g", settings=settings)])
    await bench.changes.wait_for_transactions(1)
    git("commit", "-q", "--allow-empty", "-m", "new")

    assert bench.intake.force("g")
    changes = await bench.changes.wait_for(1)

    assert [change.comments for change in changes] == ["new"]
    assert (tmp_path / "gitpoller-work").is_dir()
    await bench.intake.stop()


async def test_a_source_that_is_removed_while_sources_are_claimed_does_not_start(
    bench: Bench,
) -> None:
    class Slow(Runtime):
        async def start(self) -> None:
            await super().start()
            starting.set()
            await may_start.wait()

    starting, may_start = asyncio.Event(), asyncio.Event()
    slow, removed = Slow(), Runtime()
    first = asyncio.ensure_future(
        bench.intake.reconfigure([_hosted("slow", slow, 1), _hosted("removed", removed, 1)])
    )
    await starting.wait()

    second = asyncio.ensure_future(bench.intake.reconfigure([]))
    await asyncio.sleep(0)
    may_start.set()
    await asyncio.gather(first, second)

    assert slow.calls == ["start", "stop"]
    assert removed.calls in (["start", "stop"], [])
    await bench.intake.stop()


async def test_claiming_again_stops_what_another_master_took_and_starts_what_is_free(
    bench: Bench,
) -> None:
    kept, taken = Runtime(), Runtime()
    await bench.intake.reconfigure([_hosted("kept", kept), _hosted("taken", taken)])
    await bench.sources.deactivate(MasterId(1))
    bench.sources.others.add("taken")

    await bench.intake.claim_again()
    assert (kept.calls, taken.calls) == (["start"], ["start", "stop"])

    bench.sources.others.clear()
    await bench.intake.claim_again()
    assert (kept.calls, taken.calls) == (["start"], ["start", "stop", "start"])
    await bench.intake.stop()


async def test_a_push_right_after_the_start_is_found(bench: Bench, tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push()
    settings = Settings(url=repository.url, schedule=Schedule(interval=0))

    await bench.intake.reconfigure([Component(name="g", settings=settings)])
    repository.commit("new")
    repository.push()
    bench.intake.force("g")

    [change] = await bench.changes.wait_for(1)
    assert change.comments == "new"
    await bench.intake.stop()


@pytest.mark.looptime
async def test_a_source_that_does_not_answer_holds_the_start_up_for_a_few_seconds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: GitPoller) -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(GitPoller, "remember", never)
    settings = [Settings(url=f"ssh://nowhere/{number}") for number in range(3)]
    components = [Component(name=one.url, settings=one) for one in settings]
    loop = asyncio.get_running_loop()
    begin = loop.time()

    await bench.intake.reconfigure(components)

    assert loop.time() - begin == 5
    await bench.intake.stop()


async def test_each_source_reports_how_it_fares(bench: Bench, tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("old")
    repository.push()

    def poller(name: str, **more: Any) -> Component:
        at_launch = Schedule(interval=0, at_launch=True)
        settings = Settings(url=more.pop("url", repository.url), schedule=at_launch, **more)
        return Component(name=name, settings=settings)

    await bench.intake.reconfigure(
        [
            poller("good"),
            poller("typo", branches=("mian",)),
            poller("gone", url=f"file://{tmp_path}/nothing.git"),
            _hosted("hosted", Runtime()),
            _hosted("port", Runtime(OSError("port 9989 is taken"))),
        ]
    )

    sources = bench.sources
    last = {name: sources.reported[source_id][-1] for name, source_id in sources.known.items()}
    assert {name: health.state.value for name, health in last.items()} == {
        "good": "ok",
        "typo": "warning",
        "gone": "failing",
        "hosted": "ok",
        "port": "failing",
    }
    assert last["port"].sentence == "port 9989 is taken"
    assert "no branch matches" in str(last["typo"].sentence)
    assert "does not" in str(last["gone"].sentence)
    await bench.intake.stop()
