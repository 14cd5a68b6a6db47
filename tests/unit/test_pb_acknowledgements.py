"""Answers that a stock worker does not wait for go with what is sent next, and are never lost."""

from __future__ import annotations

import asyncio

import pytest
from pb_worker import Command as WorkerCommand
from pb_worker import PbWorker
from stock_farm import Farm, Received, command, pb_farm

from buildbot._border.bridge import inward
from chargehand.links.pb import channel

HOUR = 3600.0


farm = pytest.fixture(pb_farm)


async def waits_for_nothing(order: WorkerCommand) -> None:
    order.send(stdout="done\n")
    order.send(rc=0)
    order.complete()


async def test_a_command_and_the_answers_before_it_arrive_together(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "_PATIENCE", HOUR)
    stock = await farm.connect(PbWorker(waits_for_nothing))
    await farm.session.run(command(number=1), Received())
    broker = stock.perspective.broker
    arrivals: list[bytes] = []
    read = broker.dataReceived

    def counted(data: bytes) -> None:
        arrivals.append(data)
        read(data)

    monkeypatch.setattr(broker, "dataReceived", counted)

    for number in range(2, 6):
        await farm.session.run(command(number=number), Received())

    assert len(arrivals) == 4
    assert all(b"startCommand" in data for data in arrivals)
    assert len(broker.waitingForAnswers) == 3  # Those of the last command.


async def test_answers_with_which_nothing_goes_are_sent_soon(farm: Farm) -> None:
    answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def run(order: WorkerCommand) -> None:
        order.send(rc=0)
        answered.set_result(await inward(order.complete))

    await farm.connect(PbWorker(run))

    await farm.session.run(command(), Received())

    assert await asyncio.wait_for(answered, 30) is None


async def test_answers_are_sent_before_the_connection_is_closed(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "_PATIENCE", HOUR)
    stock = await farm.connect(PbWorker(waits_for_nothing))
    broker = stock.perspective.broker
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    broker.notifyOnDisconnect(lambda: gone.set_result(len(broker.waitingForAnswers or {})))
    await farm.session.run(command(), Received())
    assert len(broker.waitingForAnswers) == 3

    await farm.session.close()

    assert await asyncio.wait_for(gone, 30) == 0
