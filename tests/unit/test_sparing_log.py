"""Lines that anybody at a port can cause: few, and then their number."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress

import pytest

from chargehand.fleet.refusals import RefusalLog
from chargehand.kit import sparing
from chargehand.kit.clock import SystemClock
from chargehand.kit.sparing import SparingLog
from chargehand.links.tls_arrival import TlsArrivals


@pytest.mark.looptime
async def test_a_flood_of_lines_is_thirty_a_minute_and_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    lines = SparingLog(logging.getLogger("flood"))

    for number in range(1000):
        lines.write(logging.INFO, "line %d", number)
    await asyncio.sleep(59)
    assert caplog.messages == [f"line {number}" for number in range(30)]
    await asyncio.sleep(2)
    assert caplog.messages[30].startswith("970 more lines like the 30 before were not written")
    lines.write(logging.INFO, "a later line")
    await asyncio.sleep(200)
    lines.write(logging.INFO, "much later")
    assert caplog.messages[31:] == ["a later line", "much later"]


async def test_names_that_strangers_make_up_do_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = RefusalLog(clock=SystemClock())
    for number in range(500):
        words = refusals.note(f"w{number}" + "x" * 1000, "unknown", f"10.0.0.9:{number}")
        assert words.endswith(": unknown")
    assert len(caplog.messages) == 30
    assert max(map(len, caplog.messages)) < 300
    assert len(refusals.latest) == 50
    assert refusals.note("arm-7", "wrong password", "10.0.0.9:1").endswith(": wrong password")
    assert refusals.note("arm-7", "wrong password", "10.0.0.9:2").endswith(" (2 times)")


@pytest.mark.looptime
async def test_a_login_that_was_counted_in_a_flood_is_told_at_its_next_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = RefusalLog(clock=SystemClock())
    for number in range(100):
        refusals.note(f"w{number}", "unknown", "10.0.0.9:1")
    refusals.note("arm-7", "wrong password", "10.0.0.7:1")
    assert not any("arm-7" in line for line in caplog.messages)
    await asyncio.sleep(61)
    refusals.note("arm-7", "wrong password", "10.0.0.7:2")
    refusals.note("arm-7", "wrong password", "10.0.0.7:3")
    assert [line for line in caplog.messages if "arm-7" in line] == [
        'refused a login as worker "arm-7" from 10.0.0.7:2: wrong password'
    ]


async def test_so_is_a_connection_without_tls(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    arrivals = TlsArrivals(asyncio.Protocol, context)
    server = await asyncio.get_running_loop().create_server(arrivals, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def hello() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello, this is no TLS\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        return len(caplog.messages)

    async with server:
        monkeypatch.setattr(sparing, "_MOST", 0)
        assert await hello() == 0
        monkeypatch.undo()
        assert [await hello() for _ in range(2)] == [1, 1]
