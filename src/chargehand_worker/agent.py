"""The agent: a supervisor with a link, until the link or the process is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import uuid
from pathlib import Path

from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker import kernel
from chargehand_worker.facts import facts
from chargehand_worker.link import InheritedLink
from chargehand_worker.processes import Processes
from chargehand_worker.supervisor import COMMANDS, Supervisor


def run_agent(descriptor: int, name: str, basedir: Path) -> None:
    """Serve the master at the other end of an inherited socket until it goes away."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    kernel.die_with_parent(signal.SIGTERM)
    asyncio.run(_serve(socket.socket(fileno=descriptor), name, basedir))


async def _serve(connection: socket.socket, name: str, basedir: Path) -> None:
    connection.set_inheritable(False)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    processes = Processes()
    processes.watch()
    environment = dict(os.environ)
    side = WorkerSide(
        name=name,
        incarnation=uuid.uuid4().hex,
        info=facts(basedir, environment, COMMANDS),
    )

    def handle(event: WorkerEvent) -> None:
        supervisor.handle(event)

    link = InheritedLink(side=side, handle=handle, lost=stopped.set)
    supervisor = Supervisor(
        side=side,
        send=link.send_soon,
        stop=stopped.set,
        basedir=basedir,
        environment=environment,
        processes=processes,
    )
    await link.open(connection)
    await stopped.wait()
    supervisor.kill_all()
    # Commands under way have nobody to tell; there is nothing that their tasks could still do.
    os._exit(0)
