"""A master of which others think after a few seconds of silence that it has died.

Run as a program it is the process of such a master, in the directory that is its argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from installed_master import InstalledMaster
from waiting import eventually

from chargehand.app.master import Master
from chargehand.cli.basedir import Basedir
from chargehand.cli.log_output import log_to

_HEARTBEAT = 0.5
DEAD_AFTER = 6.0


class ShortLeasedMaster(InstalledMaster):
    """It runs as a child of the tests."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in the background; it must come up."""
        program = [sys.executable, __file__, str(self.path)]
        self._process = subprocess.Popen(program, cwd=self.path)
        eventually(f"the master's start; {self.log}", lambda: "listening on" in self.log)

    @property
    def pid(self) -> int:
        """The master's process."""
        assert self._process is not None
        return self._process.pid

    def end(self) -> None:
        """Whatever the test did: leave nothing behind."""
        if self._process is not None:
            super().end()
            self._process.wait()


async def _run(path: Path) -> None:
    basedir = Basedir(path=path)
    log_to(basedir, terminal=False)
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    master = Master(
        basedir=path,
        config_path=basedir.config_path,
        heartbeat=_HEARTBEAT,
        dead_after=DEAD_AFTER,
    )
    await master.start()
    await told_to_stop.wait()
    await master.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(Path(sys.argv[1])))
