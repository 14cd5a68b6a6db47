"""Whatever happens between a worker and its master, a log is what the command wrote, byte for byte.

The connection is cut, held and slow, the link is killed and frozen, acknowledgements come late and
in any order; each seed is another play.
"""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest
from remote_worker import Farm, Heard, farm
from waiting import PATIENCE

from chargehand.domain.command import CommandUpdate
from chargehand.domain.session import Receipt, SessionState

_WRITER = """
import random, select, sys
chance = random.Random(int(sys.argv[1]))
with open("written", "wb") as copy:
    for _ in range(chance.randrange(5, 60)):
        line = chance.randbytes(chance.choice((0, 3, 80, 4000, 200_000))).replace(b"\\n", b"")
        for file in (sys.stdout.buffer, copy):
            file.write(line + b"\\n")
        sys.stdout.buffer.flush()
        if chance.random() < 0.3:
            select.select([], [], [], chance.uniform(0, 0.03))
"""


class Disk(Heard):
    """Stores what it hears late, and not in order."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def receive(self, update: CommandUpdate) -> Receipt | None:
        super().receive(update)
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        loop.call_later(self._chance.choice((0, 0, 0.005, 0.03)), stored.set_result, None)
        return stored


async def _trouble(ci: Farm, chance: random.Random) -> None:
    """Make trouble until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        waited = loop.create_future()
        loop.call_later(chance.uniform(0, 0.15), waited.set_result, None)
        await waited
        match chance.choice(("cut", "cut", "cut", "kill", "freeze", "hold", "slow")):
            case "cut":
                ci.proxy.cut()
            case "kill":
                ci.worker.signal_link(signal.SIGKILL)
            case "freeze":
                ci.worker.signal_link(signal.SIGSTOP)
                loop.call_later(0.1, ci.worker.signal_link, signal.SIGCONT)
            case "hold":
                ci.proxy.hold()
                loop.call_later(0.1, ci.proxy.flow)
            case "slow":
                ci.proxy.delay = chance.choice((0, 0.01))


async def _play(ci: Farm, seed: int) -> None:
    chance = random.Random(seed)
    session = ci.master.link.session
    assert session is not None
    heard = Disk(chance)
    command = ci.command(f"exec python3 ../writer.py {seed}")
    trouble = asyncio.create_task(_trouble(ci, chance))
    loop = asyncio.get_running_loop()
    loop.call_later(chance.uniform(0.2, 2), trouble.cancel)
    await session.run(command, heard.receive)
    trouble.cancel()
    ci.proxy.delay = 0

    written = (ci.worker.directory / "build" / "written").read_bytes()
    assert heard.written == written, f"seed {seed}"
    assert heard.values["rc"] == 0


async def _plays(directory: Path, seeds: range) -> None:
    async with farm(directory) as ci:
        await ci.session()
        (ci.worker.directory / "writer.py").write_text(_WRITER)
        for seed in seeds:
            async with asyncio.timeout(PATIENCE):
                await _play(ci, seed)
        assert SessionState.INTERRUPTED in ci.master.registry.states
        assert SessionState.LOST not in ci.master.registry.states


async def test_nothing_is_lost_whatever_happens(tmp_path: Path):
    await _plays(tmp_path, range(2))


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_nothing_is_lost_in_two_hundred_plays(tmp_path: Path):
    await _plays(tmp_path, range(2, 202))
