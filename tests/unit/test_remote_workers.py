"""Workers that log in: credentials, duplicates, shutting down, and what is shown of refusals."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from test_news_while_reading import Gate

from buildbot.worker import AbstractLatentWorker
from buildbot.worker.machine import Machine
from chargehand.config.model import BuilderConfig, MasterConfig, WorkerConfig
from chargehand.domain.identifiers import MasterId, WorkerId
from chargehand.domain.session import SessionState
from chargehand.domain.worker import Standing, Worker
from chargehand.fleet.refusals import LoginRefused
from chargehand.fleet.remote import RemoteLink, RemoteWorkers
from chargehand.fleet.rules import WorkerState
from chargehand.fleet.service import Fleet
from chargehand.kit.clock import SystemClock
from chargehand.testing.fleet import MemoryInstanceStore, MemoryWorkerStore
from chargehand.testing.scripted_session import ScriptedSession


class RemoteScriptedSession(ScriptedSession):
    """A session of a worker that answers pings, or does not."""

    def __init__(
        self, link: RemoteLink, *, address: str = "10.0.0.1:1", alive: bool = True
    ) -> None:
        super().__init__(worker_name="arm-7")
        self.link = link
        self.address = address
        self.alive = alive
        self.ends: list[str] = []

    async def is_alive(self) -> bool:
        if not self.alive:
            raise TimeoutError
        return True

    async def shut_down(self) -> None:
        self.ends.append("shut down")
        self.lose()

    async def close(self) -> None:
        self.ends.append("closed")
        self.lose()

    def lose(self) -> None:
        self.state = SessionState.LOST
        self.link.changed(self)


@dataclass
class Farm:
    """A fleet with one remote worker."""

    fleet: Fleet
    workers: RemoteWorkers
    store: MemoryWorkerStore = field(default_factory=MemoryWorkerStore)

    async def configure(self, *workers: WorkerConfig) -> None:
        builder = BuilderConfig(
            name="tests",
            worker_names=tuple(worker.name for worker in workers),
            plan=None,
            builddir="tests",
            worker_builddir="t",
        )
        self.workers.reconfigure(MasterConfig(workers=workers, builders=(builder,)))
        await self.fleet.reconfigure(workers, {})
        await settled()

    async def login(self, password: str = "right", name: str = "arm-7") -> RemoteLink:
        admitted = await self.workers.admit(
            name,
            is_right=lambda expected: hmac.compare_digest(expected, password),
            address="10.0.0.9:40",
        )
        assert admitted.directories == {"tests": "t"}
        return admitted.link

    async def connect(
        self, *, address: str = "10.0.0.1:1", alive: bool = True
    ) -> RemoteScriptedSession:
        link = await self.login()
        session = RemoteScriptedSession(link, address=address, alive=alive)
        await link.attach(session)
        return session

    @property
    def shown(self) -> str:
        return self.store.workers["arm-7"].pause_reason or ""


def worker(
    password: str | Callable[[], Awaitable[str]] | None = "right", kind: str = "remote"
) -> WorkerConfig:
    return WorkerConfig(name="arm-7", kind=kind, password=password)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def farm(*workers: WorkerConfig) -> Farm:
    store = MemoryWorkerStore()
    remote = RemoteWorkers(clock=SystemClock())
    links = {"remote": remote, "latent": remote}
    made = Farm(
        Fleet(store=store, instances=MemoryInstanceStore(), master_id=MasterId(1), links=links),
        remote,
        store,
    )
    await made.configure(*(workers or (worker(),)))
    return made


async def test_a_worker_with_the_right_password_gets_builds_until_it_is_lost() -> None:
    ci = await farm()
    assert ci.fleet.state("arm-7") is WorkerState.OFFLINE

    session = await ci.connect()

    assert ci.fleet.reserve("arm-7") is session
    session.lose()
    await settled()
    assert ci.fleet.state("arm-7") is WorkerState.OFFLINE
    assert ci.store.workers["arm-7"].connected_to == ()


async def test_a_machine_keeps_its_password_when_the_configuration_is_read_again() -> None:
    hosted = Machine(AbstractLatentWorker("arm-7", None))
    running, again = (
        WorkerConfig(name="arm-7", kind="latent", password=_answering(text), instance=hosted)
        for text in ("right", None)
    )
    remote = RemoteWorkers(clock=SystemClock())
    remote.reconfigure(MasterConfig(workers=(running,)))
    registry = Fleet(
        store=MemoryWorkerStore(),
        instances=MemoryInstanceStore(),
        master_id=MasterId(1),
        links={},
    )
    link = remote(running, registry)
    await link.start()

    remote.reconfigure(MasterConfig(workers=(again,)))

    admitted = await remote.admit("arm-7", is_right=lambda text: text == "right", address="x")
    assert admitted.link is link
    with pytest.raises(LoginRefused):
        await remote.admit("arm-7", is_right=lambda text: text == "", address="x")
    await link.stop()


def _answering(text: str | None) -> Callable[[], Awaitable[str | None]]:
    async def answer() -> str | None:
        return text

    return answer


async def test_a_password_may_come_from_a_secret() -> None:
    async def secret() -> str:
        return "right"

    ci = await farm(worker(secret))

    await ci.connect()

    assert ci.fleet.state("arm-7") is WorkerState.READY


async def broken_secret() -> str:
    raise KeyError("secret 'arm' is not known")


@pytest.mark.parametrize("password", ["wrong", "", "right "])
@pytest.mark.parametrize("configured", ["right", "", broken_secret])
async def test_a_wrong_password_is_refused_and_shown_with_the_address(
    password: str, configured: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    ci = await farm(worker(configured))

    with pytest.raises(LoginRefused) as refusal:
        await ci.login(password)

    await settled()
    assert "unknown, or the password is wrong" in refusal.value.told
    assert "login from 10.0.0.9:40 refused at " in ci.shown
    assert ci.shown.endswith(": wrong password")
    assert 'refused a login as worker "arm-7" from 10.0.0.9:40: wrong password' in caplog.text
    (slot,) = ci.fleet.slots(["arm-7"])
    assert slot.refusal == ci.shown
    assert ci.fleet.failed_parts == []  # anybody could make a check of the master's health fail


@pytest.mark.looptime
async def test_a_flood_of_refused_logins_is_recorded_from_time_to_time_and_then_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ci = await farm()
    recorded: list[str | None] = []
    set_state = ci.store.set_state

    async def counting(worker_id: WorkerId, standing: Standing) -> Worker:
        recorded.append(standing.pause_reason)
        return await set_state(worker_id, standing)

    monkeypatch.setattr(ci.store, "set_state", counting)
    tasks = len(asyncio.all_tasks())
    for _ in range(50):
        for _ in range(20):
            with pytest.raises(LoginRefused):
                await ci.login("wrong")
        await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) <= tasks + 2
    await asyncio.sleep(15)
    assert ci.shown.endswith(": wrong password (1000 times)")
    assert 5 <= len(recorded) <= 7
    await asyncio.sleep(900)
    assert not ci.shown
    with pytest.raises(LoginRefused):
        await ci.login("wrong")
    await settled()
    assert ci.shown


async def test_what_is_shown_of_a_refusal_ends_with_the_next_login() -> None:
    ci = await farm()
    with pytest.raises(LoginRefused):
        await ci.login("wrong")

    await ci.connect()
    await settled()

    assert ci.shown == ""


async def test_a_worker_that_tries_on_and_on_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ci = await farm()

    for name in ["stranger\n\x1b[2J", "stranger\n\x1b[2J", "stranger\n\x1b[2J", "x" * 1000]:
        with pytest.raises(LoginRefused) as refusal:
            await ci.login(name=name)
        assert "unknown, or the password is wrong" in refusal.value.told

    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2
    assert 'as worker "stranger??[2J" from 10.0.0.9:40: no worker of this name' in told[0]
    assert len(told[1]) < 250


async def test_a_local_worker_cannot_log_in() -> None:
    ci = await farm(worker(None, kind="local"))

    with pytest.raises(LoginRefused, match="no password"):
        await ci.login()


async def test_the_older_connection_stays_when_its_worker_answers() -> None:
    ci = await farm()
    first = await ci.connect(address="10.0.0.1:1")

    with pytest.raises(LoginRefused, match=r"connected from 10\.0\.0\.1:1, and answers"):
        await ci.connect(address="10.0.0.2:2")

    assert ci.fleet.reserve("arm-7") is first


async def test_the_newer_connection_wins_when_the_older_is_dead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ci = await farm()
    first = await ci.connect(address="10.0.0.1:1", alive=False)

    second = await ci.connect(address="10.0.0.2:2")

    assert first.ends == ["closed"]
    assert ci.fleet.reserve("arm-7") is second
    assert "connected from 10.0.0.2:2, and is no longer responding at 10.0.0.1:1" in caplog.text
    await settled()
    assert ci.store.workers["arm-7"].connected_to == (MasterId(1),)


async def test_a_new_password_counts_from_the_next_login_on() -> None:
    ci = await farm()
    session = await ci.connect()

    await ci.configure(worker("other"))

    assert ci.fleet.reserve("arm-7") is session
    session.lose()
    await settled()
    with pytest.raises(LoginRefused, match="wrong password"):
        await ci.login("right")
    await ci.login("other")


async def test_a_worker_that_was_removed_is_closed_after_its_last_build() -> None:
    ci = await farm()
    session = await ci.connect()
    ci.fleet.reserve("arm-7")

    await ci.configure()
    assert session.ends == []

    ci.fleet.release("arm-7")
    await settled()
    assert session.ends == ["closed"]
    with pytest.raises(LoginRefused, match="no worker of this name"):
        await ci.login()


async def test_stopping_the_master_does_not_stop_workers() -> None:
    ci = await farm()
    session = await ci.connect()

    await ci.fleet.close()

    assert session.ends == ["closed"]


async def test_a_worker_is_shut_down_after_its_last_build_and_may_be_started_again() -> None:
    ci = await farm()
    session = await ci.connect()
    ci.fleet.reserve("arm-7")

    session.link.stop_requested()
    await settled()
    assert ci.fleet.state("arm-7") is WorkerState.DRAINING
    ci.fleet.release("arm-7")
    await settled()
    assert session.ends == ["shut down"]
    assert ci.fleet.state("arm-7") is WorkerState.STOPPED

    again = await ci.connect()
    assert ci.fleet.reserve("arm-7") is again
    assert not ci.store.workers["arm-7"].graceful


async def test_a_worker_that_comes_back_after_its_stop_while_it_is_removed_is_removed() -> None:
    ci = await farm()
    session = await ci.connect()
    session.link.stop_requested()
    await settled()
    assert session.ends == ["shut down"]

    gate = Gate(ci.store, "set_state")
    again = RemoteScriptedSession(await ci.login())
    coming = asyncio.create_task(again.link.attach(again))
    await gate.asked.wait()
    removal = asyncio.create_task(ci.configure())
    await settled()
    gate.open()
    await asyncio.gather(coming, removal)
    await settled()

    assert again.ends == ["closed"]
    with pytest.raises(LookupError):
        ci.fleet.state("arm-7")


async def test_a_worker_that_loses_its_connection_while_it_drains_is_shut_down_later() -> None:
    ci = await farm()
    first = await ci.connect()
    ci.fleet.reserve("arm-7")
    await ci.fleet.control("arm-7", "stop", "by hand")
    first.lose()
    ci.fleet.release("arm-7")
    await settled()

    second = await ci.connect()
    await settled()

    assert second.ends == ["shut down"]
    assert ci.fleet.state("arm-7") is WorkerState.STOPPED


async def test_a_worker_asked_to_stop_goes_on_when_that_is_taken_back() -> None:
    ci = await farm()
    session = await ci.connect()
    ci.fleet.reserve("arm-7")
    await ci.fleet.control("arm-7", "stop", "by hand")

    await ci.fleet.control("arm-7", "unpause", "")
    ci.fleet.release("arm-7")
    await settled()

    assert session.ends == []
    assert ci.fleet.state("arm-7") is WorkerState.READY


async def test_a_worker_is_unknown_until_it_has_connected_once() -> None:
    ci = await farm()

    (before,) = ci.fleet.slots(["arm-7"])
    session = await ci.connect()
    await settled()
    (connected,) = ci.fleet.slots(["arm-7"])
    session.lose()
    await settled()
    (lost,) = ci.fleet.slots(["arm-7"])

    assert (before.is_unknown, connected.is_unknown, lost.is_unknown) == (True, False, False)
    (of_the_master,) = (await farm(worker(kind="latent"))).fleet.slots(["arm-7"])
    assert not of_the_master.is_unknown
