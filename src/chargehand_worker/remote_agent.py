"""The agent of a worker with a directory of its own, for a master on another machine."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from chargehand_wire.messages import Directories
from chargehand_wire.worker_side import WorkerSide
from chargehand_worker.agent import Agent, Handle, Link, run
from chargehand_worker.clean_environment import (
    clean_environment,
    container_environment,
    is_made_for_worker,
)
from chargehand_worker.direct_link import DirectLink
from chargehand_worker.facts import facts
from chargehand_worker.processes import CommandProcesses, Processes
from chargehand_worker.relay import RelayedLink
from chargehand_worker.settings import WorkerSettings
from chargehand_worker.spool import DiskSpool
from chargehand_worker.supervisor import COMMANDS
from chargehand_worker.system_text import reason_of

_log = logging.getLogger(__name__)

_HANGUP: Optional[signal.Signals] = getattr(signal, "SIGHUP", None)
_STAMP = "shutdown.stamp"
_MEBIBYTE = 1024 * 1024
_LOOK_SECONDS = 2.0
_REMOVED = ".removed-"
"""What directories are named that are being removed; what is left of one goes with the next."""
_KEPT_DIRECTORIES = ("info",)


def run_remote_agent(directory: Path, settings: WorkerSettings, *, guard: Optional[int]) -> None:
    """Serve the master that the settings name, to the end of the process."""
    log_to_standard_error()
    mask = settings.file_mask()
    if mask is not None:
        os.umask(mask)
    environment = _environment(settings)
    info = facts(directory, environment, COMMANDS, numcpus=settings.numcpus)
    agent = Agent(
        name=settings.name,
        basedir=directory,
        environment=environment,
        info={**info, "patience": settings.patience},
        make_link=lambda side, handle, processes: _link(
            directory, settings, side, handle, processes
        ),
        directories_known=_remover(directory) if settings.delete_leftover_dirs else _keep,
        with_groups=settings.control_groups,
        spool=DiskSpool(directory, settings.spool * _MEBIBYTE),
        stop_signal=_HANGUP if settings.may_shut_down_by_signal else None,
        companion=_Stamp(directory / _STAMP).watch if settings.may_shut_down_by_file else None,
    )
    if _HANGUP is not None:
        signal.signal(_HANGUP, signal.SIG_IGN)
    run(agent, guard=guard)


def _link(
    directory: Path,
    settings: WorkerSettings,
    side: WorkerSide,
    handle: Handle,
    processes: CommandProcesses,
) -> Link:
    if not isinstance(processes, Processes):
        return DirectLink(settings=settings, side=side, handle=handle)
    return RelayedLink(
        directory=directory,
        side=side,
        handle=handle,
        patience=settings.patience,
        keepalive=settings.keepalive,
        processes=processes,
    )


def log_to_standard_error() -> None:
    """Write what there is to tell to standard error, with the time."""
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO
    )


def _environment(settings: WorkerSettings) -> dict[str, str]:
    inherit = settings.inherit_environment
    if inherit is True:
        return dict(os.environ)
    if inherit is None and is_made_for_worker(os.environ, settings.name):
        return container_environment(os.environ, settings.password)
    return clean_environment(os.environ, inherit or ())


class _Stamp:
    """A file; when somebody touches it, the worker asks for a graceful shutdown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._time()

    async def watch(self, agent: Agent) -> None:
        """Look at it from time to time."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if (now := self._time()) != self._seen:
                self._seen = now
                if now:
                    agent.request_stop()

    def _time(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0


def _keep(_known: Directories) -> None:
    """Leave directories alone."""


def _remover(basedir: Path) -> Callable[[Directories], None]:
    """Return what removes directories that no builder uses any more."""

    def remove(known: Directories) -> None:
        used = {*_KEPT_DIRECTORIES, *(name.split("/")[0] for name in known.directories)}
        moved = []
        for entry in list(basedir.iterdir()):
            if entry.name in used or entry.is_symlink() or not entry.is_dir():
                continue
            _log.info("removing %s: no builder uses it", entry)
            # Moved first: that takes no time, and a builder of that name may come again meanwhile.
            place = basedir / f"{_REMOVED}{uuid.uuid4().hex}"
            try:
                moved.append(entry.rename(place))
            except OSError as error:
                _log.warning("cannot remove %s: %s", entry, reason_of(error))
        if moved:
            threading.Thread(target=_remove_all, args=(moved,), daemon=True).start()

    return remove


def _remove_all(places: list[Path]) -> None:
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
        if place.exists():
            _log.warning("cannot remove all of %s", place)
