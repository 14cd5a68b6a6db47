"""No process is left behind on the master's machine, however its command, agent or master ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from installed_master import InstalledMaster
from sleepers import HIDING, all_hiding, sleeping
from test_local_link import Heard, Running, Sessions, link_of
from waiting import eventually, until

from chargehand.domain.session import WorkerLost
from chargehand.links.native.local_listener import LocalListener

pytestmark = pytest.mark.slow

_WAYS: dict[str, dict[str, Any]] = {
    "ends": {},
    "is stopped": {},
    "is stopped gently": {"sigtermTime": 0.1},
    "is silent": {"timeout": 0.3},
    "is silent, gently": {"timeout": 0.3, "sigtermTime": 0.1},
    "runs too long": {"maxTime": 0.3},
    "writes too much": {"max_lines": 3},
    "has a terminal": {"usePTY": True, "timeout": 0.3},
}


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Running]:
    reception = LocalListener(tmp_path / "agents")
    sessions = Sessions()
    link = link_of(reception, sessions, tmp_path)
    await link.start()
    yield Running(link, sessions, await sessions.attached.get())
    await link.stop()
    await reception.close()


async def _run(worker: Running, hiding: str, way: str) -> None:
    """Run a command that leaves children, and end it in this way."""
    heard = Heard()
    rest = {"ends": "echo done", "writes too much": "seq 100; exec sleep 7000"}
    script = f"{hiding} sleep 0.05; {rest.get(way, 'echo up; wait; exec sleep 7000')}"
    command = worker.command(
        "shell", workdir="build", logEnviron=False, command=["sh", "-c", script], **_WAYS[way]
    )
    running = asyncio.create_task(worker.session.run(command, heard.receive))
    if "stopped" in way:
        await until(lambda: "up" in heard.lines("o"))
        await worker.session.interrupt(command, "because")
    await running


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "beside another"])
async def test_nothing_is_left_of_a_command_however_it_ended(
    worker: Running, is_alone: bool
) -> None:
    other = asyncio.create_task(worker.shell("exec sleep 7655", workdir="other"))
    if is_alone:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
    for number, (kind, script) in enumerate(HIDING.items()):
        for count, way in enumerate(_WAYS):
            seconds = f"66{number}{count}"
            await _run(worker, script.replace("{}", seconds), way)
            if kind == "closed-streams" and not is_alone:
                continue  # Nothing tells whose it is: it is found when the worker is idle.
            assert not sleeping(seconds), (kind, way)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    await worker.shell("true")
    for count in range(len(_WAYS)):
        assert not sleeping(f"66{len(HIDING) - 1}{count}")


@pytest.mark.parametrize(
    ("way", "seconds"),
    [("stopped", 6720), ("agent killed", 6721), ("guard killed", 6722), ("both killed", 6723)],
)
async def test_nothing_is_left_when_the_agent_ends(
    worker: Running, way: str, seconds: int, tmp_path: Path
) -> None:
    heard = Heard()
    # An orphan that shows nothing is known as the agent's, or the guard's, child only.
    hiding = all_hiding(seconds, but=["closed-streams"] if way == "both killed" else [])
    script = f"echo $PPID; {hiding}\ntouch {tmp_path}/up; exec sleep {seconds}"
    command = worker.command(
        "shell", workdir="build", logEnviron=False, command=["sh", "-c", script]
    )
    running = asyncio.create_task(worker.session.run(command, heard.receive))
    await until(lambda: (tmp_path / "up").exists() and bool(heard.lines("o")))
    await until(lambda: len(sleeping(seconds)) > len(HIDING))

    agent = int(heard.lines("o")[0])
    guard = int(Path(f"/proc/{agent}/stat").read_text().rpartition(")")[2].split()[1])
    if way == "stopped":
        await worker.link.stop()
    else:
        first = {"agent killed": [agent], "guard killed": [guard]}.get(way, [guard, agent])
        for process in first:
            os.kill(process, signal.SIGKILL)
        if way == "guard killed":
            await worker.link.stop()
        else:
            await worker.sessions.attached.get()  # The next agent begins with clearing up.

    await until(lambda: not sleeping(seconds))
    with pytest.raises(WorkerLost):
        await running


@pytest.mark.parametrize(
    ("way", "seconds"), [("stopped", 6730), ("started again", 6731), ("gone for good", 6732)]
)
def test_nothing_is_left_when_the_master_ends(tmp_path: Path, way: str, seconds: int) -> None:
    master = InstalledMaster(tmp_path / "master")
    patience = 1 if way == "gone for good" else 600
    script = f"{all_hiding(seconds)}\ntouch {tmp_path}/up; exec sleep {seconds}"
    master.write(f"""
        c['workers'] = [worker.LocalWorker('local', reconnect_timeout={patience})]
        add('b', sh({script!r}))
        """)
    master.start()
    master.force("b")
    eventually("all children", lambda: (tmp_path / "up").exists())
    eventually("all children", lambda: len(sleeping(seconds)) > len(HIDING))

    if way == "stopped":
        master.stop()
    else:
        master.kill()
        assert len(sleeping(seconds)) > len(HIDING)
    if way == "started again":
        before = set(sleeping(seconds))
        master.start()
        eventually("the end of the former children", lambda: not before & set(sleeping(seconds)))
        master.stop()

    eventually("the end of all children", lambda: not sleeping(seconds))
    eventually("the end of the agent", lambda: not master.worker_processes())
