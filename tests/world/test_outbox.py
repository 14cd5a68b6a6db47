"""What waits to be sent, in virtual time: nothing is lost without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from buildbot.reporters.outbox import (
    LONGEST_SECONDS,
    MOST_TRIES,
    MOST_WAITING,
    NotNow,
    Outbox,
    Refused,
    Unavailable,
)


class Receiver:
    """Notes what it gets and when, and fails as it is told to."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.tried: list[tuple[float, str]] = []
        self.failure: Callable[[str], Exception | None] = lambda _: None

    async def take(self, content: str) -> None:
        self.tried.append((asyncio.get_running_loop().time(), content))
        failure = self.failure(content)
        if failure is not None:
            raise failure
        self.got.append(content)


@pytest.fixture
async def receiver() -> Receiver:
    return Receiver()


def _outbox(receiver: Receiver, **options: Any) -> Outbox[str]:
    return Outbox(owner="it", send=receiver.take, advice="Look.", **options)


async def test_an_outage_is_said_once_and_ends_with_everything_sent_in_order(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda _: Unavailable("nobody is there")
    outbox = _outbox(receiver)
    for number in range(5):
        outbox.put(f"title {number}", str(number))
    await asyncio.sleep(86_400)

    times = [time for time, _ in receiver.tried]
    waits = [after - before for before, after in pairwise(times)]
    assert waits[:4] == [10, 20, 40, 80] and max(waits) == LONGEST_SECONDS
    assert caplog.text.count("it cannot send: nobody is there. It keeps the unsent messages") == 1

    receiver.failure = lambda _: None
    await asyncio.sleep(LONGEST_SECONDS)
    assert receiver.got == ["0", "1", "2", "3", "4"]
    assert "it can send again" in caplog.text
    await outbox.close(patience=1)


async def test_what_is_refused_is_given_up_with_its_reason(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda one: Refused("550 no such user") if one == "a" else None
    outbox = _outbox(receiver)
    outbox.put("mail a", "a")
    outbox.put("mail b", "b")
    await outbox.close(patience=1)

    assert receiver.got == ["b"]
    assert "it gave up mail a: 550 no such user. Look." in caplog.text


async def test_a_fault_of_ours_is_given_up_and_stops_nothing(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda one: ZeroDivisionError("oops") if one == "a" else None
    outbox = _outbox(receiver)
    outbox.put("mail a", "a")
    outbox.put("mail b", "b")
    await outbox.close(patience=1)

    assert receiver.got == ["b"]
    assert "it gave up mail a: ZeroDivisionError: oops" in caplog.text


@pytest.mark.parametrize("keeps_order", [False, True])
async def test_what_is_put_off_is_retried_and_others_pass_it_unless_order_matters(
    receiver: Receiver, keeps_order: bool, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda one: (
        NotNow("450 later") if one == "a" and len(receiver.tried) < 4 else None
    )
    outbox = _outbox(receiver, keeps_order=keeps_order)
    outbox.put("mail a", "a")
    outbox.put("mail b", "b")
    await asyncio.sleep(3_600)

    assert receiver.got == (["a", "b"] if keeps_order else ["b", "a"])
    assert caplog.text.count("it could not send mail a: 450 later") == 1
    await outbox.close(patience=1)


async def test_what_is_never_taken_is_given_up_in_the_end(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda _: NotNow("500 broken")
    outbox = _outbox(receiver, keeps_order=True)
    outbox.put("mail a", "a")
    await asyncio.sleep(86_400)

    assert len(receiver.tried) == MOST_TRIES
    assert "it gave up mail a: 500 broken" in caplog.text
    await outbox.close(patience=1)


async def test_the_oldest_is_given_up_when_too_much_waits(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda _: Unavailable("away")
    outbox = _outbox(receiver)
    for number in range(MOST_WAITING + 1):
        outbox.put(f"mail {number}.", str(number))

    assert outbox.waiting == MOST_WAITING
    assert "it gave up mail 0.: 999 more are waiting" in caplog.text
    await outbox.close(patience=1)


async def test_what_is_unsent_at_the_end_is_named(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.failure = lambda _: Unavailable("away")
    outbox = _outbox(receiver)
    for number in range(12):
        outbox.put(f"mail {number}", str(number))
    await asyncio.sleep(1)
    await outbox.close(patience=60)

    assert asyncio.get_running_loop().time() < 10
    assert "it stopped with 12 unsent: mail 0, mail 1, " in caplog.text
    assert "mail 9 and 2 more" in caplog.text
