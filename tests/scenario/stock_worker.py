"""A stock `buildbot-worker` 4.3.0, as it is installed from PyPI."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ROOT / "bench/run/stock-worker/bin"


class StockWorker:
    """A worker's directory, and its process."""

    def __init__(
        self,
        path: Path,
        address: str,
        *options: str,
        name: str = "stock",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        own = ("--maxdelay=1", "--allow-shutdown=signal", *options)
        subprocess.run(
            [PROGRAMS / "buildbot-worker", "create-worker", *own, path, address, name, "secret"],
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start its process."""
        with (self.path / "out").open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAMS / "buildbot-worker", "start", "--nodaemon", self.path],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its process only."""
        assert self._process is not None
        self._process.send_signal(number)

    def let_go(self) -> subprocess.Popen[bytes]:
        """Return its process, for which somebody else cares from now on."""
        assert self._process is not None
        process, self._process = self._process, None
        return process

    def end(self) -> None:
        """Kill it, with all that it started in its session."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether its process has exited."""
        return self._process is not None and self._process.poll() is not None

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.path / "out").read_text(errors="replace")
