"""The guard where processes cannot fork (Windows): it starts the agent as a program of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from chargehand_worker.windows_jobs import CREATE_SUSPENDED, Job, windows

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_HEALTHY_AFTER = 60.0


def guard_child(command: Sequence[str], final: Sequence[int]) -> NoReturn:
    """Run the agent, and another one whenever it has ended; exit with its code if that is final.

    The agent is in a job: it does not outlive this process, however that ends, and neither do
    commands.
    """
    pause = _FIRST_PAUSE
    while True:
        began = time.monotonic()
        job = Job(windows())
        agent: subprocess.Popen[bytes] = subprocess.Popen(command, creationflags=CREATE_SUSPENDED)
        job.begin(agent)
        try:
            code = agent.wait()
        except KeyboardInterrupt:
            code = 0
        job.close()
        if code in final:
            sys.exit(code)
        pause = _FIRST_PAUSE if time.monotonic() - began > _HEALTHY_AFTER else pause * 2
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        print(f"{now} the agent ended (exit code {code}); starting another", file=sys.stderr)
        sys.stderr.flush()
        time.sleep(min(pause, _LONGEST_PAUSE))
