"""Naming what blocks the loop."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest
from waiting import PATIENCE

from chargehand.kit.watchdog import Watchdog


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.told = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        self.told.set()


@pytest.fixture
def heard():
    handler = _Heard()
    log = logging.getLogger("chargehand.kit.watchdog")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def _user_code_that_blocks(heard: _Heard) -> None:
    assert heard.told.wait(PATIENCE)


async def test_code_that_blocks_the_loop_is_named_once_with_its_line_and_so_is_its_end(heard):
    watchdog = Watchdog(patience=0.5)
    watchdog.start()
    await asyncio.sleep(0)

    _user_code_that_blocks(heard)
    heard.told.clear()
    while not heard.told.is_set():
        await asyncio.sleep(0)
    watchdog.stop()

    blocked, over = heard.texts
    assert "_user_code_that_blocks" in blocked
    assert "asyncio/base_events" not in blocked
    assert "is responsive again" in over


async def test_a_loop_that_turns_is_left_alone(heard):
    # Real time: the watchdog is a thread. It has patience for a machine with much else to do.
    watchdog = Watchdog(patience=2.0)
    watchdog.start()
    turns = asyncio.Event()
    asyncio.get_running_loop().call_later(3.0, turns.set)

    await turns.wait()
    watchdog.stop()

    assert heard.texts == []
