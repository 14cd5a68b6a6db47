"""A worker that stays away is reported once to those who want to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chargehand.testing.world import world

CONFIG = """
import builtins
from buildbot.plugins import reporters, schedulers, steps, util, worker

class Keeping(reporters.ReporterBase):
    def sendMessage(self, reports):
        builtins.missing.extend(reports)

c = BuildmasterConfig = {{}}
c['workers'] = [
    worker.LocalWorker('watched', notify_on_missing=['ann@example.org'], missing_timeout={timeout}),
    worker.LocalWorker('other'),
]
f = util.BuildFactory([steps.ShellCommand(command='true')])
c['builders'] = [util.BuilderConfig(name='b', workernames=['watched', 'other'], factory=f)]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['b'])]
c['services'] = [Keeping(generators=[reporters.WorkerMissingGenerator()])]
"""


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr("builtins.missing", found, raising=False)
    return found


async def test_a_worker_that_stays_away_is_reported_once_for_each_absence(
    tmp_path: Path, missing: list[dict[str, Any]]
) -> None:
    async with world(CONFIG.format(timeout=60), path=tmp_path) as ci:
        for name in ("watched", "other"):
            ci.worker(name).leave()
        await ci.sleep(59)
        assert not missing
        await ci.sleep(2)
        (report,) = missing
        assert report["users"] == ["ann@example.org"]
        assert report["worker"] == "watched"
        assert "The worker named watched of Chargehand has gone away" in report["body"]
        assert "It was last connected at 2026-01-01 00:00:00 UTC" in report["body"]
        assert report["subject"] == "Buildbot Chargehand worker watched missing"
        await ci.sleep(150)
        assert len(missing) == 1

        ci.worker("watched").come()
        await ci.settle()
        ci.worker("watched").leave()
        await ci.sleep(30)
        ci.worker("watched").come()
        await ci.sleep(150)
        assert len(missing) == 1

        ci.worker("watched").leave()
        await ci.sleep(61)
        assert len(missing) == 2


async def test_another_timeout_counts_from_the_reconfiguration(
    tmp_path: Path, missing: list[dict[str, Any]]
) -> None:
    async with world(CONFIG.format(timeout=60), path=tmp_path) as ci:
        ci.worker("watched").leave()
        await ci.sleep(50)
        await ci.reconfigure(CONFIG.format(timeout=30))
        await ci.sleep(29)
        assert not missing
        await ci.sleep(2)
        assert len(missing) == 1


async def test_a_latent_worker_is_reported_when_it_cannot_be_started_and_not_while_it_is_idle(
    tmp_path: Path, missing: list[dict[str, Any]]
) -> None:
    latent = """
from buildbot.test.latent import FakeLatentWorker
c['workers'][0] = FakeLatentWorker(
    'watched', notify_on_missing=['ann@example.org'], missing_timeout=60, build_wait_timeout=0,
    outcomes=[OSError('no quota'), OSError('no quota'), None, OSError('no quota')])
c['builders'] = [util.BuilderConfig(name='b', workernames=['watched'], factory=f)]
c['builders'].append(util.BuilderConfig(name='o', workernames=['other'], factory=f))
c['schedulers'].append(schedulers.ForceScheduler(name='o', builderNames=['o']))
"""
    async with world(CONFIG.format(timeout=60) + latent, path=tmp_path) as ci:
        await ci.sleep(3600)
        assert not missing

        await ci.build("b")
        assert [report["worker"] for report in missing] == ["watched"]
        await ci.sleep(3600)
        assert len(missing) == 1

        await ci.build("b")
        assert len(missing) == 2
