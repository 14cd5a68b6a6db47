"""A master whose web port somebody floods: others are answered, and builds go on."""

from __future__ import annotations

import http.client
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from installed_master import SUCCESS, InstalledMaster
from waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

_HELD = 2_500
_USUAL_START = 0.03
"""Seconds in which Python starts on a machine that is busy with a flood and nothing else."""
_POST = (
    "POST /api/v2/forceschedulers/force HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: application/json\r\nContent-Length: 5000000\r\n\r\n"
)
_SOCKET = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def _took(master: InstalledMaster, address: str) -> float:
    """Return how long an answer takes on a new connection from this address."""
    began = time.monotonic()
    port = urlsplit(master.url).port
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(address, 0)
    )
    try:
        connection.request("GET", "/api/v2/builders")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
    return time.monotonic() - began


def _slowness() -> float:
    """Return how many times slower than usual this machine is now, at least 1.

    The flood and other programs have it, too: it is not the master that is judged by that.
    """
    began = time.monotonic()
    for _ in range(5):
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return max(1.0, (time.monotonic() - began) / 5 / _USUAL_START)


def _many_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))


def _descriptors(master: InstalledMaster) -> int:
    return len(list(Path(f"/proc/{master.pid}/fd").iterdir()))


@pytest.mark.parametrize("limit", [_many_descriptors, _few_descriptors])
def test_a_flood_of_connections_delays_nobody(tmp_path: Path, limit: Callable[[], None]) -> None:
    master = InstalledMaster(tmp_path / "m", limit=limit)
    master.write("add('b', sh('true'))")
    floods: list[subprocess.Popen[bytes]] = []
    try:
        master.start()
        master.connected()
        for texts in ([""], ["GET / HT", "T"], [_POST, " "], [_SOCKET]):
            port = str(urlsplit(master.url).port)
            script = str(Path(__file__).with_name("flood.py"))
            flood = subprocess.Popen(
                [sys.executable, script, port, str(_HELD), *texts], preexec_fn=_many_descriptors
            )
            floods.append(flood)
            eventually("the flood", lambda: _descriptors(master) > 150)

            slowness = _slowness()
            took = [_took(master, f"127.0.0.{1 + number % 2}") for number in range(30)]
            build = master.build("b")
            slowness = max(slowness, _slowness())

            assert flood.poll() is None
            assert statistics.median(took) < 1 * slowness, texts
            assert max(took) < 3 * slowness, texts
            assert build["results"] == SUCCESS
            assert build["complete_at"] - build["started_at"] < 3 * slowness
            flood.kill()
            flood.wait()
        assert "Traceback" not in master.log
    finally:
        for flood in floods:
            flood.kill()
            flood.wait()
        master.end()
