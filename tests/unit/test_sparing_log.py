"""Lines that anybody at a port can cause: few, and then their number."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chargehand.fleet.refusals import RefusalLog
from chargehand.kit.clock import SystemClock
from chargehand.kit.sparing import SparingLog


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
