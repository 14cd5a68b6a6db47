"""Who asks much gives way to builds while the master has much to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_site import visited

from chargehand.web.access.pace import Load, Pace, Recent


class Process:
    """A process and its clock, which the test moves."""

    def __init__(self) -> None:
        self.time = 100.0
        self.work = 0.0

    def pass_by(self, seconds: float, *, busy: float) -> None:
        """Let time go by, of which it works a share."""
        self.time += seconds
        self.work += seconds * busy

    def load(self) -> Load:
        """Return what watches it."""
        return Load(now=lambda: self.time, worked=lambda: self.work)


@pytest.mark.parametrize(("busy", "is_high"), [(0.2, False), (0.9, True)])
def test_the_load_is_what_part_of_the_time_the_process_works(busy: float, is_high: bool):
    process = Process()
    load = process.load()

    process.pass_by(1.0, busy=busy)

    assert load.is_high is is_high


def test_a_load_of_long_ago_says_nothing():
    process = Process()
    load = process.load()
    process.pass_by(1.0, busy=0.9)
    assert load.is_high

    process.pass_by(3600.0, busy=0.0)

    assert not load.is_high


def test_a_person_who_opens_pages_never_waits():
    recent = Recent()
    now = 0.0
    for _ in range(100):
        recent.add(0.6, now)
        assert recent.rest(now) == 0.0
        now += 3.0


@pytest.mark.parametrize("connections", [1, 16])
def test_a_program_without_a_pause_gets_a_quarter_of_the_time(connections: int):
    recent = Recent()
    now = worked = 0.0
    begins = [0.0] * connections
    while now < 600.0:
        begins.sort()
        now = max(now, begins.pop(0)) + 0.05
        worked += 0.05
        recent.add(0.05, now)
        begins.append(now + recent.rest(now))

    assert 0.2 < worked / now < 0.28


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 10)), max_size=30))
def test_a_rest_is_short_and_what_was_asked_is_soon_forgotten(asked: list[tuple[float, float]]):
    recent = Recent()
    now = 0.0
    for pause, seconds in asked:
        now += pause
        recent.add(seconds, now)
        assert 0.0 <= recent.rest(now) <= 3.0

    assert recent.rest(now + 20.0) == 0.0


@pytest.mark.parametrize(("busy", "waits"), [(0.1, False), (1.0, True)])
async def test_only_a_busy_master_lets_anybody_wait(busy: float, waits: bool):
    process = Process()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    pace = Pace(load=process.load(), now=lambda: process.time, pause=pause)
    recent = Recent()
    process.pass_by(1.0, busy=busy)
    recent.add(1.125, process.time)

    await pace.give_way(recent)
    await pace.give_way(Recent())

    assert pauses == ([0.5] if waits else [])


async def test_questions_of_a_program_wait_and_its_orders_do_not(monkeypatch: pytest.MonkeyPatch):
    process = Process()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        process.pass_by(seconds, busy=1.0)

    pace = Pace(load=process.load(), now=lambda: process.time, pause=pause)
    monkeypatch.setattr("chargehand.web.server.Pace", lambda: pace)
    monkeypatch.setattr(Recent, "rest", lambda *_: 0.25)
    async with visited() as site:
        process.pass_by(1.0, busy=1.0)
        async with site.session.get("/api/v2/workers") as answer:
            assert answer.status == 200
        asked = len(pauses)
        async with site.session.post("/api/v2/workers/1", json={}):
            pass

    assert (asked, len(pauses)) == (1, 1)
