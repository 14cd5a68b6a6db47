"""Connections of an agent that give way to others, in whatever order they begin and end."""

from __future__ import annotations

import asyncio
import socket

from waiting import until

from chargehand_wire.codec import Decoder
from chargehand_wire.framing import FrameReader, frame
from chargehand_wire.messages import FromWorker, Hello, Ping, Pong, Welcome
from chargehand_wire.worker_side import WorkerSide
from chargehand_worker.link import MasterConnection


async def test_a_connection_that_was_replaced_early_does_not_harm_the_next():
    side = WorkerSide(name="w", incarnation="1", info={})
    loop = asyncio.get_running_loop()
    pairs = [socket.socketpair(), socket.socketpair()]
    for ours, _ in pairs:
        ours.setblocking(False)
    former, new = (MasterConnection(side, lambda _: None) for _ in pairs)

    former.retire()
    await loop.create_connection(lambda: new, sock=pairs[1][0])
    pairs[1][1].sendall(frame(Welcome(3, {})))
    await loop.create_connection(lambda: former, sock=pairs[0][0])
    await former.closed
    pairs[1][1].sendall(frame(Ping(7)))
    await until(lambda: new.was_heard)

    heard = await asyncio.to_thread(_messages, pairs[1][1], 2)
    new.abort()
    await new.closed
    for _, theirs in pairs:
        theirs.close()
    assert isinstance(heard[0], Hello)
    assert heard[1] == Pong(7)


def _messages(connection: socket.socket, count: int) -> list[FromWorker]:
    reader = FrameReader[FromWorker](Decoder(FromWorker))
    found: list[FromWorker] = []
    while len(found) < count:
        found += reader.feed(connection.recv(65536))
    return found
