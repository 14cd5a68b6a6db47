"""A master that is away for an hour: how often its workers try, and what they say of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket

import pytest
from connections import free_port

from chargehand.testing.world.virtual_time import VirtualTimeLoop
from chargehand_worker.remote_link import RemoteLink
from chargehand_worker.settings import WorkerSettings

_HOUR = 3600.0
_LONGEST_PAUSE = 60.0


class CountingLink(RemoteLink):
    """Notes when it tries to connect."""

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(settings, self._no_stream)
        self.tried_at: list[float] = []

    async def _no_stream(self) -> socket.socket:
        raise AssertionError("nobody has connected")

    async def _open(self, connection) -> None:
        self.tried_at.append(asyncio.get_running_loop().time())
        await super()._open(connection)


@pytest.fixture
def loop():
    loop = VirtualTimeLoop()
    yield loop
    loop.close()


def test_a_worker_comes_back_to_a_port_that_was_closed_for_an_hour(
    loop: VirtualTimeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    came_at: list[float] = []

    async def main() -> list[float]:
        host, port = "127.0.0.1", free_port()
        url = f"http://{host}:{port}"
        settings = WorkerSettings(master=url, name="arm-7", password="open sesame", proxy="")
        link = CountingLink(settings)
        keeping = loop.create_task(link.keep())
        await asyncio.sleep(_HOUR)
        attempts = list(link.tried_at)

        came = loop.create_future()
        server = await asyncio.start_server(lambda *_: came.set_result(loop.time()), host, port)
        came_at.append(await came)
        server.close()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        return attempts

    with caplog.at_level(logging.INFO, "chargehand_worker"):
        attempts = loop.run_until_complete(main())

    soon = [at for at in attempts if at <= 120]
    assert 100 < len(soon) < 300  # Restarts of masters are short: for two minutes it is eager.
    assert 50 < len(attempts) - len(soon) < 150
    assert came_at[0] - _HOUR <= _LONGEST_PAUSE
    told = [record.getMessage() for record in caplog.records if "cannot connect" in record.message]
    assert 6 <= len(told) <= 7
    assert "refused" in told[0]
    assert re.search(r" for 5\d min: ", told[-1])


class KeptNowhere(RemoteLink):
    """Has connections that end as soon as they are open."""

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(settings, self._closed_stream)
        self.opened_at: list[float] = []

    async def _closed_stream(self) -> socket.socket:
        self.opened_at.append(asyncio.get_running_loop().time())
        ours, theirs = socket.socketpair()
        theirs.close()
        ours.setblocking(False)
        return ours

    async def _open(self, connection) -> None:
        connection.opened.set_result(None)


def test_a_worker_whose_connections_end_at_once_tries_less_and_less_often(
    loop: VirtualTimeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> list[float]:
        settings = WorkerSettings(master="http://ci", name="arm-7", password="x", proxy="")
        link = KeptNowhere(settings)
        keeping = loop.create_task(link.keep())
        await asyncio.sleep(_HOUR)
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        return link.opened_at

    with caplog.at_level(logging.INFO, "chargehand_worker"):
        opened_at = loop.run_until_complete(main())

    assert 150 < len(opened_at) < 500
    assert 7 <= len(caplog.messages) <= 8
    assert "the connection has ended at once: the agent closed it" in caplog.messages[1]
