"""Whoever hears whether workers can prepare builds takes it at once, also of unknown ones."""

from __future__ import annotations

import pytest

from chargehand.config.model import WorkerConfig
from chargehand.domain.identifiers import MasterId
from chargehand.execution.ports import WorkerHealth
from chargehand.fleet.service import Fleet
from chargehand.testing.execution import NotedHealth
from chargehand.testing.fleet import DirectLink, MemoryInstanceStore, MemoryWorkerStore


@pytest.fixture(params=["noted", "real"])
async def health(request: pytest.FixtureRequest) -> WorkerHealth:
    if request.param == "noted":
        return NotedHealth()
    fleet = Fleet(
        store=MemoryWorkerStore(),
        instances=MemoryInstanceStore(),
        master_id=MasterId(1),
        links={"local": DirectLink},
    )
    await fleet.reconfigure([WorkerConfig(name="w", kind="local")], {})
    return fleet


async def test_what_is_told_is_taken_at_once(health: WorkerHealth) -> None:
    for worker in ("w", "nobody"):
        health.not_ready(worker, "b", "no space")
        health.not_ready(worker, "b", "no space")
        health.ready(worker, "b")

    if isinstance(health, NotedHealth):
        assert health.notes[0] == ("w", "b", "no space")
    else:
        assert isinstance(health, Fleet)
        assert health.slots(["w"])[0].quarantines == ()
        await health.close()
