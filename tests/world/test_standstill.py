"""Time in which a process was stopped, or its machine stood still, is nobody's silence."""

from __future__ import annotations

import asyncio
import socket

import pytest

from chargehand.kit.limits import time_limit
from chargehand.testing.world.virtual_time import VirtualTimeLoop
from chargehand_worker.limits import Limits
from chargehand_worker.silence import Silence


class StoppedLoop(VirtualTimeLoop):
    """A loop whose process can be stopped for a while.

    As Linux has it, the wait for events that was interrupted brings none, whatever has come: the
    loop acts on its timers first.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stopped_for = 0.0

    def stop_during_next_wait(self, seconds: float) -> None:
        self._stopped_for = seconds

    def _pass_time(self, seconds: float | None) -> float:
        wait = super()._pass_time(seconds)
        self._now, self._stopped_for = self._now + self._stopped_for, 0.0
        return wait


@pytest.fixture
def loop():
    loop = StoppedLoop()
    yield loop
    loop.close()


def test_a_peer_is_silent_as_long_as_nothing_comes(loop) -> None:
    async def main() -> list[float]:
        silence, found = Silence(loop), []
        for _ in range(3):
            silence.look_in(10)
            await asyncio.sleep(10)
            found.append(silence.seconds())
        silence.end()
        return [*found, silence.seconds()]

    assert loop.run_until_complete(main()) == [10, 20, 30, 0]


def test_a_standstill_is_no_silence_of_the_peer(loop) -> None:
    async def main() -> tuple[float, float]:
        silence = Silence(loop)
        silence.look_in(10)
        loop.stop_during_next_wait(1000)
        await asyncio.sleep(10)
        right_after = silence.seconds()
        silence.look_in(10)
        await asyncio.sleep(10)
        return right_after, silence.seconds()

    right_after, later = loop.run_until_complete(main())

    assert right_after == 9  # a second of what it had heard before, to read what has come
    assert later == 19


def test_a_command_whose_supervisor_was_stopped_was_not_silent(loop) -> None:
    """What it wrote meanwhile is read after the look at the clock."""
    exceeded: list[tuple[str, float]] = []
    read_at: list[float] = []

    async def main() -> None:
        limits = Limits(
            silence=60,
            duration=None,
            may_be_silent=lambda: False,
            exceeded=lambda reason, _: exceeded.append((reason, loop.time() - read_at[0])),
        )
        ours, theirs = socket.socketpair()

        def read() -> None:
            ours.recv(100)
            read_at.append(loop.time())
            limits.note_output()

        with ours, theirs:
            ours.setblocking(False)
            loop.add_reader(ours, read)
            limits.start()
            loop.call_later(60, theirs.send, b"a line")
            loop.stop_during_next_wait(3600)
            await asyncio.sleep(200)
            await asyncio.sleep(200)
            loop.remove_reader(ours)

    loop.run_until_complete(main())

    assert exceeded == [("timeout_without_output", 60)]
    assert read_at == [3660]


def test_an_answer_that_came_while_the_process_was_stopped_counts(loop) -> None:
    async def main() -> str:
        answer = loop.create_future()
        loop.call_at(20, answer.set_result, "pong")  # read right after the limit has expired
        loop.stop_during_next_wait(600)
        async with time_limit(10):
            return await answer

    assert loop.run_until_complete(main()) == "pong"


def test_who_does_not_answer_after_a_standstill_has_had_a_second(loop) -> None:
    async def main() -> None:
        loop.stop_during_next_wait(600)
        async with time_limit(10):
            await loop.create_future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(main())

    assert loop.time() == 611


def test_a_loop_that_is_always_late_extends_no_limit_again_and_again(loop) -> None:
    async def main() -> None:
        loop.stop_during_next_wait(600)
        async with time_limit(10):
            await loop.time_passed()
            loop.stop_during_next_wait(600)
            await loop.create_future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(main())

    assert loop.time() == 1211
