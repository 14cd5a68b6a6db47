"""The fleet: who is there, who may build, and what happens when that changes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from waiting import PATIENCE

from chargehand.config.model import WorkerConfig
from chargehand.domain.identifiers import BuilderId, MasterId
from chargehand.domain.session import SessionState
from chargehand.domain.worker import WorkerInfo, WorkerSlot, why_ordered
from chargehand.fleet.ports import Registry
from chargehand.fleet.rules import Difference, WorkerState, difference, may_take, state
from chargehand.fleet.service import Fleet
from chargehand.testing.fleet import DirectLink, MemoryInstanceStore, MemoryWorkerStore
from chargehand.testing.scripted_session import ScriptedSession


def config(name: str, **settings: Any) -> WorkerConfig:
    return WorkerConfig(name=name, **{"kind": "fake", **settings})


class Yard:
    """A fleet with fakes around it."""

    def __init__(self) -> None:
        self.store = MemoryWorkerStore()
        self.links: dict[str, list[DirectLink]] = {}
        self.told: list[str] = []
        self.fleet = Fleet(
            store=self.store,
            instances=MemoryInstanceStore(),
            master_id=MasterId(1),
            links={"fake": self._link, "slow": self._link},
        )
        self.fleet.on_change(self.told.append)

    def _link(self, config: WorkerConfig, registry: Registry) -> DirectLink:
        link = DirectLink(config, registry)
        self.links.setdefault(config.name, []).append(link)
        return link

    async def configure(self, *workers: WorkerConfig) -> None:
        await self.fleet.reconfigure(workers, {})
        self.told.clear()

    def slot(self, name: str = "w") -> WorkerSlot:
        [slot] = self.fleet.slots([name])
        return slot

    async def told_of(self, name: str, wanted: WorkerState) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.fleet.state(name) is not wanted:
                await asyncio.sleep(0)


@pytest.fixture
async def yard() -> Yard:
    return Yard()


async def test_a_configured_worker_connects_and_is_recorded(yard: Yard) -> None:
    await yard.fleet.reconfigure([config("w", max_builds=2)], {"w": [BuilderId(3)]})

    slot = yard.slot()
    assert (slot.connected, slot.paused, slot.running, slot.max_builds) == (True, False, 0, 2)
    assert yard.store.workers["w"].connected_to == (1,)
    assert yard.store.workers["w"].configured_on == ((1, 3),)
    assert yard.store.workers["w"].info["version"] == "1"
    assert "w" in yard.told


async def test_unknown_workers_have_no_slots_and_cannot_be_reserved(yard: Yard) -> None:
    await yard.configure(config("w"))

    assert [slot.name for slot in yard.fleet.slots(["x", "w", "y"])] == ["w"]
    assert yard.fleet.reserve("x") is None


async def test_a_worker_runs_no_more_builds_than_it_may(yard: Yard) -> None:
    await yard.configure(config("w", max_builds=2))

    reserved = [yard.fleet.reserve("w") for _ in range(3)]

    assert [session is not None for session in reserved] == [True, True, False]
    assert yard.slot().running == 2


async def test_a_released_slot_is_announced_at_once(yard: Yard) -> None:
    await yard.configure(config("w", max_builds=1))
    yard.fleet.reserve("w")

    yard.fleet.release("w")

    assert yard.told == ["w"]
    assert yard.fleet.reserve("w") is not None


async def test_a_slot_that_is_not_in_use_cannot_be_released(yard: Yard) -> None:
    await yard.configure(config("w"))

    with pytest.raises(ValueError, match="no build slot"):
        yard.fleet.release("w")


async def test_a_lost_worker_takes_no_builds(yard: Yard) -> None:
    await yard.configure(config("w"))

    await yard.links["w"][0].lose()

    assert yard.fleet.reserve("w") is None
    assert not yard.slot().connected
    assert yard.store.workers["w"].connected_to == ()
    assert yard.told == ["w"]


async def test_builds_of_a_lost_connection_still_count_until_they_have_ended(yard: Yard) -> None:
    await yard.configure(config("w", max_builds=1))
    yard.fleet.reserve("w")
    await yard.links["w"][0].lose()
    await yard.links["w"][0].start()

    assert yard.fleet.reserve("w") is None
    yard.fleet.release("w")
    assert yard.fleet.reserve("w") is yard.links["w"][0].session


async def test_the_end_of_an_older_connection_does_no_harm(yard: Yard) -> None:
    await yard.configure(config("w"))
    old = yard.links["w"][0].session
    assert old is not None
    await yard.links["w"][0].start()

    await yard.fleet.detach(old, "why")

    assert yard.slot().connected


async def test_a_worker_whose_connection_is_interrupted_keeps_its_builds_and_gets_no_others(
    yard: Yard,
) -> None:
    await yard.configure(config("w", max_builds=2))
    session = yard.fleet.reserve("w")
    [link] = yard.links["w"]

    link.interrupt()
    interrupted = yard.slot()
    refused = yard.fleet.reserve("w")
    link.resume()

    assert interrupted.connected
    assert interrupted.interrupted_at is not None
    assert interrupted.running == 1
    assert refused is None
    assert yard.told == ["w", "w"]
    assert yard.slot().interrupted_at is None
    assert yard.fleet.reserve("w") is session
    assert yard.store.workers["w"].connected_to == (1,)


async def test_a_worker_that_nobody_configured_is_sent_away(yard: Yard) -> None:
    stranger = ScriptedSession(worker_name="stranger")

    await yard.fleet.attach(stranger)

    assert stranger.state is SessionState.LOST


async def test_reconfiguring_touches_only_what_changed(yard: Yard) -> None:
    await yard.configure(config("same"), config("more"), config("gone"))
    before = yard.store.transactions

    await yard.configure(config("same"), config("more", max_builds=3), config("new"))

    assert {name: len(links) for name, links in yard.links.items()} == dict.fromkeys(
        ("same", "more", "gone", "new"), 1
    )
    await yard_gone(yard, "gone")
    assert yard.slot("more").max_builds == 3
    assert yard.links["same"][0].stops == 0
    assert yard.links["more"][0].stops == 0
    assert yard.store.transactions - before <= 3


async def yard_gone(yard: Yard, name: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while yard.fleet.slots([name]):
            await asyncio.sleep(0)


async def test_a_removed_worker_finishes_its_builds_first(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")

    await yard.configure()
    refused = yard.fleet.reserve("w")
    stops_before = yard.links["w"][0].stops
    yard.fleet.release("w")
    await yard_gone(yard, "w")

    assert refused is None
    assert stops_before == 0
    assert yard.links["w"][0].stops == 1


@pytest.mark.parametrize("builds", [0, 1, 2])
async def test_removing_a_worker_logs_no_failure(
    yard: Yard, builds: int, caplog: pytest.LogCaptureFixture
) -> None:
    await yard.configure(config("w", max_builds=2))
    for _ in range(builds):
        yard.fleet.reserve("w")

    await yard.configure()
    for _ in range(builds):
        yard.fleet.release("w")
    await yard_gone(yard, "w")
    await yard.configure(config("w"))
    await yard.told_of("w", WorkerState.READY)

    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_removed_worker_may_come_back_while_it_still_builds(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")
    await yard.configure()

    await yard.configure(config("w"))
    yard.fleet.release("w")
    await yard.told_of("w", WorkerState.READY)

    assert [link.stops for link in yard.links["w"]] == [1, 0]
    assert yard.fleet.reserve("w") is yard.links["w"][1].session


async def test_a_worker_that_connects_in_another_way_is_linked_anew_when_idle(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")

    await yard.configure(config("w", kind="slow"))
    reason = yard.slot().pause_reason
    yard.fleet.release("w")
    await yard.told_of("w", WorkerState.READY)

    assert reason == "its configuration changed"
    assert [link.starts for link in yard.links["w"]] == [1, 1]


async def test_a_paused_worker_says_why_and_takes_no_builds(yard: Yard) -> None:
    await yard.configure(config("w"))

    await yard.fleet.control("w", "pause", "being cleaned", "anna")

    assert yard.fleet.reserve("w") is None
    why = yard.slot().pause_reason or ""
    assert yard.slot().paused
    assert why.startswith("being cleaned, by anna since 20")
    assert yard.store.workers["w"].pause_reason == "being cleaned"
    await yard.fleet.control(1, "unpause", "")
    assert yard.fleet.reserve("w") is not None
    assert yard.told[-1] == "w"


async def test_a_pause_outlives_a_restart_of_the_master(yard: Yard) -> None:
    await yard.configure(config("w"))
    await yard.fleet.control("w", "pause", "broken disk", "anna")
    before = yard.slot().pause_reason
    after = Yard()
    after.store.workers = yard.store.workers

    await after.configure(config("w"))

    assert before is not None
    assert after.slot().pause_reason == before


async def test_an_order_to_shut_down_says_who_gave_it_until_it_is_taken_back(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")

    await yard.fleet.control("w", "stop", "the room gets too warm", "otto")
    told, record = yard.slot().pause_reason or "", yard.store.workers["w"]
    await yard.fleet.control("w", "unpause")
    after = yard.store.workers["w"]

    assert told.startswith("shutting down on request: the room gets too warm, by otto since 20")
    assert (record.stop_reason, record.stopped_by) == ("the room gets too warm", "otto")
    assert record.stopped_at is not None
    assert (after.graceful, after.stop_reason, after.stopped_by, after.stopped_at) == (
        *(False, None, None, None),
    )


@pytest.mark.parametrize(
    ("reason", "by", "at", "told"),
    [
        (None, None, None, None),
        ("dust", None, None, "dust"),
        (None, "anna", None, "by anna"),
        ("dust", None, 0.0, "dust, since 1970-01-01 00:00 UTC"),
        ("dust", "anna", 86400.0, "dust, by anna since 1970-01-02 00:00 UTC"),
    ],
)
def test_an_order_is_told_with_what_is_known_of_it(
    reason: str | None, by: str | None, at: float | None, told: str | None
) -> None:
    assert why_ordered(reason, by, at) == told


async def test_a_worker_that_was_asked_to_stop_does_so_when_idle(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")

    await yard.fleet.control("w", "stop", "")
    draining = yard.fleet.state("w")
    yard.fleet.release("w")
    await yard.told_of("w", WorkerState.STOPPED)

    assert draining is WorkerState.DRAINING
    assert yard.links["w"][0].stops == 1


async def test_a_stopped_worker_comes_back_when_it_is_unpaused(yard: Yard) -> None:
    await yard.configure(config("w"))
    await yard.fleet.control("w", "stop", "")
    await yard.told_of("w", WorkerState.STOPPED)

    await yard.fleet.control("w", "unpause", "")
    await yard.told_of("w", WorkerState.READY)

    assert len(yard.links["w"]) == 2


async def test_a_stop_does_not_outlive_the_master(yard: Yard) -> None:
    await yard.configure(config("w"))
    await yard.fleet.control("w", "stop", "")
    after = Yard()
    after.store.workers = yard.store.workers

    await after.configure(config("w"))

    assert after.fleet.state("w") is WorkerState.READY


async def test_a_killed_worker_is_closed_although_it_builds(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")

    await yard.fleet.control("w", "kill", "")

    assert yard.fleet.state("w") is WorkerState.STOPPED
    assert yard.links["w"][0].stops == 1


async def test_a_killed_worker_that_was_removed_goes_when_its_builds_have_ended(yard: Yard) -> None:
    await yard.configure(config("w"))
    yard.fleet.reserve("w")
    await yard.configure()

    await yard.fleet.control("w", "kill", "")
    yard.fleet.release("w")
    await asyncio.sleep(0)

    assert yard.fleet.slots(["w"]) == []


async def test_orders_for_unknown_workers_or_of_unknown_kind_are_errors(yard: Yard) -> None:
    await yard.configure(config("w"))

    with pytest.raises(LookupError, match='no worker "x"'):
        await yard.fleet.control("x", "pause", "")
    with pytest.raises(LookupError, match="77"):
        await yard.fleet.control(77, "pause", "")
    with pytest.raises(ValueError, match="dance"):
        await yard.fleet.control("w", "dance", "")


async def test_closing_ends_every_link(yard: Yard) -> None:
    await yard.configure(config("a"), config("b"))

    await yard.fleet.close()

    assert [yard.links[name][0].stops for name in ("a", "b")] == [1, 1]


@pytest.mark.parametrize(
    ("connected", "paused", "graceful", "expected"),
    [
        (False, False, False, WorkerState.OFFLINE),
        (False, True, False, WorkerState.OFFLINE),
        (True, False, False, WorkerState.READY),
        (True, True, False, WorkerState.PAUSED),
        (True, True, True, WorkerState.DRAINING),
        (False, False, True, WorkerState.STOPPED),
    ],
)
def test_the_state_follows_from_what_is_known(
    connected: bool, paused: bool, graceful: bool, expected: WorkerState
) -> None:
    assert state(connected=connected, paused=paused, graceful=graceful) is expected


def test_only_a_ready_worker_with_a_free_slot_takes_a_build() -> None:
    assert may_take(WorkerState.READY, running=5, max_builds=None)
    assert may_take(WorkerState.READY, running=0, max_builds=1)
    assert not may_take(WorkerState.READY, running=1, max_builds=1)
    assert not may_take(WorkerState.PAUSED, running=0, max_builds=None)


def test_equal_configurations_have_no_difference() -> None:
    old = {"w": config("w", max_builds=1)}

    nothing = Difference(added=(), removed=(), relinked=(), altered=())

    assert difference(old, {"w": config("w", max_builds=1)}) == nothing


def test_the_environment_of_a_worker_is_not_recorded() -> None:
    told = WorkerInfo(version="1", environ={"TOKEN": "x"}, commands={"shell": "3.3"})

    assert told.public == {"admin": None, "host": None, "access_uri": None, "version": "1"}


@pytest.mark.looptime
async def test_a_worker_that_rests_takes_no_builds_for_a_while(yard: Yard) -> None:
    await yard.configure(config("w"))

    yard.fleet.rest("w", 60)
    slot, reserved = yard.slot(), yard.fleet.reserve("w")
    await asyncio.sleep(61)

    assert (slot.paused, slot.pause_reason) == (True, "in quarantine")
    assert reserved is None
    assert yard.told == ["w"]
    assert not yard.slot().paused
    assert yard.fleet.reserve("w") is not None


@pytest.mark.looptime
async def test_the_last_word_on_a_rest_counts(yard: Yard) -> None:
    await yard.configure(config("w"))

    yard.fleet.rest("w", 60)
    yard.fleet.rest("w", 600)
    await asyncio.sleep(61)

    assert yard.slot().paused
    yard.fleet.rest("w", 0)
    assert not yard.slot().paused
    assert yard.told == ["w"]


async def test_workers_that_are_connected_are_recorded_again_and_no_others(yard: Yard) -> None:
    await yard.configure(config("there"), config("gone"))
    await yard.links["gone"][0].lose()
    for worker in list(yard.store.workers.values()):
        await yard.store.disconnected(worker.id, MasterId(1), "why")

    await yard.fleet.register_again()

    connected = {name: worker.connected_to for name, worker in yard.store.workers.items()}
    assert connected == {"there": (1,), "gone": ()}
    assert yard.told == ["gone"]


async def test_why_a_worker_could_not_be_started_is_shown_until_it_connects(yard: Yard) -> None:
    await yard.configure(config("w"))
    [link] = yard.links["w"]
    await link.lose()

    yard.fleet.not_started("w", "[Errno 13] Permission denied: '/w'")
    await _settled()
    told = yard.slot().trouble, yard.store.workers["w"].pause_reason, list(yard.told)
    await link.start()
    await _settled()

    reason = "[Errno 13] Permission denied: '/w'"
    assert told[:2] == (reason, f"could not be started: {reason}")
    assert "w" in told[2]
    assert (yard.slot().trouble, yard.store.workers["w"].pause_reason) == (None, None)


@pytest.mark.looptime
async def test_a_worker_on_trial_takes_one_build_at_a_time_until_one_is_prepared(
    yard: Yard, looptime: object
) -> None:
    await yard.configure(config("w"))
    for builder in ("a", "b"):
        yard.fleet.not_ready("w", builder, "no space")
    whole = next(iter(yard.slot().quarantines))
    assert whole.builder_name is None

    await asyncio.sleep(11)
    first, second = yard.fleet.reserve("w"), yard.fleet.reserve("w")
    yard.fleet.ready("w", "a")
    third = yard.fleet.reserve("w")

    assert first is not None
    assert second is None
    assert third is not None


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("method", "by", "words"),
    [
        ("stop", "anna", "shut down on request: the disk is full, by anna"),
        ("kill", None, "killed on request: the disk is full"),
    ],
)
async def test_why_a_worker_was_lost_is_recorded(
    yard: Yard, method: str, by: str | None, words: str
) -> None:
    await yard.configure(config("lost"), config("ordered"), config("removed"), config("there"))
    await yard.links["lost"][0].lose()
    await yard.fleet.control("ordered", method, reason="the disk is full", by=by)
    await asyncio.sleep(0)
    await yard.configure(config("lost"), config("ordered"), config("there"))
    await asyncio.sleep(0)
    await yard.fleet.close()

    told = {name: worker.lost_reason for name, worker in yard.store.workers.items()}
    assert told == {
        "lost": "the connection was lost",
        "ordered": words,
        "removed": "it was removed from the configuration",
        "there": "the master was stopped",
    }
