"""Lets stock workers in that speak Perspective Broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from chargehand.domain.session import CommandRefused, WorkerLost
from chargehand.fleet.refusals import LoginRefused
from chargehand.fleet.remote import Admitted, RemoteWorkers
from chargehand.kit.limits import time_limit
from chargehand.kit.strangers import Strangers
from chargehand.kit.tasks import Tasks
from chargehand.links.pb.channel import PbChannel
from chargehand.links.pb.wire import PbWire
from chargehand.links.stock.info import worker_info
from chargehand.links.stock.session import StockSession
from chargehand_wire.pb.login import Credentials

_log = logging.getLogger(__name__)

_INTRODUCTION_SECONDS = 300.0
"""Seconds that a worker may take to describe itself and to make its directories."""

TakeGuest = Callable[[PbChannel], bool]
"""Takes over the connection of somebody who is no worker; returns whether it did."""


class PbDoor:
    """Makes a channel for each connection, and a session for each worker that may log in.

    *guests* are the names of others who may use the port (clients that send changes).
    """

    def __init__(
        self, *, workers: RemoteWorkers, guests: dict[str, TakeGuest] | None = None
    ) -> None:
        self._workers = workers
        self._strangers = Strangers("the port of workers over PB")
        self._tasks = Tasks("workers over PB")
        self.guests = {} if guests is None else guests

    def __call__(self) -> asyncio.Protocol:
        """Return what handles a new connection."""
        return PbChannel(strangers=self._strangers, asked=self._asked, arrived=self._arrived)

    async def close(self) -> None:
        """Let nobody in any more; sessions are ended by those who have them."""
        await self._tasks.close()

    def _asked(self, channel: PbChannel, name: str) -> bool:
        take = self.guests.get(name)
        return take is not None and take(channel)

    def _arrived(self, channel: PbChannel, credentials: Credentials) -> None:
        self._tasks.spawn(self._let_in(channel, credentials), name=f"login of {credentials.name}")

    async def _let_in(self, channel: PbChannel, credentials: Credentials) -> None:
        name, address = credentials.name, channel.address
        try:
            admitted = await self._workers.admit(
                name, is_right=credentials.is_right, address=address
            )
        except LoginRefused as refusal:
            channel.refuse_login(refusal.told)
            return
        try:
            async with time_limit(_INTRODUCTION_SECONDS):
                await self._introduce(channel, credentials, admitted)
        except LoginRefused as refusal:
            self._workers.refused(name, refusal.reason, address=address)
            channel.refuse_login(refusal.told)
        except (CommandRefused, WorkerLost, TimeoutError) as error:
            reason = str(error) or f"it did not answer within {_INTRODUCTION_SECONDS:g} s"
            self._workers.refused(name, reason, address=address)
            channel.abort()

    async def _introduce(
        self, channel: PbChannel, credentials: Credentials, admitted: Admitted
    ) -> None:
        """Get to know the worker, and register its session; then its login is answered."""
        link = admitted.link
        wire = PbWire(channel=channel, bot=credentials.mind, stop_requested=link.stop_requested)
        await wire.ping("attached")
        info = worker_info(await wire.info(), "pb")
        await wire.set_builders(admitted.directories, may_forget=True)
        session = StockSession(
            worker_name=credentials.name,
            info=info,
            address=channel.address,
            wire=wire,
            place=link,
        )
        reason = f"the connection with worker {credentials.name} ({channel.address}) was lost"
        channel.lost = partial(session.lose, reason)
        await link.attach(session, tell_builders=session.tell_builders)
        channel.accept(wire.perspective)
        session.accept()
        session.keep_alive(partial(self._workers.keepalive_interval, credentials.name))
