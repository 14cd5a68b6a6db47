"""Creates and connects everything that runs in a master."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from chargehand.app.chronicle import Chronicle
from chargehand.app.directory import Directory
from chargehand.app.housekeeping import Housekeeping
from chargehand.app.places import LOCAL_SOCKET
from chargehand.app.recovering import recover
from chargehand.app.services import Services
from chargehand.app.worker_doors import Door, LateDoor, WorkerDoors
from chargehand.config.model import MasterConfig
from chargehand.control.orders import Orders
from chargehand.dispatch.locks import LockTable
from chargehand.dispatch.service import Dispatcher
from chargehand.domain.failed_part import FailedPart, HasFailedParts
from chargehand.domain.identifiers import MasterId
from chargehand.events.bus import Bus
from chargehand.events.messages import WorkerDisconnected
from chargehand.execution.recovery import Cause
from chargehand.execution.service import Builds
from chargehand.fleet.absence import Absences
from chargehand.fleet.ports import LinkMaker
from chargehand.fleet.remote import RemoteWorkers
from chargehand.fleet.service import Fleet
from chargehand.intake.service import Intake
from chargehand.intake.trust import TrustInForce
from chargehand.kit.clock import Clock
from chargehand.kit.guard import guarded
from chargehand.kit.redaction import Redaction
from chargehand.links.native.late_logs import LateLogs
from chargehand.links.native.local import LocalLinks
from chargehand.links.native.local_listener import LocalListener
from chargehand.links.native.native_port import NativePort
from chargehand.links.native.stock_visitors import StockVisitors
from chargehand.links.native.worker_door import WorkerDoor
from chargehand.plugins.stock_ui import find_stock_ui
from chargehand.scheduling.service import Scheduling
from chargehand.store.errors import StoreError
from chargehand.store.store import Store
from chargehand.web.protocol import hand_over
from chargehand.web.server import WebServer

_log = logging.getLogger("chargehand.master")

_MSGPACK = "msgpack_experimental_v7"
_OUTAGE_SECONDS = 5.0
"""Seconds that a clean stop waits for space on a full disk."""

MakeLinks = Callable[[LocalListener, Path], Mapping[str, LinkMaker]]
"""Creates the link factories by kind of worker; local workers connect at the reception and work
below the directory."""


def links_of_all_kinds(reception: LocalListener, directory: Path) -> Mapping[str, LinkMaker]:
    """Return the link factory of each kind of worker that the master starts."""
    return {"local": LocalLinks(reception=reception, directory=directory)}


class Parts:
    """The stages of a master, on an open database."""

    def __init__(
        self,
        *,
        basedir: Path,
        bus: Bus,
        directory: Directory,
        store: Store,
        master_id: MasterId,
        clock: Clock,
        reception: LocalListener,
        links: Mapping[str, LinkMaker],
        redaction: Redaction | None = None,
    ) -> None:
        self.redaction = redaction or Redaction()
        self.store = store
        self.master_id = master_id
        self._locks = LockTable()
        self.trust = TrustInForce()
        self.remote_workers = RemoteWorkers(clock=clock)
        self._stock_visitors = StockVisitors(
            workers=self.remote_workers,
            protocol=_MSGPACK,
            port=lambda: self.worker_doors.port_of(_MSGPACK),
        )
        self.worker_door = self._worker_door()
        self.worker_doors = self._worker_doors()
        self.fleet = self._fleet(links, clock)
        self.builds = self._builds(clock)
        self._reception = reception
        self.dispatcher = Dispatcher(
            store=store.requests,
            workers=self.fleet,
            builds=self.builds,
            locks=self._locks,
            bus=bus,
            master_id=master_id,
            choose=random.choice,
            clock=clock,
        )
        self.fleet.on_change(self.dispatcher.worker_changed)
        self.scheduling = self._scheduling(bus, directory, clock)
        self.intake = self._intake(basedir)
        self.orders = self._orders(bus)
        self.web = self._web(bus, clock, basedir / LOCAL_SOCKET)
        self.services = Services()
        self.housekeeping = Housekeeping(store=store, clock=clock)
        self.absences = Absences(bus=bus, clock=clock, absent=self.fleet.absent)
        self.fleet.on_not_started(self.absences.not_started)
        self.chronicle = Chronicle(
            bus=bus,
            directory=directory,
            master_id=master_id,
            why_now=self.dispatcher.why_now.of,
            worker_name=self.fleet.name_of,
        )
        bus.subscribe(self._worker_disconnected, WorkerDisconnected)

    def _kept_logs(self, worker_name: str) -> LateLogs:
        return LateLogs(logs=self.store.logs, worker_name=worker_name, master_id=self.master_id)

    def _worker_door(self) -> WorkerDoor:
        return WorkerDoor(
            workers=self.remote_workers, kept_logs=self._kept_logs, logged_in=hand_over,
            misdirected=self._stock_visitors,
        )  # fmt: skip

    def _worker_doors(self) -> WorkerDoors:
        others: dict[str, Door] = {
            "native": NativePort(self.worker_door),
            _MSGPACK: LateDoor(self._msgpack_door),
        }
        return WorkerDoors(
            workers=self.remote_workers, others=others, web_port=lambda: self.web.port
        )

    def _msgpack_door(self) -> Door:
        from chargehand.links.msgpack.door import MsgpackDoor

        return MsgpackDoor(workers=self.remote_workers)

    def _fleet(self, links: Mapping[str, LinkMaker], clock: Clock) -> Fleet:
        remote = self.remote_workers
        fleet = Fleet(
            store=self.store.workers,
            instances=self.store.instances,
            master_id=self.master_id,
            links={"remote": remote, "latent": remote, **links},
            clock=clock,
        )
        remote.introduce(fleet)
        return fleet

    def _builds(self, clock: Clock) -> Builds:
        return Builds(
            builds=self.store.builds,
            steps=self.store.steps,
            logs=self.store.logs,
            locks=self._locks,
            health=self.fleet,
            master_id=self.master_id,
            redaction=self.redaction,
            clock=clock,
            state=self.store.state,
        )

    def _scheduling(self, bus: Bus, directory: Directory, clock: Clock) -> Scheduling:
        return Scheduling(
            buildsets=self.store.buildsets,
            schedulers=self.store.schedulers,
            changes=self.store.changes,
            state=self.store.state,
            builders=directory,
            bus=bus,
            clock=clock,
            master_id=self.master_id,
            redaction=self.redaction,
            trust=self.trust,
        )

    def _intake(self, basedir: Path) -> Intake:
        return Intake(
            changes=self.store.changes,
            state=self.store.state,
            sources=self.store.change_sources,
            master_id=self.master_id,
            basedir=basedir,
            trust=self.trust,
        )

    def _orders(self, bus: Bus) -> Orders:
        return Orders(
            scheduling=self.scheduling,
            dispatcher=self.dispatcher,
            builds=self.builds,
            fleet=self.fleet,
            resources=self.store.resources,
            changes=self.store.changes,
            refused_logins=lambda: self.remote_workers.refused_logins,
            publish=bus.publish,
        )

    def _web(self, bus: Bus, clock: Clock, local_socket: Path) -> WebServer:
        return WebServer(
            config=MasterConfig(),
            resources=self.store.visited_resources,
            logs=self.store.logs,
            controls=self.orders,
            explanations=self.orders,
            forms=self.scheduling,
            audit=self.store.audit,
            sessions=self.store.web_sessions,
            tokens=self.store.api_tokens,
            bus=bus,
            clock=clock,
            routes={"worker": self.worker_door.serve},
            local_socket=local_socket,
            failed_parts=lambda: self.failed_parts,
            find_stock_ui=find_stock_ui,
            misdirected=self._stock_visitors,
        )

    @property
    def failed_parts(self) -> list[FailedPart]:
        """What the configuration names and does not run, stage by stage."""
        stages: tuple[HasFailedParts, ...] = (
            self.fleet,
            self.scheduling,
            self.intake,
            self.services,
        )
        return [part for stage in stages for part in stage.failed_parts]

    @property
    def elsewhere(self) -> list[str]:
        """The schedulers and change sources that another master runs."""
        return [*self.scheduling.elsewhere, *self.intake.elsewhere]

    async def register_again(self) -> None:
        """Record and claim again what other masters consider stopped."""
        await self.fleet.register_again()
        await self.scheduling.claim_again()
        await self.intake.claim_again()
        await self.dispatcher.look_again()

    async def stop(self) -> None:
        """Stop all work, then the workers. Slow users' code does not delay other parts (decision
        0031).

        Stops the web last, so that health checks are answered until then.
        """
        self.web.close()
        self.store.give_up(after=_OUTAGE_SECONDS)
        self.dispatcher.stop_starting()
        self.worker_door.stopping()
        work = (self.services, self.intake, self.scheduling, self.dispatcher)
        await asyncio.gather(*[self._stopped(part.stop) for part in work])
        for stop in (
            self.housekeeping.stop,
            self.absences.close,
            self.builds.close,
            self.worker_doors.close,
            self.fleet.close,
            self._reception.close,
            self._leave_nothing_claimed,
            self.worker_door.close,
            self.web.stop,
            self.store.close,
        ):
            await self._stopped(stop)

    async def _stopped(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Stop all parts, even if one fails."""
        with guarded(_log, "error while stopping a part of the master"):
            try:
                await stop()
            except StoreError as error:
                _log.error("while stopping: %s", error)

    async def _leave_nothing_claimed(self) -> None:
        """Return requests that could not be recorded as stopped (full disk) to the queue."""
        await self.store.masters.stop(self.master_id)
        await recover(self.store.masters, self.master_id, Cause.STOPPED)

    def _worker_disconnected(self, event: WorkerDisconnected) -> None:
        """Notify builds, which otherwise notice a lost worker only at their next command."""
        self.builds.worker_lost(event.worker.name)
