"""The agent: a supervisor with a link; it runs until stopped or until no master reconnects."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker import kernel
from chargehand_worker.facts import facts
from chargehand_worker.link import DoorLink
from chargehand_worker.processes import Processes
from chargehand_worker.supervisor import COMMANDS, Supervisor


def run_agent(
    *, door: Path, name: str, basedir: Path, patience: float, guard: int, hidden: Sequence[str]
) -> None:
    """Serve the masters that open *door*, one after the other.

    Commands get its own environment but for what is *hidden*.
    """
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    kernel.die_with_parent(signal.SIGTERM)
    if os.getppid() != guard:  # It died before we asked for a signal.
        return
    asyncio.run(_serve(door, name, basedir, patience, hidden))


async def _serve(
    door: Path, name: str, basedir: Path, patience: float, hidden: Sequence[str]
) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    processes = Processes()
    processes.watch()
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    side = WorkerSide(
        name=name,
        incarnation=uuid.uuid4().hex,
        info=facts(basedir, environment, COMMANDS),
    )

    def handle(event: WorkerEvent) -> None:
        supervisor.handle(event)

    link = DoorLink(door=door, side=side, handle=handle, patience=patience)
    supervisor = Supervisor(
        side=side,
        send=link.send_soon,
        stop=stopped.set,
        basedir=basedir,
        environment=environment,
        processes=processes,
    )
    keeping = asyncio.get_running_loop().create_task(link.keep())
    keeping.add_done_callback(lambda _: stopped.set())
    await stopped.wait()
    supervisor.kill_all()
    # Commands under way have nobody to tell; there is nothing that their tasks could still do.
    os._exit(0)
