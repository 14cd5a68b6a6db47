"""The ports of workers, and of others who use the same ports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from chargehand.config.model import MasterConfig, WorkerPort
from chargehand.fleet.remote import RemoteWorkers
from chargehand.links.doors import WorkerPorts

if TYPE_CHECKING:  # Few masters have ports for stock workers.
    from chargehand.links.pb.door import TakeGuest

_PB = "pb"


class Door(Protocol):
    """Takes the connections of one protocol."""

    def __call__(self) -> asyncio.Protocol:
        """Return what handles a new connection."""

    async def close(self) -> None:
        """Close all connections."""


class LateDoor:
    """A door of which the code is imported when a port for it is configured."""

    def __init__(self, make: Callable[[], Door]) -> None:
        self._make = make
        self._made: Door | None = None

    def __call__(self) -> asyncio.Protocol:
        """Return what handles a new connection."""
        return self.made()()

    def made(self) -> Door:
        """Return the door itself."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            await self._made.close()


class WorkerDoors:
    """Opens the configured ports while there are workers that connect there, or guests.

    *web_port* returns the number of the port that the web server listens on, if there is one.
    """

    def __init__(
        self,
        *,
        workers: RemoteWorkers,
        others: Mapping[str, Door],
        web_port: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._workers = workers
        self._guests: dict[str, TakeGuest] = {}
        self._doors: dict[str, Door] = {_PB: LateDoor(self._pb), **others}
        self._ports = WorkerPorts(self._doors)
        self._configured: tuple[WorkerPort, ...] = ()
        self._has_workers = False
        self._web_port = web_port

    async def reconfigure(self, config: MasterConfig) -> None:
        """Open and close ports; `serve` lets workers in. Raises PortNotOpened."""
        before = self._configured, self._has_workers
        self._configured = config.worker_ports
        self._has_workers = any(worker.password is not None for worker in config.workers)
        try:
            await self._listen()
        except BaseException:
            self._configured, self._has_workers = before
            raise

    async def serve(self) -> None:
        """Let workers in."""
        await self._ports.serve()

    async def close(self) -> None:
        """Let nobody in any more."""
        await self._ports.close()
        for door in self._doors.values():
            await door.close()

    async def share(self, text: str, name: str, take: TakeGuest) -> int | None:
        """Let *name* in, who is no worker, on a port of workers that is configured as *text*.

        Returns the number of the port; None if workers do not use it. Raises PortNotOpened.
        """
        port = next((p for p in self._configured if p.text == text and p.protocol == _PB), None)
        if port is None:
            return None
        self._guests[name] = take
        try:
            await self._listen()
            await self._ports.serve()
        except BaseException:
            del self._guests[name]
            raise
        return self._ports.number(port)

    def port_of(self, protocol: str) -> int | None:
        """Return the number of the port at which workers connect with a protocol, if there is one.

        The native protocol has the web's port, too.
        """
        ports = [one for one in self._configured if one.protocol == protocol]
        number = self._ports.number(ports[0]) if ports else 0
        if not number and protocol == "native":
            return self._web_port()
        return number or None

    async def unshare(self, name: str) -> None:
        """Let *name* in no more."""
        self._guests.pop(name, None)
        await self._listen()

    async def _listen(self) -> None:
        shared = (_PB,) if self._guests else ()
        wanted = [p for p in self._configured if self._has_workers or p.protocol in shared]
        for port in wanted:
            if isinstance(door := self._doors[port.protocol], LateDoor):
                door.made()  # The first worker does not wait for it.
        await self._ports.listen(wanted)

    def _pb(self) -> Door:
        from chargehand.links.pb.door import PbDoor

        return PbDoor(workers=self._workers, guests=self._guests)
