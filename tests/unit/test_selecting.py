"""The loop looks at sockets often enough, and not more often than it has to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import TypeVar

import pytest

from chargehand.kit.selecting import MOST_SKIPPED, Selector

T = TypeVar("T")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        other.setblocking(False)
        yield one, other


def _run(work: Coroutine[object, None, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())) as runner:
        return runner.run(work)


def test_while_there_is_work_it_looks_once_in_a_few_turns(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair
    with Selector() as selector:
        selector.register(one, 1)
        other.send(b"x")

        looks = [bool(selector.select(0)) for _ in range(2 * (MOST_SKIPPED + 1))]

    assert looks == [*[False] * MOST_SKIPPED, True] * 2


@pytest.mark.parametrize("seconds", [None, 1.0])
def test_where_it_may_wait_it_looks_at_once(
    seconds: float | None, pair: tuple[socket.socket, socket.socket]
) -> None:
    one, other = pair
    with Selector() as selector:
        selector.register(one, 1)
        other.send(b"x")

        assert selector.select(seconds)


def test_what_comes_is_heard_although_the_loop_never_rests(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair

    async def work() -> bytes:
        loop = asyncio.get_running_loop()
        heard = asyncio.ensure_future(loop.sock_recv(one, 1))
        await asyncio.sleep(0)
        other.send(b"x")
        for _ in range(3 * (MOST_SKIPPED + 1)):
            await asyncio.sleep(0)
        assert heard.done()
        return await heard

    assert _run(work()) == b"x"


def test_timers_and_other_threads_wake_it() -> None:
    async def work() -> str:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[str] = loop.create_future()
        due: asyncio.Future[None] = loop.create_future()
        loop.call_later(0.001, due.set_result, None)
        await due
        thread = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(called.set_result, "called")
        )
        thread.start()
        try:
            return await called
        finally:
            thread.join()

    assert _run(work()) == "called"
