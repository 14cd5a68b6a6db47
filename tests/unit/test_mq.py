"""``master.mq``: who is told what, what it costs when nobody listens, and slow consumers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from waiting import PATIENCE
from web_site import BUILDS, LOGS, STEP

from buildbot._host.views.consumer import fits
from buildbot._host.views.mq import MqView
from chargehand.domain.identifiers import BuildId
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildPropertiesUpdated,
    BuildStarted,
    Event,
    LogAppended,
    StepStarted,
)
from chargehand.resources.announcements import EVENT_TYPES


@dataclass
class Engine:
    """As much of the engine as `MqView` needs."""

    bus: Bus = field(default_factory=Bus)
    event_types: tuple[type[Event], ...] = EVENT_TYPES


@dataclass
class Access:
    """Leads to the engine."""

    engine: Engine = field(default_factory=Engine)


class Listening:
    """A view with consumers that note what they hear."""

    def __init__(self) -> None:
        access: Any = Access()
        self.bus = access.engine.bus
        self.mq = MqView(access)
        self.heard: list[tuple[tuple[str, ...], Any]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def to(self, *pattern: Any) -> Any:
        """Subscribe to a pattern."""
        return await self.mq.startConsuming(self._hear, pattern).asFuture(
            asyncio.get_running_loop()
        )

    async def _hear(self, key: tuple[str, ...], message: Any) -> None:
        await self.may_go_on.wait()
        self.heard.append((key, message))

    async def all_heard(self) -> None:
        """Let everything be delivered."""
        for _ in range(50):
            await asyncio.sleep(0)


BEHIND = 20
MOST_WAITING = 200


@pytest.fixture
async def listening(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("buildbot._host.views.consumer.BEHIND", BEHIND)
    monkeypatch.setattr("buildbot._host.views.consumer.MOST_WAITING", MOST_WAITING)
    found = Listening()
    yield found
    await found.mq.close()


async def test_only_events_that_somebody_wants_are_listened_to(listening: Listening) -> None:
    assert not any(map(listening.bus.has_listeners, EVENT_TYPES))

    consumer = await listening.to("logs", None, "append")
    assert [kind for kind in EVENT_TYPES if listening.bus.has_listeners(kind)] == [LogAppended]

    consumer.stopConsuming()
    assert not any(map(listening.bus.has_listeners, EVENT_TYPES))


async def test_a_resource_is_made_only_for_a_key_that_fits(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listening.to("builds", None, "started")
    await listening.to("builds", "7", "new")

    monkeypatch.setattr("buildbot._host.views.mq.resource_of", lambda event: pytest.fail("made"))
    listening.bus.publish([StepStarted(step=STEP), BuildStarted(build=BUILDS[0])])


@pytest.mark.parametrize(
    "pattern",
    [
        ("builds", None, "new"),
        ("builds", 1, "new"),
        ("builders", "1", "builds", None, "new"),
        ("workers", None, "builds", None, None),
        (None, None, "new"),
        (None, "1", None),
    ],
)
async def test_a_message_reaches_each_pattern_that_fits(
    listening: Listening, pattern: tuple[Any, ...]
) -> None:
    await listening.to(*pattern)

    listening.bus.publish([BuildStarted(build=BUILDS[0])])
    await listening.all_heard()

    ((key, message),) = listening.heard
    assert fits(tuple(None if part is None else str(part) for part in pattern), key)
    assert message["buildid"] == 1
    assert message["started_at"].year == 1970


async def test_a_consumer_that_keeps_up_hears_every_update(listening: Listening) -> None:
    await listening.to("logs", None, "append")

    listening.bus.publish([LogAppended(log=LOGS[0])] * 3)
    await listening.all_heard()

    assert len(listening.heard) == 3


async def test_a_slow_consumer_gets_the_newest_updates_and_everything_else(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    await listening.to("builds", None, "finished")
    await listening.to("builds", None, "properties", "update")
    listening.may_go_on.clear()

    changed = [
        BuildPropertiesUpdated(build_id=BuildId(1), properties={str(n % 3): (n, "Test")})
        for n in range(BEHIND * 2)
    ]
    listening.bus.publish([*changed, *[BuildFinished(build=BUILDS[0])] * (BEHIND * 2)])
    listening.may_go_on.set()
    async with asyncio.timeout(PATIENCE):
        while len(listening.heard) < BEHIND * 3:
            await asyncio.sleep(0)
    await listening.all_heard()

    updates = [message for key, message in listening.heard if key[-1] == "update"]
    assert len(updates) < BEHIND + 2
    assert {name: value for one in updates for name, (value, _) in one.items()} == {
        str(n % 3): n for n in range(BEHIND * 2)
    }
    assert len(listening.heard) - len(updates) == BEHIND * 2
    assert caplog.text.count("is slow: 20 events builds.*.properties.update") == 1
    assert "Listening._hear" in caplog.text


async def test_a_consumer_that_hangs_costs_no_more_memory_and_says_what_it_missed(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    await listening.to("builds", None, "finished")
    listening.may_go_on.clear()
    await listening.all_heard()

    listening.bus.publish([BuildFinished(build=BUILDS[0])] * (MOST_WAITING + 7))
    assert "is too slow: 200 events are waiting for it; it misses" in caplog.text
    listening.may_go_on.set()
    async with asyncio.timeout(PATIENCE):
        while "has caught up; it missed 7 events" not in caplog.text:
            await asyncio.sleep(0)
    assert len(listening.heard) == MOST_WAITING


async def test_a_consumer_hears_nothing_after_its_end(listening: Listening) -> None:
    consumer = await listening.to("builds", None, "new")

    listening.bus.publish([BuildStarted(build=BUILDS[0])] * 5)
    consumer.stopConsuming()
    consumer.stopConsuming()
    await listening.all_heard()

    assert not listening.heard


async def test_what_users_produce_reaches_others(listening: Listening) -> None:
    await listening.to("mine", None)

    listening.mq.produce(("mine", "x"), {"any": "thing"})
    listening.mq.produce(("other", "x"), {})
    await listening.all_heard()

    assert listening.heard == [(("mine", "x"), {"any": "thing"})]
