"""Workers of both kinds whose clock is wrong, or that log in as they should not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connections import free_port
from installed_master import SUCCESS, InstalledMaster
from stock_worker import StockWorker
from waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow

_AGENT = Path(__file__).parents[2] / "src" / "chargehand_worker"
_YEAR = 365 * 86_400
_CONFIGURATION = """
    c['workers'] = [worker.Worker('stock', 'secret'), worker.Worker('other', 'secret')]
    c['protocols'] = {'PROTOCOL': {'port': 'tcp:PORT:interface=127.0.0.1'}}
    add('b',
        sh('echo said > file; echo said', name='says'),
        steps.ShellCommand(command=['sleep', '100'], timeout=1, flunkOnFailure=False,
                           warnOnFailure=False, name='silent'),
        steps.FileUpload('file', HERE / 'up', keepstamp=True),
        steps.FileDownload(str(HERE / 'up'), workerdest='down'),
        sh('cat down', name='got'), workernames=['stock'])
    """
_CLOCK = """
import time
for name in ('time', 'time_ns'):
    def shifted(real=getattr(time, name), by={by} * (10**9 if name == 'time_ns' else 1)):
        return real() + by
    setattr(time, name, shifted)
"""


class NativeWorker:
    """A directory of our own worker, and its processes."""

    def __init__(self, path: Path, address: str, *, name: str, environment: dict[str, str]) -> None:
        self.path = path
        self._environment = {**os.environ, **environment}
        self._run("create-worker", "--maxdelay", 1, path, address, name, "secret")

    def start(self) -> None:
        """Start it in the background."""
        self._run("start", self.path)

    def end(self) -> None:
        """Stop it."""
        self._run("stop", self.path)

    def _run(self, *arguments: object) -> None:
        subprocess.run(
            [sys.executable, _AGENT, *map(str, arguments)],
            env=self._environment,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )


class Site:
    """A master, and workers of one kind that want to connect."""

    def __init__(self, path: Path, protocol: str) -> None:
        self._path = path
        self._protocol = protocol
        self._port = free_port()
        self.master = InstalledMaster(path / "master")
        self._workers: list[Any] = []
        text = _CONFIGURATION.replace("PROTOCOL", protocol).replace("PORT", str(self._port))
        self.master.write(text)
        self.master.start()

    def worker(self, name: str, directory: str, **environment: str) -> Any:
        """Start a worker."""
        path, address = self._path / directory, f"127.0.0.1:{self._port}"
        made: Any
        if self._protocol == "native":
            made = NativeWorker(path, address, name=name, environment=environment)
        else:
            options = [f"--protocol={self._protocol}"]
            made = StockWorker(path, address, *options, name=name, environment=environment)
        self._workers.append(made)
        made.start()
        return made

    def refusals(self) -> list[dict[str, Any]]:
        """Return what the API shows of refused logins."""
        return list(self.master.get("refused_logins"))

    def end(self) -> None:
        """Leave nothing behind."""
        for one in self._workers:
            one.end()
        self.master.end()


@pytest.fixture(params=["pb", "msgpack_experimental_v7", "native"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(tmp_path, request.param)
    yield made
    made.end()


@pytest.mark.parametrize("years", [-40, 60])
def test_the_clock_of_a_worker_may_be_wrong_by_years(
    site: Site, tmp_path: Path, years: int
) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(_CLOCK.format(by=years * _YEAR))
    site.worker("stock", "w", PYTHONPATH=str(tmp_path / "clock"))
    master = site.master
    master.connected("stock")
    before = time.time()

    build = master.build("b")

    assert build["results"] == SUCCESS, [one["state_string"] for one in master.steps(build)]
    assert master.output(build, "says") == master.output(build, "got") == ["said"]
    assert "timed out" in master.step(build, "silent")["state_string"]
    for one in (build, *master.steps(build)):
        assert before - 1 <= one["started_at"] <= one["complete_at"] <= time.time() + 1
    shown = master.one("workers/stock")
    assert shown["connected_to"] and not shown["pause_reason"]
    assert "Traceback" not in master.log


def test_a_name_that_connects_from_two_places_is_shown(site: Site) -> None:
    site.worker("stock", "first")
    master = site.master
    master.connected("stock")

    site.worker("stock", "second")

    eventually("the refusal", site.refusals)
    told = eventually("the worker's page", lambda: master.one("workers/stock")["pause_reason"])
    assert "is connected from 127.0.0.1" in told and "and answers" in told
    assert "is connected from 127.0.0.1" in site.refusals()[0]["reason"]
    assert master.build("b")["results"] == SUCCESS


def test_an_unknown_name_is_told_with_its_address(site: Site) -> None:
    site.worker("stranger", "w")

    (refused,) = eventually("the refusal", site.refusals)

    assert refused["name"] == "stranger"
    assert refused["address"].startswith("127.0.0.1")
    assert refused["reason"] == "no worker of this name is configured"
    assert "stranger" in site.master.log and "from 127.0.0.1" in site.master.log
