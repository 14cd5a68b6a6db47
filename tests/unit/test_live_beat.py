"""When live connections are written to."""

from __future__ import annotations

import asyncio

import pytest

from chargehand.web.live.beat import PAGES_SECONDS, Beat


@pytest.mark.looptime
async def test_the_first_event_after_a_silence_is_sent_at_once_and_the_next_together():
    loop = asyncio.get_running_loop()
    beat = Beat()
    begun, woken = loop.time(), []

    async def seconds() -> float:
        heard = asyncio.Event()
        beat.wake(heard.set)
        await heard.wait()
        return round(loop.time() - begun, 3)

    woken += [await seconds()]
    woken += await asyncio.gather(*[seconds() for _ in range(10)])
    woken += [await seconds()]
    await asyncio.sleep(1)
    woken += [await seconds()]

    assert woken == [0, *[0.003] * 10, 0.028, 1.028]


@pytest.mark.looptime
async def test_many_connections_are_written_to_more_rarely_but_often_enough():
    loop = asyncio.get_running_loop()
    beat = Beat()
    for _ in range(1_000):
        beat.wake(lambda: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    begun = loop.time()

    heard = asyncio.Event()
    beat.wake(heard.set)
    await heard.wait()

    assert loop.time() - begun == pytest.approx(0.1)


@pytest.mark.looptime
async def test_pages_hear_at_once_what_comes_alone_and_a_few_times_a_second_what_never_ends():
    loop = asyncio.get_running_loop()
    beat = Beat(shortest=PAGES_SECONDS)
    await asyncio.sleep(1)
    begun, woken = loop.time(), []
    while loop.time() < begun + 1:
        heard = asyncio.Event()
        beat.wake(heard.set)
        await heard.wait()
        woken.append(round(loop.time() - begun, 3))

    assert woken[:3] == [0, PAGES_SECONDS, 2 * PAGES_SECONDS]
    assert len(woken) == 1 + round(1 / PAGES_SECONDS)
