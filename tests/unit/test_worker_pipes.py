"""What a command writes is read at once, or after a short rest if it writes much."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chargehand_worker.pipes import READ_SIZE, PipeReader

_BLOCK = 64 * 1024
_TURNS = 20


class Command:
    """Somebody who writes into a pipe, and its reader."""

    def __init__(self) -> None:
        reading, self.pipe = os.pipe()
        self.come = bytearray()
        self.all_come: list[bytes] = []
        self.others: list[Command] = []
        self.reader = PipeReader(reading, self._receive)

    def _receive(self, data: bytes) -> None:
        if not self.reader.rests:
            for other in self.others:
                other.reader.catch_up()
        self.come += data
        self.all_come.append(data)

    def write(self, data: bytes) -> None:
        """Write what the pipe has room for."""
        assert os.write(self.pipe, data) == len(data)

    async def read_all(self, data: bytes) -> None:
        """Write, and turn the loop until it has come."""
        size = len(self.come) + len(data)
        self.write(data)
        while len(self.come) < size:
            await asyncio.sleep(0)

    async def write_much(self) -> None:
        """Write so much that the pipe is made larger."""
        for _ in range(READ_SIZE // _BLOCK):
            await self.read_all(bytes(_BLOCK))

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        with contextlib.suppress(OSError):
            os.close(self.pipe)


@pytest_asyncio.fixture
async def command() -> AsyncIterator[Command]:
    command = Command()
    yield command
    command.close()


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@pytest.mark.looptime
async def test_who_writes_little_is_read_at_once(command: Command):
    for _ in range(_TURNS):
        await command.read_all(b"line\n")

    assert bytes(command.come) == b"line\n" * _TURNS


@pytest.mark.looptime
async def test_a_pipe_that_fills_quickly_is_left_alone_for_a_moment(command: Command):
    await command.write_much()
    await command.read_all(b"first\n")
    command.write(b"second\n")
    await _turn()
    assert command.come.endswith(b"first\n")

    await asyncio.sleep(0.01)

    assert command.come.endswith(b"first\nsecond\n")


@pytest.mark.looptime
async def test_what_is_left_alone_goes_before_what_another_pipe_brings(command: Command):
    await command.write_much()
    await command.read_all(b"first\n")
    errors = Command()
    errors.others, errors.all_come = [command], command.all_come

    much = b"x" * (READ_SIZE + 1)
    command.write(much)
    await errors.read_all(b"error\n")
    errors.close()

    assert b"".join(command.all_come).endswith(b"first\n" + much + b"error\n")


@pytest.mark.looptime
async def test_the_end_is_noticed_after_a_rest(command: Command):
    await command.write_much()
    await command.read_all(b"last\n")
    os.close(command.pipe)

    await command.reader.ended

    assert command.come.endswith(b"last\n")


@pytest.mark.looptime
async def test_nothing_is_read_while_it_is_paused_and_all_afterwards(command: Command):
    await command.write_much()
    await command.read_all(b"first\n")
    command.reader.pause()
    command.write(b"second\n")
    await asyncio.sleep(0.01)
    assert command.come.endswith(b"first\n")

    command.reader.resume()
    await _turn()

    assert command.come.endswith(b"second\n")


@pytest.mark.looptime
async def test_a_reader_that_is_closed_while_it_rests_reads_no_more(command: Command):
    await command.write_much()
    await command.read_all(b"first\n")
    command.reader.close()

    await asyncio.sleep(0.01)

    assert command.reader.ended.done()
    assert command.come.endswith(b"first\n")


@pytest.mark.looptime
async def test_a_terminal_is_read_without_rest():
    ours, theirs = os.openpty()
    come = bytearray()
    reader = PipeReader(ours, come.extend)
    wanted = 0
    while wanted < 2 * READ_SIZE:
        wanted += os.write(theirs, b"x" * 1000)
        while len(come) < wanted:
            await asyncio.sleep(0)

    reader.close()
    os.close(theirs)

    assert len(come) == wanted
