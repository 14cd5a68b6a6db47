"""Commands end while they, or others, are being moved into their control groups."""

from __future__ import annotations

import subprocess
import sys

from waiting import PATIENCE

_SCRIPT = """
import asyncio, os, threading
from chargehand_worker.processes import Processes

class Group:
    def __init__(self): self.may_move = threading.Event()
    def add(self, process_id): self.may_move.wait()
    def has_processes(self): return False
    def kill(self): pass

class Groups:
    def take(self): return Group()
    def free(self, group): pass

def start(processes, script):
    return processes.start(
        ["sh", "-c", script], command_id="c", directory="/", environment=dict(os.environ),
        stdin=0, stdout=1, stderr=2,
    )

async def main():
    processes = Processes(Groups())
    processes.watch()
    pairs = []
    for script in ("exit 3", "kill -9 $$", "true"):
        process_id = start(processes, script)
        pairs.append((process_id, processes._started[process_id].group))
    for process_id, _ in pairs:
        print(await processes.ended(process_id), await processes.sweep(process_id))
        processes.forget(process_id)
    for process_id, group in pairs:
        os.kill(process_id, 0)  # It still has its number.
        group.may_move.set()
        while processes._moving & {process_id}:
            await asyncio.sleep(0)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("all reaped")

asyncio.run(main())
"""


def test_no_command_waits_for_a_move():
    # In a process of its own: it reaps all of its children.
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.stdout.splitlines() == ["3 True", "-9 True", "0 True", "all reaped"], done.stderr
