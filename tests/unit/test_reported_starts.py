"""What `chargehand-worker start` reports, on a machine that is fast or very busy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargehand_worker import daemon
from chargehand_worker.settings import WorkerSettings

SETTINGS = WorkerSettings(master="http://ci", name="arm-7", password="x")


class Clock:
    """Time that passes when somebody waits; a worker writes its log meanwhile."""

    def __init__(self, log: Path, lines: dict[float, str]) -> None:
        self._log = log
        self._lines = lines
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for due in [at for at in self._lines if at <= self.now]:
            with self._log.open("a") as file:
                file.write(self._lines.pop(due) + "\n")


@pytest.fixture
def start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, float]]:
    def started(lines: dict[float, str], ends_at: float = 1e9) -> tuple[str, float]:
        clock: Any = Clock(tmp_path / daemon.LOG_FILE, lines)
        monkeypatch.setattr(daemon, "time", clock)
        daemon._watch_start(lambda: clock.now >= ends_at, tmp_path, SETTINGS, 0)
        return capsys.readouterr().out.partition("\n")[0], clock.now

    return started


def test_a_start_that_takes_long_is_waited_for(start: Callable[..., tuple[str, float]]):
    lines = {40.0: "INFO connecting to http://ci", 49.0: "INFO connected to http://ci"}

    assert start(lines)[0] == 'worker "arm-7" is connected to http://ci'


def test_a_master_that_does_not_answer_is_not(start: Callable[..., tuple[str, float]]):
    told, seconds = start({0.3: "INFO connecting to http://ci"})

    assert told == 'worker "arm-7" is running, but not connected: no answer yet'
    assert 10 < seconds < 11


@pytest.mark.parametrize(
    ("lines", "ends_at", "told"),
    [
        (
            {1.0: "x connecting to http://ci", 1.1: "x cannot connect to http://ci: refused"},
            1e9,
            'worker "arm-7" is running, but not connected: cannot connect to http://ci: refused',
        ),
        ({}, 2.0, 'worker "arm-7" has ended; see '),
        ({}, 1e9, 'worker "arm-7" is running, but not connected: no answer yet'),
    ],
)
def test_other_ends_are_reported(
    start: Callable[..., tuple[str, float]], lines: dict[float, str], ends_at: float, told: str
):
    assert start(lines, ends_at)[0].startswith(told)
