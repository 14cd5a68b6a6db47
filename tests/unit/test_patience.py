"""Users' code is awaited as long as it takes, until its caller is told to stop."""

from __future__ import annotations

import asyncio

import pytest

from chargehand.kit.asking import AnswerTimeout
from chargehand.kit.patience import Patience


class _Code:
    """Code that waits twice, and notes how it ends."""

    def __init__(self) -> None:
        self.first: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.second: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.was_cancelled = False

    async def run(self) -> int:
        try:
            return await self.first + await self.second
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_needs_no_waiting_is_answered_at_once() -> None:
    async def work() -> int:
        return 3

    answering = Patience().answer("it", work())

    with pytest.raises(StopIteration) as answered:
        answering.send(None)
    assert answered.value.value == 3


async def test_what_waits_is_waited_for_each_time() -> None:
    code = _Code()
    answering = asyncio.ensure_future(Patience().answer("it", code.run()))
    await _turns()
    code.first.set_result(1)
    await _turns()
    code.second.set_result(2)

    assert await answering == 3


@pytest.mark.parametrize("has_begun", [False, True])
async def test_an_error_arrives(has_begun: bool) -> None:
    async def work() -> int:
        if has_begun:
            await asyncio.sleep(0)
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await Patience().answer("it", work())


@pytest.mark.parametrize("waits_in", ["first", "second"])
async def test_a_cancellation_reaches_the_code(waits_in: str) -> None:
    code = _Code()
    answering = asyncio.ensure_future(Patience().answer("it", code.run()))
    await _turns()
    if waits_in == "second":
        code.first.set_result(1)
        await _turns()

    answering.cancel()

    with pytest.raises(asyncio.CancelledError):
        await answering
    assert code.was_cancelled


@pytest.mark.parametrize("is_told", ["before", "meanwhile"])
async def test_after_a_stop_its_time_is_limited(is_told: str) -> None:
    patience, code = Patience(), _Code()
    if is_told == "before":
        patience.stop()
    answering = asyncio.ensure_future(patience.answer("the summary", code.run(), then=0.0))
    await _turns()

    patience.stop()

    with pytest.raises(AnswerTimeout, match="the summary did not return within 0 s"):
        await answering
    assert code.was_cancelled


async def test_a_timeout_of_the_code_is_its_own() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Patience().answer("it", work())


async def test_code_that_is_given_up_is_closed() -> None:
    code = _Code()
    ended: list[str] = []

    async def work() -> int:
        try:
            return await code.run()
        finally:
            ended.append("closed")

    answering = Patience().answer("it", work())
    answering.send(None)
    answering.close()

    assert ended == ["closed"]
