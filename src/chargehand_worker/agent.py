"""The agent: a supervisor with a link; it runs until stopped or until no master reconnects."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Protocol

from chargehand_wire.messages import Directories
from chargehand_wire.numbering import Spool
from chargehand_wire.worker_side import WorkerEvent, WorkerSide
from chargehand_worker import kernel
from chargehand_worker.control_groups import usable_groups
from chargehand_worker.facts import facts
from chargehand_worker.link import DoorLink
from chargehand_worker.processes import CommandProcesses, Processes
from chargehand_worker.supervisor import COMMANDS, COPIES_DIRECTORIES, SAME_MACHINE, Supervisor
from chargehand_worker.system_text import reason_of


class Link(Protocol):
    """Keeps a connection to a master."""

    async def keep(self) -> int:
        """Connect, and connect again; return the agent's exit code when that is over."""

    def send_soon(self) -> None:
        """Send what the protocol has to say."""

    async def say_goodbye(self) -> None:
        """Tell the master that the worker is being stopped."""


_log = logging.getLogger(__name__)
_FAILED = 1

Handle = Callable[[WorkerEvent], None]
MakeLink = Callable[[WorkerSide, Handle, CommandProcesses], Link]


def run_agent(
    *, door: Path, name: str, basedir: Path, patience: float, guard: int, hidden: Sequence[str]
) -> None:
    """Serve the masters that open *door*, one after the other.

    Commands get its own environment but for what is *hidden*.
    """
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    run(
        Agent(
            name=name,
            basedir=basedir,
            environment=environment,
            info=facts(basedir, environment, (*COMMANDS, SAME_MACHINE, COPIES_DIRECTORIES)),
            make_link=lambda side, handle, _: DoorLink(
                door=door, side=side, handle=handle, patience=patience
            ),
            # Moving each process into a group takes up to 20 ms, for which its end has to wait.
            with_groups=False,
        ),
        guard=guard,
    )


def run(agent: Agent, *, guard: Optional[int]) -> None:
    """Run an agent to its end; the process ends with it.

    It ends when its parent *guard* does; without one, the system ends it then.
    """
    kernel.die_with_parent(signal.SIGTERM)
    if guard is not None and os.getppid() != guard:  # It died before we asked for a signal.
        return
    asyncio.run(agent.serve())


class Agent:
    """Runs commands for masters, until it is told to end, or its link gives up.

    *stop_signal* lets it ask for a graceful shutdown; a *companion* runs beside it. Commands get
    control groups of their own *with_groups*, where that is possible.
    """

    def __init__(
        self,
        *,
        name: str,
        basedir: Path,
        environment: Mapping[str, str],
        info: Mapping[str, Any],
        make_link: MakeLink,
        directories_known: Callable[[Directories], None] = lambda _: None,
        stop_signal: Optional[signal.Signals] = None,
        spool: Optional[Spool] = None,
        with_groups: bool = True,
        companion: Optional[Callable[[Agent], Coroutine[Any, Any, None]]] = None,
    ) -> None:
        self._stop_signal = stop_signal
        self._companion = companion
        self._with_groups = with_groups
        self._basedir = basedir
        self._environment = environment
        self._make_link = make_link
        self._directories_known = directories_known
        self._link: Optional[Link] = None
        self.side = WorkerSide(
            name=name, incarnation=uuid.uuid4().hex, info=dict(info), spool=spool
        )

    def request_stop(self) -> None:
        """Ask the master for a graceful shutdown."""
        self.side.request_stop()
        if self._link is not None:
            self._link.send_soon()

    def _processes(self) -> CommandProcesses:
        if sys.platform == "win32":
            from chargehand_worker.job_processes import JobProcesses
            from chargehand_worker.windows_jobs import Job, windows

            kernel32 = windows()
            return JobProcesses(lambda: Job(kernel32))
        return Processes(usable_groups() if self._with_groups else None)

    async def serve(self) -> None:
        """Serve masters; never returns."""
        loop = asyncio.get_running_loop()
        stopped: asyncio.Future[int] = loop.create_future()

        def stop(code: int = 0) -> None:
            if not stopped.done():
                stopped.set_result(code)

        def handle(event: WorkerEvent) -> None:
            supervisor.handle(event)

        for number in (signal.SIGTERM, signal.SIGINT):
            _handle_signal(loop, number, stop)
        processes = self._processes()
        processes.watch()
        self._link = link = self._make_link(self.side, handle, processes)
        supervisor = Supervisor(
            side=self.side,
            send=link.send_soon,
            stop=stop,
            basedir=self._basedir,
            environment=self._environment,
            processes=processes,
            directories_known=self._directories_known,
        )
        if self._stop_signal is not None:
            _handle_signal(loop, self._stop_signal, self.request_stop)
        beside = None if self._companion is None else loop.create_task(self._companion(self))
        keeping = loop.create_task(link.keep())
        keeping.add_done_callback(lambda kept: stop(_code(kept)))
        code = await stopped
        if code == 0:
            await link.say_goodbye()
        if beside is not None:
            beside.cancel()
        supervisor.kill_all()
        # Commands under way have nobody to tell; there is nothing that their tasks could still do.
        os._exit(code)


def _handle_signal(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, handle: Callable[[], None]
) -> None:
    if sys.platform == "win32":
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(handle))
    else:
        loop.add_signal_handler(number, handle)


def _code(kept: asyncio.Task[int]) -> int:
    """Return the exit code of a link that is over; say why it failed, if it did."""
    if kept.cancelled():
        return _FAILED
    failure = kept.exception()
    if failure is None:
        return kept.result()
    if isinstance(failure, OSError):
        _log.error("cannot run the link process: %s", reason_of(failure))
    else:
        _log.error("the link failed", exc_info=failure)
    return _FAILED
